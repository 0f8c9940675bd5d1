//! Tables: columns that line up by how wide their text is on a terminal. Where they do not fit, the wide ones are broken
//! into lines; what must be copied whole is never broken.

use std::io::{self, Write};

use super::flow::{Piece, line_width, wrap};
use super::screen::Screen;
use super::style::FAINT;

/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower than this to make others fit.
const NARROWEST: usize = 8;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands over it.
    pub title: &'static str,
    /// How its text stands in it.
    pub kind: Kind,
}

/// How text stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At the left, and broken into lines if the table is too wide.
    Text,
    /// At the left, and never broken.
    Id,
    /// At the right, and never broken.
    Number,
}

/// Prints `rows` under `columns` in at most `width` columns of the terminal; without a width, in as many as it takes.
pub fn print<W: Write>(
    screen: &mut Screen<W>,
    width: Option<usize>,
    columns: &[Column],
    rows: &[Vec<Piece>],
) -> io::Result<()> {
    let titles: Vec<Piece> = columns.iter().map(|column| Piece::new(FAINT, column.title)).collect();
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let cells = rows.iter().chain([&titles]).filter_map(|row| row.get(at));
            cells.map(|cell| line_width(std::slice::from_ref(cell))).max().unwrap_or_default()
        })
        .collect();
    if let Some(width) = width {
        narrow(&mut widths, columns, width);
    }
    for row in [&titles].into_iter().chain(rows) {
        print_row(screen, columns, &widths, row)?;
    }
    Ok(())
}

/// Makes the widest columns of text narrower until the table fits, as far as that goes.
fn narrow(widths: &mut [usize], columns: &[Column], width: usize) {
    loop {
        let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if total <= width {
            return;
        }
        let text = widths.iter_mut().zip(columns).filter(|(_, column)| column.kind == Kind::Text);
        match text.map(|(width, _)| width).max().filter(|width| **width > NARROWEST) {
            Some(widest) => *widest -= 1,
            None => return,
        }
    }
}

fn print_row<W: Write>(
    screen: &mut Screen<W>,
    columns: &[Column],
    widths: &[usize],
    row: &[Piece],
) -> io::Result<()> {
    let cells: Vec<_> =
        row.iter().zip(widths).map(|(cell, width)| wrap(std::slice::from_ref(cell), *width)).collect();
    let lines = cells.iter().map(Vec::len).max().unwrap_or_default().max(1);
    for number in 0..lines {
        let mut line: Vec<Piece> = Vec::new();
        let mut behind = 0;
        for ((cell, width), column) in cells.iter().zip(widths).zip(columns) {
            let pieces = cell.get(number).cloned().unwrap_or_default();
            let used = line_width(&pieces);
            let free = width.saturating_sub(used);
            let before = if column.kind == Kind::Number { behind + free } else { behind };
            // Spaces at the end of a line would only be in the way.
            if used > 0 {
                line.push(Piece::new(super::style::PLAIN, " ".repeat(before)));
                line.extend(pieces);
                behind = if column.kind == Kind::Number { GAP } else { free + GAP };
            } else {
                behind += width + GAP;
            }
        }
        screen.line(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::style::PLAIN;

    const COLUMNS: [Column; 3] = [
        Column { title: "id", kind: Kind::Id },
        Column { title: "what", kind: Kind::Text },
        Column { title: "count", kind: Kind::Number },
    ];

    fn check(width: Option<usize>, rows: &[[&str; 3]], expected: &[&str]) {
        let rows: Vec<Vec<Piece>> =
            rows.iter().map(|row| row.iter().map(|text| Piece::new(PLAIN, *text)).collect()).collect();
        let mut out = Vec::new();
        print(&mut Screen::new(&mut out, false, None), width, &COLUMNS, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn columns_line_up_and_numbers_stand_at_the_right() {
        check(
            None,
            &[["a", "one", "7"], ["bcd", "", "1,000"], ["ef", "重複", "1"]],
            &["id   what  count", "a    one       7", "bcd        1,000", "ef   重複      1"],
        );
    }

    #[test]
    fn what_does_not_fit_is_broken_but_for_ids_and_numbers() {
        check(
            Some(24),
            &[["an-id-of-some", "one two three", "7"]],
            &["id             what      count", "an-id-of-some  one two       7", "               three"],
        );
    }

    #[test]
    fn nothing_stands_behind_the_last_cell() {
        check(None, &[["a", "", ""]], &["id  what  count", "a"]);
    }
}
