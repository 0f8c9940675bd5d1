//! Text in several styles, and how it is broken into lines of a given width. Width is counted in columns of the
//! terminal: a Chinese character takes two, a combining accent none.

use anstyle::Style;
use unicode_width::UnicodeWidthChar as _;

/// A run of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// How it looks.
    pub style: Style,
    /// The text, without line breaks or other control characters.
    pub text: String,
}

/// Pieces that follow each other in one line.
pub type Line = Vec<Piece>;

impl Piece {
    /// A piece of `text`.
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self { style, text: text.into() }
    }
}

/// How many columns `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// How many columns a line takes.
#[must_use]
pub fn line_width(line: &[Piece]) -> usize {
    line.iter().map(|piece| width(&piece.text)).sum()
}

/// Breaks `pieces` into lines of at most `columns` (at least 2), at a space or before a wide character where there is
/// one, else inside a word.
#[must_use]
pub fn wrap(pieces: &[Piece], columns: usize) -> Vec<Line> {
    let columns = columns.max(2);
    let cells: Vec<Cell> = pieces.iter().flat_map(cells_of).collect();
    let mut lines = Vec::new();
    let mut rest = cells.as_slice();
    while !rest.is_empty() {
        let end = line_end(rest, columns);
        let (line, behind) = rest.split_at(end);
        lines.push(joined(line));
        let spaces = behind.iter().take_while(|cell| cell.character == ' ').count();
        rest = behind.get(spaces..).unwrap_or_default();
    }
    lines
}

/// One character and how it looks.
#[derive(Clone, Copy)]
struct Cell {
    character: char,
    columns: usize,
    style: Style,
}

fn cells_of(piece: &Piece) -> impl Iterator<Item = Cell> {
    piece.text.chars().map(|character| Cell {
        character,
        columns: character.width().unwrap_or(0),
        style: piece.style,
    })
}

/// How many cells of `rest` go into a line of `columns`; at least one.
fn line_end(rest: &[Cell], columns: usize) -> usize {
    let mut used = 0;
    let mut last_break = None;
    for (at, cell) in rest.iter().enumerate() {
        let wide = cell.columns > 1;
        if at > 0 && (cell.character == ' ' || wide) {
            last_break = Some(at);
        }
        used += cell.columns;
        if used > columns {
            return last_break.unwrap_or(at).max(1);
        }
        if wide {
            last_break = Some(at + 1);
        }
    }
    rest.len()
}

/// The cells of a line as pieces, without spaces at its end.
fn joined(cells: &[Cell]) -> Line {
    let end = cells.iter().rposition(|cell| cell.character != ' ').map_or(0, |last| last + 1);
    let cells = cells.get(..end).unwrap_or_default();
    cells
        .chunk_by(|one, next| one.style == next.style)
        .filter_map(|run| {
            Some(Piece::new(run.first()?.style, run.iter().map(|cell| cell.character).collect::<String>()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::style::{HIT, PLAIN};

    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines = wrap(&[Piece::new(PLAIN, text)], columns);
        let lines: Vec<String> =
            lines.iter().map(|line| line.iter().map(|piece| piece.text.as_str()).collect()).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines_break_at_spaces_and_inside_words_only_if_they_must() {
        check("one two three", 7, &["one two", "three"]);
        check("one two three", 8, &["one two", "three"]);
        check("one   two", 4, &["one", "two"]);
        check("incomprehensible", 6, &["incomp", "rehens", "ible"]);
        check("", 5, &[]);
    }

    #[test]
    fn wide_characters_take_two_columns_and_break_anywhere() {
        check("重複を見つける", 6, &["重複を", "見つけ", "る"]);
        check("ab重複", 5, &["ab重", "複"]);
    }

    #[test]
    fn combining_marks_stay_with_their_letter() {
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn a_style_goes_on_in_the_next_line() {
        let lines =
            wrap(&[Piece::new(PLAIN, "one "), Piece::new(HIT, "two three"), Piece::new(PLAIN, " four")], 7);
        assert_eq!(
            lines,
            [
                vec![Piece::new(PLAIN, "one "), Piece::new(HIT, "two")],
                vec![Piece::new(HIT, "three")],
                vec![Piece::new(PLAIN, "four")],
            ]
        );
    }
}
