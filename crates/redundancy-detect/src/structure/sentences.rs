//! Where sentences begin and end inside a paragraph. A full stop ends none behind an abbreviation, an initial or a list
//! number, nor inside a number; question and exclamation marks end one unless the sentence plainly goes on.

use super::abbreviations::{self, Ending};
use super::paragraphs::trimmed;
use crate::span::Span;

/// How far back and ahead of a full stop the words beside it are read, in bytes. No abbreviation is longer, and the bound
/// keeps the time linear.
const NEIGHBOUR_BYTES: usize = 32;

/// Calls `found` with each sentence of the paragraph at `paragraph`, as a span of bytes of `source`. Linear time.
pub(super) fn split(source: &str, paragraph: Span, found: &mut impl FnMut(Span)) {
    let text = paragraph.slice(source);
    let mut start = 0;
    let mut at = 0;
    while let Some(mark) = next_terminator(text, at) {
        let end = after_marks(text, mark);
        if ends_sentence(text, start, mark, end) {
            report(source, paragraph.start, Span::new(start, end), found);
            start = end;
        }
        at = end;
    }
    report(source, paragraph.start, Span::new(start, text.len()), found);
}

fn report(source: &str, base: usize, span: Span, found: &mut impl FnMut(Span)) {
    let span = trimmed(source, Span::new(base + span.start, base + span.end));
    if !span.is_empty() {
        found(span);
    }
}

/// Marks that can end a sentence.
pub(super) fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…')
        || is_wide_terminator(c)
        || matches!(c, '؟' | '۔' | '।' | '॥' | '‼' | '⁇' | '⁈' | '⁉')
}

/// Where the first terminator from `from` on stands. Looks at bytes, since nearly none of them can begin one.
fn next_terminator(text: &str, from: usize) -> Option<usize> {
    // The terminators beyond ASCII begin with 0xD8 (Arabic) or higher, which no letter of Latin script does.
    let can_begin_one = |&byte: &u8| matches!(byte, b'.' | b'!' | b'?' | 0xD8..);
    let mut at = from;
    loop {
        at += text.as_bytes().get(at..)?.iter().position(can_begin_one)?;
        let c = text.get(at..)?.chars().next()?;
        if is_terminator(c) {
            return Some(at);
        }
        at += c.len_utf8();
    }
}

/// Marks of scripts that put no space behind a sentence.
fn is_wide_terminator(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '｡')
}

/// Marks that may stand between the end of a sentence and the white space behind it.
pub(super) fn is_closer(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '"' | '\'' | '”' | '’' | '»' | '›' | '」' | '』' | '）' | '】' | '*' | '_')
}

/// Marks that may stand before the first word of a sentence.
fn is_opener(c: char) -> bool {
    matches!(
        c,
        '(' | '['
            | '{'
            | '"'
            | '\''
            | '“'
            | '‘'
            | '«'
            | '‹'
            | '¿'
            | '¡'
            | '—'
            | '–'
            | '-'
            | '*'
            | '_'
            | '„'
    )
}

/// The offset behind the run of terminators and closers that begins at `mark`.
fn after_marks(text: &str, mark: usize) -> usize {
    let rest = text.get(mark..).unwrap_or_default();
    let marks = rest.trim_start_matches(|c| is_terminator(c) || is_closer(c));
    text.len() - marks.len()
}

/// Whether the marks at `mark..end` end the sentence that began at `start`.
fn ends_sentence(text: &str, start: usize, mark: usize, end: usize) -> bool {
    let marks = text.get(mark..end).unwrap_or_default();
    let rest = text.get(end..).unwrap_or_default();
    if rest.is_empty() || marks.contains(is_wide_terminator) {
        return true;
    }
    // "¡Hola!¿Qué tal?" needs no space; "3.14", "example.org" and "¿qué?," do not end anything.
    if !rest.starts_with(char::is_whitespace) && !rest.starts_with(['¿', '¡']) {
        return false;
    }
    let next = next_word(rest);
    if next.starts_with(char::is_lowercase) {
        return false;
    }
    if marks.trim_end_matches(is_closer) != "." {
        return true;
    }
    let before = text.get(start..mark).unwrap_or_default();
    let last = last_word(before);
    let is_list_number = last.len() == before.trim_start().len() && last.bytes().all(|b| b.is_ascii_digit());
    if is_list_number {
        return false;
    }
    match abbreviations::ending(last) {
        Ending::Always => true,
        Ending::Never => false,
        Ending::BeforeCapital => next.starts_with(char::is_uppercase) || next.is_empty(),
        Ending::BeforeStarter => abbreviations::is_starter(next) || next.is_empty(),
    }
}

/// The first word of `rest`, without what opens a quotation or a question before it.
fn next_word(rest: &str) -> &str {
    let word = rest.trim_start().trim_start_matches(is_opener);
    let end = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len().min(NEIGHBOUR_BYTES));
    word.get(..end).unwrap_or(word)
}

/// The last word of `before` with the full stops and marks of order inside it ("p.ej", "n.º"), without what opens it.
fn last_word(before: &str) -> &str {
    let from = before.len() - before.len().min(NEIGHBOUR_BYTES);
    // Step forward to the border of a character.
    let tail = (from..=before.len()).find_map(|i| before.get(i..)).unwrap_or_default();
    let start = tail.rfind(|c: char| c.is_whitespace() || is_opener(c)).map_or(0, |i| i + 1);
    let word = (start..=tail.len()).find_map(|i| tail.get(i..)).unwrap_or_default();
    word.trim_start_matches(is_opener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let mut found = Vec::new();
        split(source, Span::new(0, source.len()), &mut |span| found.push(span.slice(source)));
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_end_sentences() {
        check("One. Two! Three? Four… Five.", &["One.", "Two!", "Three?", "Four…", "Five."]);
        check("No mark at the end", &["No mark at the end"]);
    }

    #[test]
    fn abbreviations_and_initials_do_not() {
        check(
            "Dr. Smith met J. R. R. Tolkien, e.g. in Oxford. They spoke.",
            &["Dr. Smith met J. R. R. Tolkien, e.g. in Oxford.", "They spoke."],
        );
        check(
            "La Sra. López vive en la pág. 3 del núm. 5. Fin.",
            &["La Sra. López vive en la pág. 3 del núm. 5.", "Fin."],
        );
        check("He works for the U.S. Senate. It is big.", &["He works for the U.S. Senate.", "It is big."]);
    }

    #[test]
    fn an_abbreviation_at_the_end_of_a_sentence_ends_it() {
        check("They sell pens, ink, etc. Prices vary.", &["They sell pens, ink, etc.", "Prices vary."]);
        check(
            "He moved to the U.S. The year was 1999. Then he left.",
            &["He moved to the U.S.", "The year was 1999.", "Then he left."],
        );
        check("Viajó a EE. UU. El año fue duro.", &["Viajó a EE. UU.", "El año fue duro."]);
    }

    #[test]
    fn numbers_and_addresses_are_not_divided() {
        check(
            "Pi is 3.14 or 3,14. See example.org. Done.",
            &["Pi is 3.14 or 3,14.", "See example.org.", "Done."],
        );
        check("1. First item of all.", &["1. First item of all."]);
    }

    #[test]
    fn spanish_marks_open_sentences() {
        check("¿Qué hora es? ¡Ya es tarde!¿Vamos?", &["¿Qué hora es?", "¡Ya es tarde!", "¿Vamos?"]);
        check("—¿Vienes? —preguntó ella. —No.", &["—¿Vienes? —preguntó ella.", "—No."]);
    }

    #[test]
    fn quotation_marks_stay_with_their_sentence() {
        check(
            "“Stop!” He ran. (She did not.) “Why?” he asked.",
            &["“Stop!”", "He ran.", "(She did not.)", "“Why?” he asked."],
        );
    }

    #[test]
    fn wide_marks_need_no_space() {
        check("今日は晴れです。明日は？雨！", &["今日は晴れです。", "明日は？", "雨！"]);
    }

    #[test]
    fn marks_alone_are_one_stretch() {
        check(&".".repeat(10_000), &[&".".repeat(10_000)]);
    }
}
