//! Where paragraphs begin and end. A blank line always divides two. A single line break does too, unless the lines look like
//! one paragraph wrapped at a fixed width, as in e-mails and plain-text books.

use super::list_marks::list_mark;
use crate::span::Span;

/// Lines of a wrapped paragraph, the last one aside, have about this many characters.
const WRAPPED_LINE_CHARS: std::ops::RangeInclusive<usize> = 40..=120;

/// The paragraphs of `source` as spans of bytes without white space around them. Linear time.
pub(super) fn split(source: &str) -> Vec<Span> {
    let mut paragraphs = Vec::new();
    let mut block: Vec<Span> = Vec::new();
    let mut start = 0;
    // One after the other: a search for one character is many times faster than one for either of two.
    for line in source.split_inclusive('\n').flat_map(|line| line.split_inclusive('\u{2029}')) {
        let span = trimmed(source, Span::new(start, start + line.len()));
        start += line.len();
        // A list item, a quotation or a heading begins a block of its own even without a blank line above it.
        let finished = block.last().is_none_or(|line| is_finished(line.slice(source)));
        if span.is_empty() || starts_block(span.slice(source), finished) {
            close_block(source, &mut block, &mut paragraphs);
        }
        if !span.is_empty() {
            block.push(span);
        }
    }
    close_block(source, &mut block, &mut paragraphs);
    paragraphs
}

/// Moves the lines gathered in `block` to `paragraphs`, as one paragraph if they were wrapped, else one each.
fn close_block(source: &str, block: &mut Vec<Span>, paragraphs: &mut Vec<Span>) {
    match (block.first(), block.last()) {
        (Some(first), Some(last)) if is_wrapped(source, block) => {
            paragraphs.push(Span::new(first.start, last.end));
            block.clear();
        }
        _ => paragraphs.append(block),
    }
}

/// Whether the lines are one paragraph wrapped at a width: three quarters have the length for it, and fewer than half of
/// them end where a sentence ends (in a list of paragraphs, one a line, nearly all do).
fn is_wrapped(source: &str, lines: &[Span]) -> bool {
    let Some((_, full_lines)) = lines.split_last() else {
        return false;
    };
    let count = |is: &dyn Fn(&str) -> bool| full_lines.iter().filter(|line| is(line.slice(source))).count();
    let fitting = count(&|line| WRAPPED_LINE_CHARS.contains(&line.chars().count()));
    let finished = count(&is_finished);
    !full_lines.is_empty() && fitting * 4 >= full_lines.len() * 3 && finished * 2 < full_lines.len()
}

/// Whether a line ends where a sentence ends.
fn is_finished(line: &str) -> bool {
    line.trim_end_matches(super::sentences::is_closer).ends_with(super::sentences::is_terminator)
}

/// Whether a line begins like a list item, a quotation, a table row or a heading. `after_sentence`: whether the line above
/// is finished; if not, a capital letter is more likely the initial of a name whose line was wrapped.
fn starts_block(line: &str, after_sentence: bool) -> bool {
    let marker = line.split_whitespace().next().unwrap_or_default();
    list_mark(line).is_some_and(|mark| after_sentence || !mark.may_be_initial)
        || matches!(marker, "-" | "*" | "+" | "•" | "–" | "—" | ">" | "|")
        || (!marker.is_empty() && marker.bytes().all(|b| b == b'#'))
}

/// `span` without the white space at its ends.
pub(super) fn trimmed(source: &str, span: Span) -> Span {
    let text = span.slice(source);
    let front = text.len() - text.trim_start().len();
    let length = text.trim().len();
    Span::new(span.start + front, span.start + front + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let found: Vec<&str> = split(source).into_iter().map(|span| span.slice(source)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn blank_lines_divide_paragraphs() {
        check("One.\n\nTwo.\r\n \t\r\nThree.\n\n\n", &["One.", "Two.", "Three."]);
    }

    #[test]
    fn a_line_is_a_paragraph_where_lines_are_not_wrapped() {
        check(
            "A title\nA paragraph that ends.\nAnother one.",
            &["A title", "A paragraph that ends.", "Another one."],
        );
    }

    #[test]
    fn wrapped_lines_are_one_paragraph() {
        let wrapped = "This paragraph was wrapped at some sixty characters by the mail\nprogram of the person who sent it, \
                       so that its line breaks mean\nnothing at all.";
        check(wrapped, &[wrapped]);
    }

    #[test]
    fn list_items_are_paragraphs_of_their_own() {
        let source = "- this item of a list is long enough to look like a line that was wrapped\n- and so does this one, \
                      which is just as long as the first of them\n12. third";
        assert_eq!(split(source).len(), 3);
    }

    #[test]
    fn letters_and_roman_numerals_begin_list_items() {
        let item = "these words of an item are as long as a line that was wrapped";
        for marks in [["a.", "b."], ["i.", "ii."], ["I.", "II."], ["A)", "B)"], ["1.1.", "1.2."]] {
            let lines = marks.map(|mark| format!("{mark} {item}\n{item}.\n")).concat();
            assert_eq!(split(&lines).len(), 2, "{marks:?}");
        }
    }

    #[test]
    fn an_initial_at_the_beginning_of_a_wrapped_line_begins_no_item() {
        let wrapped =
            "These lines of an old book were wrapped at some width and speak of\nJ. R. Smith, who wrote it.";
        check(wrapped, &[wrapped]);
    }

    #[test]
    fn a_storm_of_newlines_has_no_paragraph() {
        check(&"\n\r\n \n".repeat(1000), &[]);
    }
}
