//! How many syllables a word has, by the rules of its language. Not a hyphenation dictionary: nothing is looked up, and no
//! borders between syllables are found, only their number.

mod english;
mod spanish;

/// Longest word that is taken for one, in bytes. What is longer is data; it counts one syllable, and the bound keeps every
/// count constant in time.
const LONGEST_WORD_BYTES: usize = 64;

/// A language whose syllables are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyllableRules {
    English,
    Spanish,
}

impl SyllableRules {
    /// How many syllables the normalised word `word` has; at least 1. Constant time.
    ///
    /// Figures (`1918`, `3.14`), abbreviations with a full stop inside (`e.g`) and words without a vowel (`km`, `bbc`) count
    /// one, as Flesch asks for abbreviations and figures ("How to Write Plain English", 1979, chapter 2).
    pub(super) fn count(self, word: &str) -> usize {
        if word.len() > LONGEST_WORD_BYTES || word.contains('.') || is_figure(word) {
            return 1;
        }
        let counted = match self {
            Self::English => english::syllables(word),
            Self::Spanish => spanish::syllables(word),
        };
        counted.max(1)
    }
}

/// Whether the word has a digit: `1918`, `3rd`.
pub(super) fn is_figure(word: &str) -> bool {
    word.contains(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the words of a list in which `·` divides syllables, and that it has enough of them.
    fn check(rules: SyllableRules, list: &str) {
        let words: Vec<&str> =
            list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
        assert!(words.len() > 150);
        let wrong: Vec<_> = words
            .iter()
            .map(|divided| (divided, divided.split('·').count(), rules.count(&divided.replace('·', ""))))
            .filter(|(_, expected, counted)| expected != counted)
            .collect();
        assert!(wrong.is_empty(), "word, expected, counted: {wrong:?}");
    }

    #[test]
    fn english_words_have_the_syllables_of_the_list() {
        check(SyllableRules::English, include_str!("syllables/english_words.txt"));
    }

    #[test]
    fn spanish_words_have_the_syllables_of_the_list() {
        check(SyllableRules::Spanish, include_str!("syllables/spanish_words.txt"));
    }

    #[test]
    fn figures_abbreviations_and_words_without_vowels_have_one() {
        for word in ["1918", "3.14", "3rd", "e.g", "km", "bbc", "日", "ß"] {
            assert_eq!(SyllableRules::English.count(word), 1, "{word}");
            assert_eq!(SyllableRules::Spanish.count(word), 1, "{word}");
        }
    }

    #[test]
    fn a_word_too_long_to_be_one_has_one() {
        let word = "home".repeat(200_000);
        assert_eq!(SyllableRules::English.count(&word), 1);
        assert_eq!(SyllableRules::Spanish.count(&word), 1);
    }
}
