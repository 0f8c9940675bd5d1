//! What more is ignored when texts are compared, beyond what never counts: case, width, punctuation and white space. The texts
//! themselves stay as they are.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use crate::input::{Format, text_of};

/// What is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Normalize {
    /// Marks above and below letters.
    pub accents: bool,
    /// Which number it is that stands somewhere.
    pub numbers: bool,
    /// Tags and entities of HTML.
    pub markup: bool,
}

impl Normalize {
    /// What is compared in place of `text`, if something else is. Linear time.
    pub(super) fn apply(self, text: &str) -> Option<String> {
        let mut changed: Cow<'_, str> = Cow::Borrowed(text);
        if self.markup && text.contains(['<', '&']) {
            // A text is never too long for this, and always UTF-8.
            let (plain, _) = text_of(text.as_bytes().to_vec(), Format::Html).ok()?;
            changed = Cow::Owned(plain);
        }
        if self.accents && !changed.is_ascii() {
            changed = Cow::Owned(without_accents(&changed));
        }
        if self.numbers && changed.contains(char::is_numeric) {
            changed = Cow::Owned(without_numbers(&changed));
        }
        match changed {
            Cow::Owned(changed) => Some(changed),
            Cow::Borrowed(_) => None,
        }
    }
}

/// The same letters without the marks of the block "Combining Diacritical Marks". Vowel signs and the like of other scripts are
/// letters rather than accents, and stay.
fn without_accents(text: &str) -> String {
    text.nfd().filter(|letter| !('\u{300}'..='\u{36F}').contains(letter)).nfc().collect()
}

/// The same with 0 for each number: digits, and what stands between two of them as in 1,234.5 or 12:30.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_numeric() {
            plain.push(letter);
            continue;
        }
        plain.push('0');
        loop {
            while letters.next_if(|letter| letter.is_numeric()).is_some() {}
            let mut behind = letters.clone();
            let goes_on = matches!(behind.next(), Some('.' | ',' | ':' | '\''))
                && behind.next().is_some_and(char::is_numeric);
            if !goes_on {
                break;
            }
            letters.next();
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_go_and_letters_of_other_scripts_stay() {
        let normalize = Normalize { accents: true, ..Normalize::default() };
        assert_eq!(normalize.apply("Año café À").as_deref(), Some("Ano cafe A"));
        assert_eq!(normalize.apply("हिन्दी 한국어 が").as_deref(), Some("हिन्दी 한국어 が"));
        assert_eq!(normalize.apply("plain"), None);
    }

    #[test]
    fn each_number_counts_as_the_same() {
        let normalize = Normalize { numbers: true, ..Normalize::default() };
        for (text, plain) in [
            ("1,234.50 at 12:30.", "0 at 0."),
            ("2024-05-01", "0-0-0"),
            ("v2x 3, 4", "v0x 0, 0"),
            ("٣٤", "0"),
        ] {
            assert_eq!(normalize.apply(text).as_deref(), Some(plain), "{text}");
        }
        assert_eq!(normalize.apply("none"), None);
    }

    #[test]
    fn markup_goes() {
        let normalize = Normalize { markup: true, ..Normalize::default() };
        let plain = normalize.apply("<p class=\"x\">one <b>two</b> &amp; three</p>").unwrap();
        assert_eq!(plain.split_whitespace().collect::<Vec<_>>(), ["one", "two", "&", "three"]);
    }
}
