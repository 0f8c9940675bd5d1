//! A place in a text with what stands around it, on one line and safe to print.

use redundancy_engine::detect::Span;

/// How much of a place is shown, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Before and after the place, each.
    pub context: usize,
    /// Of the place itself; the middle of a longer one is left out.
    pub hit: usize,
}

/// A place and what stands around it. None of the parts holds a line break or another control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What stands before it in its paragraph.
    pub before: String,
    /// The place itself, or its beginning.
    pub hit: String,
    /// The end of a place that is too long to be shown whole.
    pub hit_end: Option<String>,
    /// What stands behind it in its paragraph.
    pub after: String,
}

/// The excerpt of `text` at `span`, which counts bytes.
#[must_use]
pub fn excerpt(text: &str, span: Span, limits: Limits) -> Excerpt {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let (hit, hit_end) = shortened(span.slice(text), limits.hit);
    Excerpt {
        before: printable(context_before(before, limits.context)),
        hit: printable(hit),
        hit_end: hit_end.map(printable),
        after: printable(context_after(after, limits.context)),
    }
}

/// `text` with every run of white space as one space, and nothing in it that could steer the terminal or turn the
/// direction of what follows.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else {
            clean.extend(harmless(c));
        }
    }
    clean
}

/// `text` line by line as it is, but for what could steer the terminal or turn the direction of what follows.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.chars().filter_map(|c| if c == '\n' { Some(c) } else { harmless(c) }).collect()
}

/// What to print for `c`: a sign in the place of what could steer the terminal, nothing for a turn of direction.
fn harmless(c: char) -> Option<char> {
    match c {
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => Some(char::REPLACEMENT_CHARACTER),
        c => Some(c),
    }
}

/// `text` whole, or its beginning and its end.
fn shortened(text: &str, most: usize) -> (&str, Option<&str>) {
    // The beginning tells more than the end.
    let head = most * 2 / 3;
    let (Some(cut_after), Some(cut_before)) =
        (byte_of_char(text, head), byte_of_char_from_end(text, most - head))
    else {
        return (text, None);
    };
    if cut_after >= cut_before {
        return (text, None);
    }
    let (beginning, rest) = text.split_at(cut_after);
    let beginning = beginning.rsplit_once(char::is_whitespace).map_or(beginning, |(whole, _)| whole);
    let end = rest.get(cut_before - cut_after..).unwrap_or_default();
    let end = end.split_once(char::is_whitespace).map_or(end, |(_, whole)| whole);
    (beginning, Some(end))
}

/// The last words of the paragraph that ends here, at most `most` characters.
fn context_before(text: &str, most: usize) -> &str {
    let Some(cut) = byte_of_char_from_end(text, most) else {
        return behind_last_blank_line(text);
    };
    let near = text.get(cut..).unwrap_or_default();
    let inside = behind_last_blank_line(near);
    if inside.len() < near.len() {
        return inside;
    }
    near.split_once(char::is_whitespace).map_or(near, |(_, whole)| whole)
}

/// The first words of the paragraph that goes on here, at most `most` characters.
fn context_after(text: &str, most: usize) -> &str {
    let Some(cut) = byte_of_char(text, most) else {
        return before_first_blank_line(text);
    };
    let near = text.get(..cut).unwrap_or_default();
    let inside = before_first_blank_line(near);
    if inside.len() < near.len() {
        return inside;
    }
    near.rsplit_once(char::is_whitespace).map_or(near, |(whole, _)| whole)
}

fn behind_last_blank_line(text: &str) -> &str {
    let length = length_of_paragraph(text.rsplit('\n'));
    text.get(text.len().saturating_sub(length)..).unwrap_or_default()
}

fn before_first_blank_line(text: &str) -> &str {
    text.get(..length_of_paragraph(text.split('\n'))).unwrap_or_default()
}

/// How many bytes the lines up to the first blank one take. The first is a part of a line, so it does not count as blank.
fn length_of_paragraph<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let inside = lines.enumerate().take_while(|(number, line)| *number == 0 || !line.trim().is_empty());
    inside.map(|(_, line)| line.len() + 1).sum::<usize>().saturating_sub(1)
}

/// Where the character number `count` begins; `None` if there are not more than that.
fn byte_of_char(text: &str, count: usize) -> Option<usize> {
    text.char_indices().nth(count).map(|(at, _)| at)
}

/// Where the last `count` characters begin; `None` if there are not more than that.
fn byte_of_char_from_end(text: &str, count: usize) -> Option<usize> {
    if count == 0 {
        return (!text.is_empty()).then_some(text.len());
    }
    let at = text.char_indices().nth_back(count - 1).map(|(at, _)| at)?;
    (at > 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { context: 10, hit: 30 };

    fn check(text: &str, hit: &str, expected: (&str, &str, Option<&str>, &str)) {
        let start = text.find(hit).unwrap();
        let Excerpt { before, hit, hit_end, after } =
            excerpt(text, Span::new(start, start + hit.len()), LIMITS);
        assert_eq!((before.as_str(), hit.as_str(), hit_end.as_deref(), after.as_str()), expected);
    }

    #[test]
    fn context_is_whole_words_of_the_same_paragraph() {
        check("some words before HIT and after it", "HIT", ("before ", "HIT", None, " and"));
        check("far\n\nnear HIT near\n \nfar", "HIT", ("near ", "HIT", None, " near"));
        check("far\n\t\nHIT\n\nfar", "HIT", ("", "HIT", None, ""));
        check("HIT", "HIT", ("", "HIT", None, ""));
    }

    #[test]
    fn the_middle_of_a_long_place_is_left_out() {
        let long = "one two three four five six seven eight nine ten";
        check(long, long, ("", "one two three four", Some("nine ten"), ""));
        let without_spaces = "a".repeat(31);
        check(&without_spaces, &without_spaces, ("", &"a".repeat(20), Some(&"a".repeat(10)), ""));
    }

    #[test]
    fn what_is_printed_cannot_steer_the_terminal() {
        assert_eq!(
            printable("a\n\t b\u{1b}[31mc\u{9b}d\u{202e}e\u{7}"),
            "a b\u{fffd}[31mc\u{fffd}de\u{fffd}"
        );
    }

    #[test]
    fn lines_and_their_indents_are_kept_when_messages_are_made_harmless() {
        assert_eq!(
            printable_lines("a\n  b\u{1b}[31m\r\u{9b}\u{2066}c\n"),
            "a\n  b\u{fffd}[31m\u{fffd}\u{fffd}c\n"
        );
    }

    #[test]
    fn no_place_cuts_a_character() {
        let text = "ñandú 😀 día — ".repeat(9);
        for (start, _) in text.char_indices() {
            for (end, _) in text.char_indices().filter(|(end, _)| *end >= start) {
                let excerpt = excerpt(&text, Span::new(start, end), Limits { context: 3, hit: 4 });
                assert!(text.contains(&excerpt.before) && text.contains(&excerpt.after), "{excerpt:?}");
            }
        }
    }
}
