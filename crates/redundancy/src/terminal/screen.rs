//! Where output for people goes: how wide it is, and whether it takes colours.

use std::io::{self, Write};

use anstyle::Style;

use super::excerpt::Excerpt;
use super::flow::{Line, Piece, line_width, wrap};
use super::style;

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST_COLUMNS: usize = 120;
/// Assumed where there is no terminal to ask.
const DEFAULT_COLUMNS: usize = 100;
/// Narrower than this there is nothing left to break lines for.
const NARROWEST_COLUMNS: usize = 20;

/// A sink for lines. Every error is one of the sink, a closed pipe for example.
pub struct Screen<W> {
    out: W,
    colour: bool,
    columns: usize,
}

impl<W: Write> Screen<W> {
    /// A screen of `columns`, or of the usual width if that is unknown.
    pub fn new(out: W, colour: bool, columns: Option<usize>) -> Self {
        let columns =
            columns.map_or(DEFAULT_COLUMNS, |columns| columns.clamp(NARROWEST_COLUMNS, WIDEST_COLUMNS));
        Self { out, colour, columns }
    }

    /// How many columns a line may take.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A heading with an empty line before it.
    pub fn heading(&mut self, title: &str, count: &str) -> io::Result<()> {
        self.blank()?;
        let mut line = vec![Piece::new(style::HEADING, title)];
        if !count.is_empty() {
            line.push(Piece::new(style::FAINT, format!("  {count}")));
        }
        self.line(&line)
    }

    /// One line as it is.
    pub fn line(&mut self, line: &[Piece]) -> io::Result<()> {
        self.pieces(line)?;
        writeln!(self.out)
    }

    /// Text behind `lead`, broken into as many lines as it takes; the next ones begin where the text of the first does.
    pub fn paragraph(&mut self, lead: &[Piece], text: &[Piece]) -> io::Result<()> {
        let indent = line_width(lead);
        let lines = wrap(text, self.columns.saturating_sub(indent));
        self.pieces(lead)?;
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                write!(self.out, "{:indent$}", "")?;
            }
            self.line(line)?;
        }
        if lines.is_empty() { self.blank() } else { Ok(()) }
    }

    /// Two texts beside each other, each in half of what is right of `indent`.
    pub fn side_by_side(&mut self, indent: usize, left: &[Piece], right: &[Piece]) -> io::Result<()> {
        const GUTTER: &str = " │ ";
        let half = self.columns.saturating_sub(indent + 3) / 2;
        let (left, right) = (wrap(left, half), wrap(right, half));
        let nothing = Line::new();
        for number in 0..left.len().max(right.len()) {
            let line = left.get(number).unwrap_or(&nothing);
            write!(self.out, "{:indent$}", "")?;
            self.pieces(line)?;
            write!(self.out, "{:fill$}", "", fill = half.saturating_sub(line_width(line)))?;
            match right.get(number) {
                Some(line) => {
                    self.pieces(&[Piece::new(style::FAINT, GUTTER)])?;
                    self.pieces(line)?;
                }
                None => self.pieces(&[Piece::new(style::FAINT, GUTTER.trim_end())])?,
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// The pieces of an excerpt, with what it is about highlighted: by colour, or by brackets where there are none.
    pub fn highlighted(&self, excerpt: &Excerpt) -> Vec<Piece> {
        let (open, close) = if self.colour { ("", "") } else { ("[", "]") };
        let mut pieces = vec![
            Piece::new(style::PLAIN, excerpt.before.as_str()),
            Piece::new(style::HIT, format!("{open}{}", excerpt.hit)),
        ];
        if let Some(end) = &excerpt.hit_end {
            pieces.push(Piece::new(style::HIT, format!(" … {end}")));
        }
        pieces.push(Piece::new(style::HIT, close));
        pieces.push(Piece::new(style::PLAIN, excerpt.after.as_str()));
        pieces
    }

    /// Hands on everything that was printed.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn pieces(&mut self, pieces: &[Piece]) -> io::Result<()> {
        for Piece { style, text } in pieces {
            if self.colour && *style != Style::new() && !text.is_empty() {
                write!(self.out, "{style}{text}{style:#}")?;
            } else {
                self.out.write_all(text.as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_lines_that_fit_down_to_twenty_columns() {
        for (columns, fitting) in [(30, 30), (20, 20), (5, 20)] {
            let mut out = Vec::new();
            let mut screen = Screen::new(&mut out, false, Some(columns));
            let text = Piece::new(style::PLAIN, "one two three four five six seven eight nine ten");
            screen.paragraph(&[Piece::new(style::PLAIN, "    ")], &[text]).unwrap();
            let widest = String::from_utf8(out).unwrap().lines().map(str::len).max().unwrap();
            assert!(widest <= fitting && widest > fitting - 8, "{columns}: {widest}");
        }
    }
}
