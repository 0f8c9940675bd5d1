//! Where sentences begin and end inside a paragraph. A full stop ends none behind an abbreviation, an initial or a list
//! number, nor inside a number; question and exclamation marks end one unless the sentence plainly goes on.

use super::abbreviations::{self, Ending};
use super::list_marks::list_mark;
use super::paragraphs::trimmed;
use crate::span::Span;

/// How far back and ahead of a full stop the words beside it are read, in bytes. No abbreviation is longer, and the bound
/// keeps the time linear.
const NEIGHBOUR_BYTES: usize = 32;

/// Calls `found` with each sentence of the paragraph at `paragraph`, as a span of bytes of `source`. Linear time: every
/// stretch of white space or marks is looked at from the mark before it alone.
pub(super) fn split(source: &str, paragraph: Span, found: &mut impl FnMut(Span)) {
    let paragraph = trimmed(source, paragraph);
    let text = paragraph.slice(source);
    let mut report = |start, end| {
        if start < end {
            found(Span::new(paragraph.start + start, paragraph.start + end));
        }
    };
    let mut start = 0;
    let mut at = list_mark(text).map_or(0, |mark| mark.bytes);
    while let Some(mark) = next_terminator(text, at) {
        at = after_marks(text, mark);
        if ends_sentence(text, start, mark, at) {
            report(start, at);
            at = after_white_space(text, at);
            start = at;
        }
    }
    report(start, text.len());
}

fn after_white_space(text: &str, at: usize) -> usize {
    text.len() - text.get(at..).unwrap_or_default().trim_start().len()
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
    let [previous, last] = last_words(text.get(start..mark).unwrap_or_default());
    match abbreviations::ending(previous, last) {
        Ending::Always => true,
        Ending::Never => false,
        Ending::UnlessNumber => !abbreviations::is_number_of(last, next),
        Ending::BeforeCapital => next.starts_with(char::is_uppercase) || next.is_empty(),
        Ending::BeforeStarter => abbreviations::is_starter(next) || next.is_empty(),
    }
}

/// The first word of `rest`, without what opens a quotation or a question before it.
fn next_word(rest: &str) -> &str {
    let word = rest.trim_start().trim_start_matches(is_opener);
    word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The last two words of `before` with the full stops and marks of order inside them ("p.ej", "n.º"), without what opens
/// them. The first is empty where it stands too far off.
fn last_words(before: &str) -> [&str; 2] {
    let from = before.ceil_char_boundary(before.len().saturating_sub(NEIGHBOUR_BYTES));
    let tail = before.get(from..).unwrap_or_default();
    let mut words = tail.rsplit(|c: char| c.is_whitespace() || is_opener(c));
    let last = words.next().unwrap_or_default();
    [words.find(|word| !word.is_empty()).unwrap_or_default(), last]
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

    #[test]
    fn words_that_are_abbreviations_elsewhere_end_sentences() {
        for [first, second] in [
            ["Le pregunté y dijo que no.", "Entonces se fue."],
            ["She said no.", "Then he left."],
            ["She said no.", "I left."],
            ["“No.”", "“Yes.”"],
            ["—No.", "¿Por qué no?"],
            ["I love modern art.", "Paris has plenty."],
            ["He put on his cap.", "Then he left."],
            ["It is in our DNA.", "We cannot change."],
            ["Él me lo da.", "Juan lo toma."],
            ["She takes vitamin C.", "Doctors agree."],
            ["He lives on Main St.", "He likes it."],
            ["She met our best sales rep.", "Prices fell."],
            ["It took 5 ms.", "Nobody cared."],
            ["How many? 42.", "That is all."],
        ] {
            let source = format!("{first} {second}");
            let mut found = Vec::new();
            split(&source, Span::new(0, source.len()), &mut |span| found.push(span.slice(&source)));
            assert!(found.ends_with(&[first.trim_start_matches("How many? "), second]), "{found:?}");
        }
    }

    #[test]
    fn references_and_titles_do_not() {
        for source in [
            "Vea el art. 5 y el cap. IV del vol. II, p. 12, no. 3, sec. X.",
            "Rige el Art. I del Código.",
            "They live near St. James in the city that Rep. Jones and J. Smith love.",
            "Vive en el Jr. Apurímac y paga S/. 231 según el inc. A) de la Ley Nro. 5.",
            "Llame al Telef. 1 del Abog. Pérez, amigo del P. López y de D. Diego.",
            "In Roe v. Wade the court spoke.",
        ] {
            check(source, &[source]);
        }
        check("John Smith Jr. Doctors agree.", &["John Smith Jr.", "Doctors agree."]);
    }

    #[test]
    fn a_mark_of_a_list_is_no_sentence() {
        for source in
            ["1. First.", "2.1. Alcance.", "a. Proponer normas", "ii. Planificación", "I. Título", "III. Fin"]
        {
            check(source, &[source]);
        }
        check("It was 1999. Then he left.", &["It was 1999.", "Then he left."]);
    }

    #[test]
    fn white_space_before_a_sentence_is_not_read_again_at_each_full_stop() {
        let size = 1 << 20;
        for unit in ["Dr. ", "U.S. A", ". ", "«. ", ".'", "no. ('"] {
            for filler in [" ", "(", "'"] {
                let n = size / (2 * unit.len());
                let source =
                    format!("A cat sat.{} {}", filler.repeat(size / 2 / filler.len()), unit.repeat(n));
                let (mut parts, mut last) = (0, 0);
                split(&source, Span::new(0, source.len()), &mut |span| {
                    assert!(last <= span.start && span.start < span.end);
                    (parts, last) = (parts + 1, span.end);
                });
                assert!(parts > 0 && last <= source.len());
            }
        }
    }
}
