//! What the engine can be asked to do, and what it answers. Not for wire formats: adapters have their own types.

use crate::ids::AnalysisId;
use redundancy_detect::{
    Text, TextTooLong,
    analyze::{Analysis, AnalyzeOptions, analyze},
    quality::{Quality, QualityOptions, quality},
    similarity::{Similarity, SimilarityOptions, similarity},
};
use redundancy_webhook::event::types;

pub use redundancy_webhook::event::Caller;

/// A kind of analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Redundancy inside one text.
    Analyze,
    /// What two texts share.
    Similarity,
    /// How readable a text is and what could be better.
    Quality,
}

impl Operation {
    /// All kinds, in a fixed order.
    pub const ALL: [Self; 3] = [Self::Analyze, Self::Similarity, Self::Quality];

    /// The type of the event that tells of a result.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Analyze => types::ANALYSIS_COMPLETED,
            Self::Similarity => types::SIMILARITY_COMPLETED,
            Self::Quality => types::QUALITY_COMPLETED,
        }
    }

    /// The name used in metrics, logs and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Similarity => "similarity",
            Self::Quality => "quality",
        }
    }
}

/// A request with everything that is needed to do it.
pub trait Work: Send + 'static {
    /// What it finds.
    type Finding: Clone + Into<Finding> + Send + 'static;

    /// Which kind of analysis it is.
    fn operation(&self) -> Operation;

    /// How many bytes of text it is about.
    fn bytes(&self) -> usize;

    /// Does it, on the calling thread.
    fn perform(&self) -> Result<Self::Finding, TextTooLong>;
}

/// A text to look into.
#[derive(Debug, Clone)]
pub struct AnalyzeRequest {
    /// The text.
    pub content: String,
    /// What to look for.
    pub options: AnalyzeOptions,
}

impl Work for AnalyzeRequest {
    type Finding = Analysis;

    fn operation(&self) -> Operation {
        Operation::Analyze
    }

    fn bytes(&self) -> usize {
        self.content.len()
    }

    fn perform(&self) -> Result<Analysis, TextTooLong> {
        Ok(analyze(&Text::new(&self.content)?, &self.options))
    }
}

/// Two texts to compare.
#[derive(Debug, Clone)]
pub struct SimilarityRequest {
    /// The first text.
    pub text1: String,
    /// The second text.
    pub text2: String,
    /// From which similarity score on, 0 to 1, the texts count as similar.
    pub threshold: f64,
    /// What to look for.
    pub options: SimilarityOptions,
}

/// What two texts share, seen from a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What they share.
    pub similarity: Similarity,
    /// From which similarity score on they count as similar.
    pub threshold: f64,
}

impl Comparison {
    /// Whether the texts count as similar.
    #[must_use]
    pub fn is_similar(&self) -> bool {
        self.similarity.similarity_score >= self.threshold
    }
}

impl Work for SimilarityRequest {
    type Finding = Comparison;

    fn operation(&self) -> Operation {
        Operation::Similarity
    }

    fn bytes(&self) -> usize {
        self.text1.len() + self.text2.len()
    }

    fn perform(&self) -> Result<Comparison, TextTooLong> {
        let similarity = similarity(&self.text1, &self.text2, &self.options)?;
        Ok(Comparison { similarity, threshold: self.threshold })
    }
}

/// A text to judge.
#[derive(Debug, Clone)]
pub struct QualityRequest {
    /// The text.
    pub content: String,
    /// How to judge it.
    pub options: QualityOptions,
}

impl Work for QualityRequest {
    type Finding = Quality;

    fn operation(&self) -> Operation {
        Operation::Quality
    }

    fn bytes(&self) -> usize {
        self.content.len()
    }

    fn perform(&self) -> Result<Quality, TextTooLong> {
        Ok(quality(&Text::new(&self.content)?, &self.options))
    }
}

/// Any request, for work that is accepted now and done later.
#[derive(Debug, Clone)]
pub enum Request {
    /// See [`AnalyzeRequest`].
    Analyze(AnalyzeRequest),
    /// See [`SimilarityRequest`].
    Similarity(SimilarityRequest),
    /// See [`QualityRequest`].
    Quality(QualityRequest),
}

impl Request {
    /// Which kind of analysis is asked for.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Analyze(_) => Operation::Analyze,
            Self::Similarity(_) => Operation::Similarity,
            Self::Quality(_) => Operation::Quality,
        }
    }
}

impl Work for Request {
    type Finding = Finding;

    fn operation(&self) -> Operation {
        self.operation()
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Analyze(request) => request.bytes(),
            Self::Similarity(request) => request.bytes(),
            Self::Quality(request) => request.bytes(),
        }
    }

    fn perform(&self) -> Result<Finding, TextTooLong> {
        match self {
            Self::Analyze(request) => request.perform().map(Finding::Analyze),
            Self::Similarity(request) => request.perform().map(Finding::Similarity),
            Self::Quality(request) => request.perform().map(Finding::Quality),
        }
    }
}

impl From<AnalyzeRequest> for Request {
    fn from(request: AnalyzeRequest) -> Self {
        Self::Analyze(request)
    }
}

impl From<SimilarityRequest> for Request {
    fn from(request: SimilarityRequest) -> Self {
        Self::Similarity(request)
    }
}

impl From<QualityRequest> for Request {
    fn from(request: QualityRequest) -> Self {
        Self::Quality(request)
    }
}

/// The result of any request.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Of [`Request::Analyze`].
    Analyze(Analysis),
    /// Of [`Request::Similarity`].
    Similarity(Comparison),
    /// Of [`Request::Quality`].
    Quality(Quality),
}

impl Finding {
    /// What found it.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Analyze(_) => Operation::Analyze,
            Self::Similarity(_) => Operation::Similarity,
            Self::Quality(_) => Operation::Quality,
        }
    }
}

impl From<Analysis> for Finding {
    fn from(finding: Analysis) -> Self {
        Self::Analyze(finding)
    }
}

impl From<Comparison> for Finding {
    fn from(finding: Comparison) -> Self {
        Self::Similarity(finding)
    }
}

impl From<Quality> for Finding {
    fn from(finding: Quality) -> Self {
        Self::Quality(finding)
    }
}

/// A finding and the id under which logs, events and later questions know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified<T> {
    /// The id of the analysis.
    pub analysis_id: AnalysisId,
    /// What it found.
    pub finding: T,
}
