//! What the readability formulas count: sentences, words, letters, syllables and several kinds of hard words. Not the counts
//! of [`crate::analyze`]: here parts joined by a hyphen are one word, as the authors of the formulas ask.

use super::primary_subtag;
use super::syllables::SyllableRules;
use crate::structure::{Part, Structure};
use crate::text::Text;
use crate::vocabulary::{Vocabulary, WordId};
use crate::words::Word;

/// From how many syllables a word is a polysyllable (Mc Laughlin 1969, Gunning 1952).
const POLYSYLLABLE_SYLLABLES: usize = 3;
/// A long word has more letters than this (Björnsson 1968, Anderson 1983).
const SHORT_WORD_LETTERS: usize = 6;

/// What the readability formulas are fed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sentences with at least one word. A heading or a list item counts as one.
    pub sentences: usize,
    /// Words; parts joined by a hyphen (`well-known`) are one word (Flesch 1979, Mc Laughlin 1969, Anderson 1983).
    pub words: usize,
    /// Letters and digits of the words, after normalisation.
    pub letters: usize,
    /// Syllables; 0 for a language other than English and Spanish. A figure, an abbreviation with a full stop inside and a
    /// word without a vowel count one each (Flesch 1979).
    pub syllables: usize,
    /// Words of three or more syllables.
    pub polysyllables: usize,
    /// Hard words in the sense of Gunning (1952), English only: polysyllables that are no names (a capital letter inside a
    /// sentence), no words with a hyphen and no verb forms that owe their third syllable to `-ed` or `-es`.
    pub hard_words: usize,
    /// Words of more than six letters.
    pub long_words: usize,
}

/// What each distinct word of a text counts for, worked out once a word however often it stands.
#[derive(Debug)]
pub(super) struct WordProfile {
    /// By number of the word.
    words: Vec<WordCounts>,
}

/// What one word counts for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordCounts {
    pub(super) letters: usize,
    pub(super) syllables: usize,
    /// Hard if it is no name.
    hard: bool,
}

impl WordProfile {
    /// The profile of a vocabulary in the language with code `language`. Time linear in its letters.
    pub(super) fn of(vocabulary: &Vocabulary, language: &str) -> Self {
        let rules = match primary_subtag(language).as_str() {
            "en" => Some(SyllableRules::English),
            "es" => Some(SyllableRules::Spanish),
            _ => None,
        };
        Self { words: vocabulary.iter().map(|word| WordCounts::of(word, rules)).collect() }
    }

    /// What the word with number `id` counts for.
    pub(super) fn word(&self, id: WordId) -> WordCounts {
        self.words.get(id.index()).copied().unwrap_or_default()
    }

    /// Counts a whole text. Linear time.
    pub(super) fn count(&self, text: &Text<'_>, structure: &Structure) -> Counts {
        let mut counts = Counts { sentences: structure.sentences.len(), ..Counts::default() };
        for sentence in &structure.sentences {
            self.count_sentence(text, sentence, &mut counts);
        }
        counts
    }

    fn count_sentence(&self, text: &Text<'_>, sentence: &Part, counts: &mut Counts) {
        let words = text.words().get(sentence.words.clone()).unwrap_or_default();
        let mut hyphenated =
            words.chunk_by(|word, next| is_hyphenated(text.source(), *word, *next)).peekable();
        let first = hyphenated.peek().and_then(|parts| parts.first()).copied();
        for parts in hyphenated {
            let (mut letters, mut syllables) = (0, 0);
            for part in parts {
                let part = self.word(part.id);
                letters += part.letters;
                syllables += part.syllables;
            }
            counts.words += 1;
            counts.letters += letters;
            counts.syllables += syllables;
            counts.polysyllables += usize::from(syllables >= POLYSYLLABLE_SYLLABLES);
            counts.long_words += usize::from(letters > SHORT_WORD_LETTERS);
            if let &[word] = parts {
                let is_name = || first != Some(word) && begins_with_capital(text.source(), word);
                counts.hard_words += usize::from(self.word(word.id).hard && !is_name());
            }
        }
    }
}

impl WordCounts {
    fn of(word: &str, rules: Option<SyllableRules>) -> Self {
        let syllables = rules.map_or(0, |rules| rules.count(word));
        Self {
            letters: word.chars().filter(|c| c.is_alphanumeric()).count(),
            syllables,
            hard: rules == Some(SyllableRules::English)
                && syllables >= POLYSYLLABLE_SYLLABLES
                && !is_inflection_of_easy_verb(word),
        }
    }
}

/// Whether `word` has fewer than three syllables without its `-ed` or `-es`: `created`, `trespasses`, but not `exercises`.
fn is_inflection_of_easy_verb(word: &str) -> bool {
    let easy = |stem: &str| SyllableRules::English.count(stem) < POLYSYLLABLE_SYLLABLES;
    let (Some(stem), true) = (word.strip_suffix(['d', 's']), word.ends_with("ed") || word.ends_with("es"))
    else {
        return false;
    };
    easy(stem) || stem.strip_suffix('e').is_some_and(easy)
}

/// Whether nothing but a hyphen stands between two words.
fn is_hyphenated(source: &str, word: Word, next: Word) -> bool {
    let between = source.as_bytes().get(word.span().end..next.span().start).unwrap_or_default();
    // The hyphen of ASCII, U+2010 and U+2011, which does not break over lines.
    matches!(between, b"-" | [0xE2, 0x80, 0x90 | 0x91])
}

/// Whether the word begins with a capital letter in the original.
pub(super) fn begins_with_capital(source: &str, word: Word) -> bool {
    word.span().slice(source).starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(source: &str, language: &str) -> Counts {
        let text = Text::new(source).unwrap();
        WordProfile::of(text.vocabulary(), language).count(&text, &text.structure())
    }

    #[test]
    fn a_hyphenated_word_is_one_word() {
        let counts = count("A well-known face.", "en");
        assert_eq!(
            counts,
            Counts { sentences: 1, words: 3, letters: 14, syllables: 4, long_words: 1, ..Counts::default() }
        );
    }

    #[test]
    fn a_dash_between_words_joins_nothing() {
        assert_eq!(count("One - two -three four–five.", "en").words, 5);
    }

    #[test]
    fn figures_and_abbreviations_are_one_syllable_each() {
        assert_eq!(count("In 1918, e.g. 3.14 km.", "en").syllables, 5);
    }

    #[test]
    fn names_compounds_and_inflections_are_not_hard() {
        let counts = count("Elephants created a user-interface for Alabama; animals exercise.", "en");
        // elephants, created, user-interface, Alabama, animals, exercise have three syllables or more.
        assert_eq!((counts.polysyllables, counts.hard_words), (6, 3));
    }

    #[test]
    fn other_languages_have_letters_but_no_syllables() {
        let counts = count("Die Donaudampfschifffahrt ruht.", "de");
        assert_eq!((counts.words, counts.long_words, counts.syllables), (3, 1, 0));
    }

    #[test]
    fn the_region_of_a_language_does_not_matter() {
        assert_eq!(count("La casa azul.", "es-MX").syllables, 5);
    }
}
