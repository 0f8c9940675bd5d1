//! The kinds of things a suggestion can be about, and how bad each one is. Wording is in [`super::messages`].

/// What a suggestion is about, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuggestionCode {
    /// The text as a whole is hard to read.
    HardToRead,
    /// Much of the text repeats earlier parts of it.
    HighRedundancy,
    /// The same word stands twice in a row: "the the".
    RepeatedWord,
    /// A sentence stood earlier in the text.
    RepeatedSentence,
    /// A sentence has too many words.
    LongSentence,
    /// Many words of a sentence are long: four or more syllables, in Spanish five or more.
    ComplexWords,
    /// A phrase can be said in fewer words.
    WordyPhrase,
    /// Sentences in a row begin with the same word.
    RepeatedStart,
    /// A paragraph has too many words.
    LongParagraph,
    /// The text keeps using the same few words.
    LowLexicalDiversity,
}

impl SuggestionCode {
    /// The code as it goes over the wire, in `snake_case`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HardToRead => "hard_to_read",
            Self::HighRedundancy => "high_redundancy",
            Self::RepeatedWord => "repeated_word",
            Self::RepeatedSentence => "repeated_sentence",
            Self::LongSentence => "long_sentence",
            Self::ComplexWords => "complex_words",
            Self::WordyPhrase => "wordy_phrase",
            Self::RepeatedStart => "repeated_start",
            Self::LongParagraph => "long_paragraph",
            Self::LowLexicalDiversity => "low_lexical_diversity",
        }
    }
}

/// What was found, with the figures that a message needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    HardToRead { score: f64, words_per_sentence: f64 },
    HighRedundancy { share: f64, longest_words: usize },
    RepeatedWord { word: String, times: usize },
    RepeatedSentence { words: usize, times: usize },
    LongSentence { words: usize },
    ComplexWords { complex: usize, words: usize, examples: Vec<String> },
    WordyPhrase { phrase: &'static str, shorter: &'static str, words_saved: usize },
    RepeatedStart { word: String, sentences: usize },
    LongParagraph { words: usize },
    LowLexicalDiversity { mtld: f64 },
}

impl Finding {
    pub(super) const fn code(&self) -> SuggestionCode {
        match self {
            Self::HardToRead { .. } => SuggestionCode::HardToRead,
            Self::HighRedundancy { .. } => SuggestionCode::HighRedundancy,
            Self::RepeatedWord { .. } => SuggestionCode::RepeatedWord,
            Self::RepeatedSentence { .. } => SuggestionCode::RepeatedSentence,
            Self::LongSentence { .. } => SuggestionCode::LongSentence,
            Self::ComplexWords { .. } => SuggestionCode::ComplexWords,
            Self::WordyPhrase { .. } => SuggestionCode::WordyPhrase,
            Self::RepeatedStart { .. } => SuggestionCode::RepeatedStart,
            Self::LongParagraph { .. } => SuggestionCode::LongParagraph,
            Self::LowLexicalDiversity { .. } => SuggestionCode::LowLexicalDiversity,
        }
    }

    /// How bad it is among findings of its code: words that are too many, or stand too often.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::RepeatedWord { times, .. } => *times,
            Self::RepeatedSentence { words, times } => words * (times - 1),
            Self::LongSentence { words } | Self::LongParagraph { words } => *words,
            Self::ComplexWords { complex, .. } => *complex,
            Self::WordyPhrase { words_saved, .. } => *words_saved,
            Self::RepeatedStart { sentences, .. } => *sentences,
            Self::HardToRead { .. } | Self::HighRedundancy { .. } | Self::LowLexicalDiversity { .. } => 0,
        }
    }
}
