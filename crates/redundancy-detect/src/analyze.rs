//! What is redundant inside one text: repeated passages, phrases and sentences, and figures that sum it up.

mod phrases;
mod sentences;

use crate::language::{self, DetectedLanguage};
use crate::repeats::{Passage, Repeats};
use crate::span::{OffsetMap, OffsetUnit, Span};
use crate::structure::Structure;
use crate::text::Text;
use crate::words::{Word, for_each_normal_word};
use std::cell::RefCell;

pub use phrases::RepeatedPhrase;
pub use sentences::DuplicateSentence;
pub(crate) use sentences::equal_sentences;

/// How many words a passage has at least unless the caller says otherwise.
pub const DEFAULT_MIN_PASSAGE_WORDS: usize = 8;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyzeOptions {
    /// The language of the text when the caller knows it; else it is detected.
    pub language: Option<String>,
    /// How many words a run must have to count as a passage. 0 counts as 1.
    pub min_passage_words: usize,
    /// What the spans of the answer count.
    pub offset_unit: OffsetUnit,
}

impl Default for AnalyzeOptions {
    fn default() -> Self {
        Self {
            language: None,
            min_passage_words: DEFAULT_MIN_PASSAGE_WORDS,
            offset_unit: OffsetUnit::default(),
        }
    }
}

/// What is redundant in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// BLAKE3 of the exact bytes.
    pub content_hash: blake3::Hash,
    /// BLAKE3 of the normalised words with one space between them: equal for texts that differ only in case, Unicode form,
    /// and what stands between the words.
    pub normalized_hash: blake3::Hash,
    /// The language, named by the caller or detected.
    pub language: DetectedLanguage,
    /// How much of what there is.
    pub counts: Counts,
    /// Share of the words that lie in a later occurrence of a passage that stood earlier, 0 to 1: what could go without
    /// losing anything.
    pub redundancy_score: f64,
    /// 1 - unique words / words, 0 to 1; grows with the length of any text.
    pub lexical_redundancy: f64,
    /// Bytes of the text / bytes after DEFLATE at level 6; around 2 to 3 for prose, higher the more repeats. By `libdeflate`,
    /// which gives the same on every platform, and on prose comes within 1 % of what zlib gives.
    pub compression_ratio: f64,
    /// Passages that stand more than once, longest first.
    pub repeated_passages: Vec<RepeatedPassage>,
    /// Runs of words too short for a passage that stand more than once, the ones that take most words first.
    pub repeated_phrases: Vec<RepeatedPhrase>,
    /// Sentences that stand more than once, the most frequent first.
    pub duplicate_sentences: Vec<DuplicateSentence>,
}

/// How much of what a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Unicode scalar values.
    pub characters: usize,
    /// Words by UAX #29; characters in scripts without spaces.
    pub words: usize,
    /// Distinct words after normalisation.
    pub unique_words: usize,
    /// Sentences with at least one word.
    pub sentences: usize,
    /// Paragraphs with at least one word.
    pub paragraphs: usize,
}

/// A run of words that stands more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedPassage {
    /// How many words it has.
    pub words: usize,
    /// The original text of its first occurrence. Others may differ in case, punctuation and white space.
    pub text: String,
    /// Every place where its words stand, inside longer passages too, in order, in the unit asked for. Of places that overlap,
    /// the earlier one.
    pub occurrences: Vec<Span>,
}

/// Finds what is redundant in `text`. Time n·log n in its words at worst, memory linear.
#[must_use]
pub fn analyze(text: &Text<'_>, options: &AnalyzeOptions) -> Analysis {
    let source = text.source();
    let words = text.words();
    let structure = text.structure();
    let offsets = OffsetMap::new(source, options.offset_unit);
    let repeats = Repeats::of(words, options.min_passage_words);
    Analysis {
        content_hash: text.hash(),
        normalized_hash: normalized_text(text).hash,
        language: options.language.as_deref().map_or_else(|| language::detect(text), DetectedLanguage::named),
        counts: counts(text, &structure),
        redundancy_score: share(repeats.redundant_words(), words.len()),
        lexical_redundancy: share(words.len() - text.vocabulary().len().min(words.len()), words.len()),
        compression_ratio: compression_ratio(source),
        repeated_passages: repeats
            .passages()
            .iter()
            .map(|passage| render(source, words, &offsets, passage))
            .collect(),
        repeated_phrases: phrases::find(text, &structure, &repeats, options.min_passage_words),
        duplicate_sentences: sentences::find(text, &structure, &offsets),
    }
}

/// What is left of a text when case, punctuation and white space do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normalized {
    /// BLAKE3 of its normalised words with one space between them.
    pub hash: blake3::Hash,
    /// How many words it has.
    pub words: usize,
}

/// The normal form of `source` as a hash: equal for texts that differ only in case, punctuation and white space. Linear time, one
/// pass, and no vocabulary as a [`Text`] makes it.
#[must_use]
pub fn normalized(source: &str) -> Normalized {
    let mut normal = NormalForm::of_text(source);
    for_each_normal_word(source, |word| normal.push(word));
    normal.finish()
}

/// The normal form of a text that is cut into words already.
fn normalized_text(text: &Text<'_>) -> Normalized {
    let mut normal = NormalForm::of_text(text.source());
    text.words().iter().for_each(|word| normal.push(text.vocabulary().word(word.id)));
    normal.finish()
}

/// Hashes normalised words with one space between them.
struct NormalForm {
    hasher: blake3::Hasher,
    /// The hasher is fastest when it is fed whole chunks, not single words.
    buffer: String,
    words: usize,
}

/// How many bytes of normal words are hashed at once.
const HASHED_BYTES: usize = 60 * 1024;

impl NormalForm {
    /// With room for the words of `source`.
    fn of_text(source: &str) -> Self {
        let buffer = String::with_capacity(source.len().min(HASHED_BYTES));
        Self { hasher: blake3::Hasher::new(), buffer, words: 0 }
    }

    fn push(&mut self, word: &str) {
        if self.words > 0 {
            self.buffer.push(' ');
        }
        self.words += 1;
        self.buffer.push_str(word);
        if self.buffer.len() >= HASHED_BYTES {
            self.hasher.update(self.buffer.as_bytes());
            self.buffer.clear();
        }
    }

    fn finish(mut self) -> Normalized {
        self.hasher.update(self.buffer.as_bytes());
        Normalized { hash: self.hasher.finalize(), words: self.words }
    }
}

fn counts(text: &Text<'_>, structure: &Structure) -> Counts {
    Counts {
        characters: text.source().chars().count(),
        words: text.words().len(),
        unique_words: text.vocabulary().len(),
        sentences: structure.sentences.len(),
        paragraphs: structure.paragraphs.len(),
    }
}

fn render(source: &str, words: &[Word], offsets: &OffsetMap<'_>, passage: &Passage) -> RepeatedPassage {
    let spans = |start: &usize| span_of_words(words, *start, passage.len);
    RepeatedPassage {
        words: passage.len,
        text: passage.starts.first().map(spans).unwrap_or_default().slice(source).to_owned(),
        occurrences: passage.starts.iter().map(spans).map(|span| offsets.span(span)).collect(),
    }
}

/// The bytes from the first to the last of `len` words that begin with word `start`.
pub(crate) fn span_of_words(words: &[Word], start: usize, len: usize) -> Span {
    match words.get(start..start + len) {
        Some([first, .., last]) => Span::new(first.span().start, last.span().end),
        Some([only]) => only.span(),
        Some([]) | None => Span::default(),
    }
}

/// `part / whole`, and 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Bytes of `source` / bytes of its DEFLATE stream (RFC 1951) at level 6. Empty text has a ratio of 1.
fn compression_ratio(source: &str) -> f64 {
    COMPRESSOR.with_borrow_mut(|compressor| {
        let mut compressed = vec![0; compressor.deflate_compress_bound(source.len())];
        match compressor.deflate_compress(source.as_bytes(), &mut compressed) {
            Ok(bytes) if bytes > 0 && !source.is_empty() => source.len() as f64 / bytes as f64,
            _ => 1.0,
        }
    })
}

thread_local! {
    /// It takes 0.7 MB, which for a short text is more work to get and to give back than compressing is.
    static COMPRESSOR: RefCell<libdeflater::Compressor> = {
        // Level 6 exists; the fallback spares a panic that cannot happen.
        let level = libdeflater::CompressionLvl::new(6).unwrap_or_default();
        RefCell::new(libdeflater::Compressor::new(level))
    };
}
