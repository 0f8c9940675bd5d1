//! In which line of a file a byte of its text stands.

/// Where the lines of a file begin in its text. When markup was stripped, lines without text are missing, and several may
/// begin in one line of the text. A look-up takes time logarithmic in the number of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// From which byte of the text on which line of the file, both rising.
    starts: Vec<(usize, usize)>,
}

impl Lines {
    /// The lines of a file that is its own text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut lines = Self::default();
        lines.follow(0, text, 1);
        lines
    }

    /// Notes that `text`, which begins at byte `offset`, began in line `number` of the file and kept its line breaks.
    pub fn follow(&mut self, offset: usize, text: &str, number: usize) {
        self.start(offset, number);
        for (further, (at, _)) in text.match_indices('\n').enumerate() {
            self.start(offset + at + 1, number + further + 1);
        }
    }

    /// The number of the line in which the byte at `offset` stands, counted from 1.
    #[must_use]
    pub fn number_at(&self, offset: usize) -> usize {
        let behind = self.starts.partition_point(|(start, _)| *start <= offset);
        behind.checked_sub(1).and_then(|at| self.starts.get(at)).map_or(1, |(_, number)| *number)
    }

    fn start(&mut self, offset: usize, number: usize) {
        // Where the end of a text was cut off, what follows takes the place of the lines that were there.
        while self.starts.pop_if(|(last, _)| *last >= offset).is_some() {}
        if self.starts.last().is_none_or(|(_, last)| *last < number) {
            self.starts.push((offset, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(lines: &Lines, offsets: usize) -> Vec<usize> {
        (0..offsets).map(|offset| lines.number_at(offset)).collect()
    }

    #[test]
    fn lines_are_counted_from_one_and_a_line_break_ends_its_own() {
        assert_eq!(numbers(&Lines::of("ab\nc\n"), 6), [1, 1, 1, 2, 2, 3]);
        assert_eq!(Lines::default().number_at(7), 1);
    }

    #[test]
    fn pieces_are_followed_from_the_lines_they_came_from() {
        let mut lines = Lines::default();
        lines.follow(0, "a", 3);
        lines.follow(1, "b\nc", 3);
        lines.follow(5, "d", 9);
        assert_eq!(numbers(&lines, 6), [3, 3, 3, 4, 4, 9]);
        lines.follow(4, "e", 10);
        assert_eq!(numbers(&lines, 6), [3, 3, 3, 4, 10, 10]);
    }
}
