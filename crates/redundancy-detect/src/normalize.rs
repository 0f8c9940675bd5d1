//! The form in which two words are compared. Not for whole texts: words are cut first, so every normalised word keeps the
//! span of the original it came from and no offset table is needed.

use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization as _;

/// Version of the normal form. It goes up whenever any word would come out differently, so that stored hashes and
/// fingerprints made under another version are never compared.
pub const NORMALIZATION_VERSION: u32 = 1;

/// Appends the normal form of `word` to `out`: compatibility composed (NFKC, UAX #15), case folded (full folding, Unicode
/// 3.13), invisible characters dropped and apostrophes made one. Accents stay: `año` and `ano` are different words.
///
/// Time linear in the word's length. The form may be empty, for a word of invisible characters only.
pub(crate) fn normalize_word(word: &str, out: &mut String) {
    if is_simple_latin(word) {
        out.extend(word.chars().map(lower_latin));
    } else {
        normalize_any(word, out);
    }
}

/// Writes `text` into `out`, in place of what it holds, with the letters A to Z and À to Þ in lower case, byte for byte at the same
/// place.
pub(crate) fn lower_plain(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.clear();
    out.extend_from_slice(bytes);
    out.make_ascii_lowercase();
    if !text.is_ascii() {
        // No branch, so that the compiler makes vector instructions of it. The second byte of À to Þ is below 0x9F, but for ×.
        for ((first, second), lower) in bytes.iter().zip(bytes.iter().skip(1)).zip(out.iter_mut().skip(1)) {
            let is_upper = u8::from(*first == 0xC3)
                & u8::from(second.wrapping_sub(0x80) < 0x1F)
                & u8::from(*second != 0x97);
            *lower |= is_upper << 5;
        }
    }
}

/// Whether `word` has only ASCII and the letters À to þ, of which lower case is all there is to the normal form.
fn is_simple_latin(word: &str) -> bool {
    let mut follows_c3 = false;
    word.bytes().all(|byte| {
        let known = match byte {
            0..0x80 => !follows_c3,
            // U+00D7 × and U+00F7 ÷ are no letters, and U+00DF ß folds to two.
            0x80..=0xBF => follows_c3 && !matches!(byte, 0x97 | 0xB7 | 0x9F),
            _ => byte == 0xC3,
        };
        follows_c3 = byte == 0xC3;
        known
    })
}

fn lower_latin(c: char) -> char {
    match c {
        'À'..='Þ' => char::from_u32(u32::from(c) + 0x20).unwrap_or(c),
        _ => c.to_ascii_lowercase(),
    }
}

/// The normal form by the book.
fn normalize_any(word: &str, out: &mut String) {
    let visible = word.chars().filter(|&c| !is_ignorable(c)).map(unify_apostrophe);
    let folded = caseless::default_case_fold_str(&visible.nfkc().collect::<String>());
    // Folding can undo composition (and the reverse), so compose again: NFKC(fold(NFKC(x))).
    for c in folded.nfkc() {
        // Writing to a string cannot fail.
        let _ = out.write_char(c);
    }
}

/// Characters that change how a word is drawn or broken over lines, not what it says.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// `don’t` and `don't` are one word.
fn unify_apostrophe(c: char) -> char {
    if matches!(c, '\u{2019}' | '\u{2018}' | '\u{FF07}') { '\'' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(word: &str) -> String {
        let mut out = String::new();
        normalize_word(word, &mut out);
        out
    }

    proptest! {
        #[test]
        fn lowering_a_text_lowers_each_of_its_plain_words(text in "[A-Cz À-ÿĀ漢ǅ]{0,60}") {
            let mut lower = Vec::new();
            lower_plain(&text, &mut lower);
            let expected: String = text.chars().map(|c| if c == '×' { c } else { lower_latin(c) }).collect();
            prop_assert_eq!(String::from_utf8(lower).unwrap(), expected);
        }
    }

    #[test]
    fn case_width_and_composition_do_not_tell_words_apart() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("Año", "AN\u{303}O"),
            ("ＷＩＤＥ", "wide"),
            ("ﬁn", "fin"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("don’t", "DON'T"),
            ("co\u{AD}operate", "cooperate"),
        ] {
            assert_eq!(normal(one), normal(other), "{one} and {other}");
        }
    }

    #[test]
    fn accents_tell_words_apart() {
        assert_ne!(normal("año"), normal("ano"));
    }

    #[test]
    fn the_short_cut_for_latin_letters_gives_the_same_form() {
        for first in ('\0'..'\u{180}').filter(|c| c.is_alphanumeric()) {
            let word = format!("{first}Aé{first}");
            assert_eq!(
                is_simple_latin(&word),
                first.is_ascii() || matches!(first, 'À'..='Þ' | 'à'..='ÿ'),
                "{first}"
            );
            let mut by_the_book = String::new();
            normalize_any(&word, &mut by_the_book);
            assert_eq!(normal(&word), by_the_book);
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(word in "\\PC{0,12}") {
            let once = normal(&word);
            prop_assert_eq!(normal(&once), once);
        }
    }
}
