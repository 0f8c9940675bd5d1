//! Where words begin and end: Unicode's default word boundaries (UAX #29), with a table-driven fast path.
//!
//! English, Spanish and the other languages of Latin letters take the fast path; any character it does not know hands the
//! stretch up to the next ASCII white space to the `unicode-segmentation` crate. Where in 64 bytes nothing joins words, they are
//! taken out of masks of bits. All paths give the same borders, and property tests compare them. Scripts written without spaces
//! give one word a character. Words are not changed here: see [`crate::normalize`].

use crate::normalize::{lower_plain, normalize_word};
use crate::vocabulary::{Vocabulary, WordId};
use hashbrown::HashTable;
use unicode_segmentation::UnicodeSegmentation as _;

mod blocks;
mod class;

use blocks::{BLOCK, Blocks};
use class::{Class, class_at};

/// One word of a text: where it stands and which word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    start: u32,
    end: u32,
    /// Which word it is, after normalisation.
    pub id: WordId,
}

impl Word {
    /// Where the word stands in the original, in bytes.
    #[must_use]
    pub const fn span(self) -> crate::span::Span {
        crate::span::Span::new(self.start as usize, self.end as usize)
    }
}

/// Cuts `source` into words and numbers them in `vocabulary`. Linear time.
///
/// Offsets are kept in 32 bits; callers bound the text (see [`crate::text::MAX_TEXT_BYTES`]).
pub(crate) fn tokenize(source: &str, vocabulary: &mut Vocabulary) -> Vec<Word> {
    // English and Spanish prose have a word every 5 to 6 bytes.
    let mut words = Vec::with_capacity(source.len() / 6);
    let lower = lowered(source);
    let mut forms = Forms::default();
    for_each_word(&lower, |start, end, form| {
        let word = lower.get(start..end).unwrap_or_default();
        let id = match form {
            Form::Plain => Some(vocabulary.intern(word)),
            Form::Other => forms.intern(word, vocabulary),
        };
        let (Some(id), Ok(start), Ok(end)) = (id, u32::try_from(start), u32::try_from(end)) else { return };
        words.push(Word { start, end, id });
    });
    words
}

/// `source` with its plain letters in lower case. All at once is many times faster than word by word, and changes no offset.
fn lowered(source: &str) -> String {
    let mut lower = Vec::new();
    lower_plain(source, &mut lower);
    String::from_utf8(lower).unwrap_or_else(|_| source.to_ascii_lowercase())
}

/// Calls `found` with the normal form of each word of `source`, in order, as [`tokenize`] numbers them. Linear time.
pub(crate) fn for_each_normal_word(source: &str, mut found: impl FnMut(&str)) {
    let lower = lowered(source);
    let mut normal = String::new();
    for_each_word(&lower, |start, end, form| {
        let word = lower.get(start..end).unwrap_or_default();
        if form == Form::Plain {
            found(word);
            return;
        }
        normal.clear();
        normalize_word(word, &mut normal);
        if !normal.is_empty() {
            found(&normal);
        }
    });
}

/// The numbers of words beyond ASCII as they were written: normalising one takes longer than looking it up.
#[derive(Default)]
struct Forms<'t> {
    /// `None` for a word that normalises to nothing.
    known: HashTable<(&'t str, Option<WordId>)>,
    normal: String,
}

impl<'t> Forms<'t> {
    fn intern(&mut self, word: &'t str, vocabulary: &mut Vocabulary) -> Option<WordId> {
        let hash = vocabulary.hash(word);
        if let Some((_, id)) = self.known.find(hash, |(known, _)| *known == word) {
            return *id;
        }
        self.normal.clear();
        normalize_word(word, &mut self.normal);
        let id = (!self.normal.is_empty()).then(|| vocabulary.intern(&self.normal));
        self.known.insert_unique(hash, (word, id), |(known, _)| vocabulary.hash(known));
        id
    }
}

/// What it takes to normalise a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// ASCII and the letters À to ÿ without ß: lower case is all there is to it.
    Plain,
    /// Anything else.
    Other,
}

/// Calls `found(start, end, form)` for each word of `source`, in order. Linear time, no allocation.
pub fn for_each_word(source: &str, mut found: impl FnMut(usize, usize, Form)) {
    let bytes = source.as_bytes();
    let mut blocks = Blocks::new(bytes);
    let mut at = 0;
    loop {
        while let Some((base, mut runs)) = blocks.simple_words(at).filter(|_| at < bytes.len()) {
            // Nearly always: no look at single characters, and no branch on them.
            at = base + BLOCK;
            while runs != 0 {
                let start = runs.trailing_zeros() as usize;
                let end = start + (!(runs >> start)).trailing_zeros() as usize;
                if end >= BLOCK {
                    at = base + start;
                    break;
                }
                found(base + start, base + end, Form::Plain);
                runs &= u64::MAX << end;
            }
            if runs != 0 {
                break;
            }
        }
        let start = blocks.end_of_breaks(at);
        if start == bytes.len() {
            return;
        }
        let (class, width) = class_at(bytes, start);
        at = match class {
            Class::Letter | Class::Digit | Class::Joiner => match scan_word(bytes, &mut blocks, start) {
                Scan::Word { end, form } => {
                    // A run of underscores is kept together by the rules, but says nothing.
                    if class != Class::Joiner || has_letter_or_digit(source, start, end) {
                        found(start, end, form);
                    }
                    end
                }
                Scan::Unknown => segment_stretch(source, start, &mut found),
            },
            Class::Unknown => segment_stretch(source, start, &mut found),
            Class::Apostrophe | Class::Stop | Class::Comma | Class::Colon | Class::Break => start + width,
        };
    }
}

/// How a scan from the first character of a word ended.
enum Scan {
    /// At a border that is certain.
    Word { end: usize, form: Form },
    /// At a character that the fast path does not know.
    Unknown,
}

/// Follows the word that begins at `start` by the rules from WB5 on in UAX #29.
fn scan_word(bytes: &[u8], blocks: &mut Blocks<'_>, start: usize) -> Scan {
    let mut at = blocks.end_of_word(start);
    let mut form = Form::Plain;
    let mut last = class::before(bytes, start, at);
    loop {
        let (class, width) = class_at(bytes, at);
        let joins = match class {
            Class::Letter | Class::Digit | Class::Joiner => true,
            Class::Unknown => return Scan::Unknown,
            Class::Break => false,
            Class::Apostrophe | Class::Stop | Class::Comma | Class::Colon => {
                let (next, _) = class_at(bytes, at + width);
                if next == Class::Unknown {
                    return Scan::Unknown;
                }
                last == next && joins_between(class, next)
            }
        };
        if !joins {
            return Scan::Word { end: at, form };
        }
        if width > 1 {
            form = Form::Other;
        }
        let after = blocks.end_of_word(at + width);
        last = if after > at + width { class::before(bytes, at, after) } else { class };
        at = after;
    }
}

fn has_letter_or_digit(source: &str, start: usize, end: usize) -> bool {
    source.get(start..end).is_some_and(|word| word.contains(char::is_alphanumeric))
}

/// Whether punctuation of class `class` joins two characters of class `neighbour` (rules WB6, WB7, WB11, WB12).
fn joins_between(class: Class, neighbour: Class) -> bool {
    match class {
        Class::Apostrophe | Class::Stop => matches!(neighbour, Class::Letter | Class::Digit),
        Class::Colon => neighbour == Class::Letter,
        Class::Comma => neighbour == Class::Digit,
        Class::Letter | Class::Digit | Class::Joiner | Class::Unknown | Class::Break => false,
    }
}

/// Leaves the stretch from `start` to the next ASCII white space to the full algorithm; says where the stretch ends.
fn segment_stretch(source: &str, start: usize, found: &mut impl FnMut(usize, usize, Form)) -> usize {
    let rest = source.get(start..).unwrap_or_default();
    let length = rest.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(rest.len());
    let stretch = rest.get(..length).unwrap_or_default();
    for (offset, segment) in stretch.split_word_bound_indices() {
        // A vowel sign without a letter hangs on to whatever stands before it; that is not part of the word.
        let word = segment.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
        if !word.contains(char::is_alphanumeric) {
            continue;
        }
        let form = if word.is_ascii() { Form::Plain } else { Form::Other };
        let from = start + offset + segment.len() - word.len();
        if word.contains(is_katakana) {
            cut_katakana(word, |start, end, form| found(from + start, from + end, form));
        } else {
            found(from, from + word.len(), form);
        }
    }
    start + length.max(1)
}

/// Katakana is the one script without spaces whose letters the default rules keep together.
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30A0}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9F}')
}

/// Calls `found(start, end, form)` for each Katakana letter of `segment` with the marks that follow it, and for what stands
/// between such letters: an underscore joins them to words of other scripts (`カ_hello`).
fn cut_katakana(segment: &str, mut found: impl FnMut(usize, usize, Form)) {
    let mut report = |start: usize, end: usize| {
        let part = segment.get(start..end).unwrap_or_default();
        if part.contains(char::is_alphanumeric) {
            found(start, end, if part.is_ascii() { Form::Plain } else { Form::Other });
        }
    };
    let mut start = 0;
    for (at, cluster) in segment.grapheme_indices(true) {
        if cluster.starts_with(is_katakana) {
            report(start, at);
            start = at + cluster.len();
            report(at, start);
        }
    }
    report(start, segment.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(source: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for_each_word(source, |start, end, _| found.push(&source[start..end]));
        found
    }

    /// The words by the full algorithm alone: Katakana by characters, nothing before an orphaned vowel sign.
    fn reference(source: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for (from, segment) in source.unicode_word_indices() {
            let word = segment.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let from = from + segment.len() - word.len();
            let clusters: Vec<(usize, &str)> = word.grapheme_indices(true).collect();
            let katakana = |cluster: &str| cluster.starts_with(is_katakana);
            for part in clusters.chunk_by(|a, b| !katakana(a.1) && !katakana(b.1)) {
                let (start, last) = (part[0].0, part[part.len() - 1]);
                found.push(&source[from + start..from + last.0 + last.1.len()]);
            }
        }
        found.retain(|word| word.contains(char::is_alphanumeric));
        found
    }

    #[test]
    fn words_hold_what_punctuation_joins() {
        assert_eq!(
            cut("Don’t pay 3.14 or 1,000 to foo_bar, e.g. l'été!"),
            ["Don’t", "pay", "3.14", "or", "1,000", "to", "foo_bar", "e.g", "l'été"]
        );
    }

    #[test]
    fn scripts_without_spaces_are_cut_by_characters() {
        assert_eq!(cut("重複を見つけるテスト"), ["重", "複", "を", "見", "つ", "け", "る", "テ", "ス", "ト"]);
        assert_eq!(cut("สวัสดี"), ["ส", "วั", "ส", "ดี"]);
    }

    #[test]
    fn an_underscore_does_not_cut_the_word_beside_katakana() {
        assert_eq!(cut("カ_hello"), ["カ", "_hello"]);
        assert_eq!(cut("hello_カナ été_カ_x1"), ["hello_", "カ", "ナ", "été_", "カ", "_x1"]);
        assert_eq!(cut("_カ\u{3099}_"), ["カ\u{3099}"]);
    }

    #[test]
    fn symbols_are_no_words() {
        assert_eq!(cut("— … !!! 😀 ___ \u{301}"), [""; 0]);
    }

    #[test]
    fn every_character_below_u_2100_has_the_class_of_uax_29() {
        for c in ('\0'..'\u{2100}').chain(['ア', '漢', '😀']) {
            for source in [
                format!("{c}"),
                format!("a{c}b"),
                format!("1{c}2"),
                format!("a{c} {c}a"),
                format!("_{c}1{c}a"),
            ] {
                assert_eq!(cut(&source), reference(&source), "{source:?}, U+{:04X}", u32::from(c));
            }
        }
    }

    proptest! {
        #[test]
        fn both_paths_give_the_borders_of_uax_29(source in "([a-cA-Z0-9_'.,;: \n\"-]|[ñÉßªº·’“—…½²×]|\\PC|[\u{301}\u{200d}\u{ad}😀アナ_\u{3099}]){0,150}") {
            prop_assert_eq!(cut(&source), reference(&source));
        }

        #[test]
        fn prose_of_latin_letters_gives_the_borders_of_uax_29(
            source in "(([a-zñé]|[a-zñÉß0-9]){1,9}([ ,.\n]|[ ,.:\n] |['’.,:—_\u{301}])){0,60}",
        ) {
            prop_assert_eq!(cut(&source), reference(&source));
        }

        #[test]
        fn prose_without_marks_gives_the_borders_of_uax_29(source in "([a-zñéÁ]{1,9}[ \n]([ ,]|.,:)?){0,60}") {
            prop_assert_eq!(cut(&source), reference(&source));
        }

        #[test]
        fn ascii_alone_gives_the_borders_of_uax_29(source in "([ -~\n]|[a-z]{1,8} ){0,150}") {
            prop_assert_eq!(cut(&source), reference(&source));
        }
    }
}
