//! A text cut into words: the common ground of every analysis. Not for files or markup: it takes plain text.

use crate::span::Span;
use crate::structure::Structure;
use crate::vocabulary::Vocabulary;
use crate::words::{Word, tokenize};

/// Longest text that can be taken, in bytes. Two texts of this size and a separator still fit the 32-bit suffix array.
pub const MAX_TEXT_BYTES: usize = 1 << 29;

/// A text is longer than [`MAX_TEXT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has {bytes} bytes; at most {MAX_TEXT_BYTES} can be taken: split it")]
pub struct TextTooLong {
    /// How many bytes it has.
    pub bytes: usize,
}

/// A text, its words in order, and the vocabulary they are numbered by.
#[derive(Debug)]
pub struct Text<'t> {
    source: &'t str,
    hash: blake3::Hash,
    words: Vec<Word>,
    vocabulary: Vocabulary,
}

impl<'t> Text<'t> {
    /// Cuts `source` into words. Linear time.
    ///
    /// # Errors
    /// [`TextTooLong`] when the text has more than [`MAX_TEXT_BYTES`] bytes.
    pub fn new(source: &'t str) -> Result<Self, TextTooLong> {
        let hash = blake3::hash(source.as_bytes());
        let mut vocabulary = Vocabulary::with_seed(&hash, source.len());
        let words = words_of(source, &mut vocabulary)?;
        Ok(Self { source, hash, words, vocabulary })
    }

    /// The original, untouched.
    #[must_use]
    pub const fn source(&self) -> &'t str {
        self.source
    }

    /// BLAKE3 of its exact bytes.
    #[must_use]
    pub const fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// Its words in order. Punctuation, symbols and emoji are no words.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// Those of its words that begin in `span`, a span of bytes. Takes the logarithm of the number of words.
    #[must_use]
    pub fn words_in(&self, span: Span) -> &[Word] {
        let before = |at: usize| self.words.partition_point(|word| word.span().start < at);
        self.words.get(before(span.start)..before(span.end)).unwrap_or_default()
    }

    /// Its distinct words after normalisation.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Its paragraphs and sentences. Linear time, worked out on every call.
    #[must_use]
    pub fn structure(&self) -> Structure {
        Structure::of(self)
    }
}

/// Cuts a text of bounded length into words numbered in `vocabulary`.
pub(crate) fn words_of(source: &str, vocabulary: &mut Vocabulary) -> Result<Vec<Word>, TextTooLong> {
    if source.len() > MAX_TEXT_BYTES {
        return Err(TextTooLong { bytes: source.len() });
    }
    Ok(tokenize(source, vocabulary))
}
