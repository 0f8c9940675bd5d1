//! Findings for programs: JSON with the fields that the service's `data` has, so that what reads the one reads the
//! other. There is no `analysis_id`, because nothing keeps the analysis; instead the file is named.
//!
//! A document whose text is not the file byte for byte (markup was stripped, a byte order mark left out, UTF-16 decoded)
//! comes with its text: positions and hashes are those of that text, which stands nowhere else.

pub mod escape;

use std::collections::BTreeMap;

use redundancy_engine::Comparison;
use redundancy_engine::detect::analyze::{DuplicateSentence, RepeatedPassage, RepeatedPhrase};
use redundancy_engine::detect::language::DetectedLanguage;
use redundancy_engine::detect::quality::{MetricValue, Suggestion};
use redundancy_engine::detect::similarity::Match;
use redundancy_engine::detect::{Analysis, Quality, Span};
use serde::Serialize;

use crate::input::Document;

/// What is redundant inside a document.
#[derive(Serialize)]
pub struct AnalysisJson<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    content_hash: String,
    normalized_hash: String,
    language: LanguageJson<'a>,
    counts: CountsJson,
    redundancy_score: f64,
    lexical_redundancy: f64,
    compression_ratio: f64,
    repeated_passages: Vec<PassageJson<'a>>,
    repeated_phrases: Vec<PhraseJson<'a>>,
    duplicate_sentences: Vec<SentenceJson<'a>>,
}

/// What two documents share.
#[derive(Serialize)]
pub struct SimilarityJson<'a> {
    file1: &'a str,
    file2: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content2: Option<&'a str>,
    similarity_score: f64,
    is_similar: bool,
    threshold: f64,
    jaccard: f64,
    containment: ContainmentJson,
    cosine: f64,
    matches: Vec<MatchJson<'a>>,
    common_words: &'a [String],
}

/// How well a document reads.
#[derive(Serialize)]
pub struct QualityJson<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    readability_score: f64,
    quality_rating: &'static str,
    language: LanguageJson<'a>,
    metrics: BTreeMap<&'static str, MetricJson>,
    lexical_diversity: DiversityJson,
    redundancy_score: f64,
    suggestions: Vec<SuggestionJson<'a>>,
}

#[derive(Serialize)]
struct LanguageJson<'a> {
    code: &'a str,
    confidence: f64,
}

#[derive(Serialize)]
struct CountsJson {
    characters: usize,
    words: usize,
    unique_words: usize,
    sentences: usize,
    paragraphs: usize,
}

#[derive(Serialize)]
struct SpanJson {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct PassageJson<'a> {
    words: usize,
    text: &'a str,
    occurrences: Vec<SpanJson>,
}

#[derive(Serialize)]
struct PhraseJson<'a> {
    phrase: &'a str,
    words: usize,
    count: usize,
}

#[derive(Serialize)]
struct SentenceJson<'a> {
    text: &'a str,
    occurrences: Vec<SpanJson>,
}

#[derive(Serialize)]
struct ContainmentJson {
    text1_in_text2: f64,
    text2_in_text1: f64,
}

#[derive(Serialize)]
struct MatchJson<'a> {
    words: usize,
    text: &'a str,
    text1: SpanJson,
    text2: SpanJson,
}

#[derive(Serialize)]
#[serde(untagged)]
enum MetricJson {
    Number(f64),
    Band(&'static str),
}

#[derive(Serialize)]
struct DiversityJson {
    ttr: f64,
    mtld: f64,
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<SpanJson>,
}

impl<'a> AnalysisJson<'a> {
    /// What was found in `document`.
    #[must_use]
    pub fn new(document: &'a Document, analysis: &'a Analysis) -> Self {
        let counts = &analysis.counts;
        Self {
            file: &document.name,
            content: text_unlike_file(document),
            content_hash: format!("blake3:{}", analysis.content_hash.to_hex()),
            normalized_hash: format!("blake3:{}", analysis.normalized_hash.to_hex()),
            language: (&analysis.language).into(),
            counts: CountsJson {
                characters: counts.characters,
                words: counts.words,
                unique_words: counts.unique_words,
                sentences: counts.sentences,
                paragraphs: counts.paragraphs,
            },
            redundancy_score: analysis.redundancy_score,
            lexical_redundancy: analysis.lexical_redundancy,
            compression_ratio: analysis.compression_ratio,
            repeated_passages: analysis.repeated_passages.iter().map(PassageJson::from).collect(),
            repeated_phrases: analysis.repeated_phrases.iter().map(PhraseJson::from).collect(),
            duplicate_sentences: analysis.duplicate_sentences.iter().map(SentenceJson::from).collect(),
        }
    }
}

impl<'a> SimilarityJson<'a> {
    /// What was found in two documents.
    #[must_use]
    pub fn new(first: &'a Document, second: &'a Document, comparison: &'a Comparison) -> Self {
        let similarity = &comparison.similarity;
        Self {
            file1: &first.name,
            file2: &second.name,
            content1: text_unlike_file(first),
            content2: text_unlike_file(second),
            similarity_score: similarity.similarity_score,
            is_similar: comparison.is_similar(),
            threshold: comparison.threshold,
            jaccard: similarity.jaccard,
            containment: ContainmentJson {
                text1_in_text2: similarity.containment.text1_in_text2,
                text2_in_text1: similarity.containment.text2_in_text1,
            },
            cosine: similarity.cosine,
            matches: similarity.matches.iter().map(MatchJson::from).collect(),
            common_words: &similarity.common_words,
        }
    }
}

impl<'a> QualityJson<'a> {
    /// What was found in `document`.
    #[must_use]
    pub fn new(document: &'a Document, quality: &'a Quality) -> Self {
        let metrics = quality.metrics.entries().into_iter().map(|(name, value)| (name, value.into()));
        Self {
            file: &document.name,
            content: text_unlike_file(document),
            readability_score: quality.readability_score,
            quality_rating: quality.rating.as_str(),
            language: (&quality.language).into(),
            metrics: metrics.collect(),
            lexical_diversity: DiversityJson {
                ttr: quality.lexical_diversity.ttr,
                mtld: quality.lexical_diversity.mtld,
            },
            redundancy_score: quality.redundancy_score,
            suggestions: quality.suggestions.iter().map(SuggestionJson::from).collect(),
        }
    }
}

fn text_unlike_file(document: &Document) -> Option<&str> {
    (!document.is_verbatim).then_some(document.text.as_str())
}

fn spans(spans: &[Span]) -> Vec<SpanJson> {
    spans.iter().copied().map(SpanJson::from).collect()
}

impl<'a> From<&'a DetectedLanguage> for LanguageJson<'a> {
    fn from(language: &'a DetectedLanguage) -> Self {
        Self { code: &language.code, confidence: language.confidence }
    }
}

impl From<Span> for SpanJson {
    fn from(Span { start, end }: Span) -> Self {
        Self { start, end }
    }
}

impl<'a> From<&'a RepeatedPassage> for PassageJson<'a> {
    fn from(passage: &'a RepeatedPassage) -> Self {
        Self { words: passage.words, text: &passage.text, occurrences: spans(&passage.occurrences) }
    }
}

impl<'a> From<&'a RepeatedPhrase> for PhraseJson<'a> {
    fn from(phrase: &'a RepeatedPhrase) -> Self {
        Self { phrase: &phrase.phrase, words: phrase.words, count: phrase.count }
    }
}

impl<'a> From<&'a DuplicateSentence> for SentenceJson<'a> {
    fn from(sentence: &'a DuplicateSentence) -> Self {
        Self { text: &sentence.text, occurrences: spans(&sentence.occurrences) }
    }
}

impl<'a> From<&'a Match> for MatchJson<'a> {
    fn from(found: &'a Match) -> Self {
        Self { words: found.words, text: &found.text, text1: found.text1.into(), text2: found.text2.into() }
    }
}

impl From<MetricValue> for MetricJson {
    fn from(value: MetricValue) -> Self {
        match value {
            MetricValue::Number(number) => Self::Number(number),
            MetricValue::Band(name) => Self::Band(name),
        }
    }
}

impl<'a> From<&'a Suggestion> for SuggestionJson<'a> {
    fn from(suggestion: &'a Suggestion) -> Self {
        Self {
            code: suggestion.code.as_str(),
            message: &suggestion.message,
            span: suggestion.span.map(SpanJson::from),
        }
    }
}
