//! Builds plain text out of the pieces that are left when markup is stripped, and keeps in mind which line each came from.

use crate::lines::Lines;

/// Plain text in the making. White space between pieces is kept back until text follows, so that none stands at the
/// beginning, at the end, or twice.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    text: String,
    lines: Lines,
    gap: Gap,
}

/// What stands between two pieces of text; the widest wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

impl PlainText {
    /// Leaves at least `gap` before the text that follows.
    pub(super) fn leave(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Adds text in which runs of white space count as one space; it began in line `number` of the file.
    pub(super) fn push_flowing(&mut self, text: &str, number: usize) {
        let mut number = number;
        for word in text.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_whitespace());
            self.push_exact(bare, number);
            if bare.len() < word.len() {
                self.leave(Gap::Space);
                number += usize::from(word.ends_with('\n'));
            }
        }
    }

    /// Adds text as it is; it began in line `number` of the file.
    pub(super) fn push_exact(&mut self, text: &str, number: usize) {
        if text.is_empty() {
            return;
        }
        let gap = std::mem::take(&mut self.gap);
        if gap >= Gap::Line {
            // Preformatted text brings its own line breaks.
            self.trim_end();
        }
        if !self.text.is_empty() {
            self.text.push_str(match gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        self.lines.follow(self.text.len(), text, number);
        self.text.push_str(text);
    }

    /// The text, and where the lines of the file begin in it.
    pub(super) fn finish(mut self) -> (String, Lines) {
        self.trim_end();
        (self.text, self.lines)
    }

    fn trim_end(&mut self) {
        self.text.truncate(self.text.trim_end().len());
    }
}
