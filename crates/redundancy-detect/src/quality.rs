//! How well a text reads: readability by the published formulas of its language, lexical diversity, redundancy, and
//! suggestions that point at the place they speak of.
//!
//! English has the formulas of Flesch, Kincaid, Gunning, Mc Laughlin, Smith & Senter and Coleman & Liau; Spanish those of
//! Fernández Huerta, Szigriszt Pazos with the INFLESZ bands, Gutiérrez de Polini and Crawford; every language has LIX and
//! RIX. [`metrics`] gives the sources, [`Counts`] says what is counted and how. Not for grammar or spelling.
//!
//! ```
//! use redundancy_detect::Text;
//! use redundancy_detect::quality::{QualityOptions, quality};
//!
//! let text = Text::new("The cat sat on the the mat. We all had fun.")?;
//! let found = quality(&text, &QualityOptions::default());
//! assert_eq!(found.rating.as_str(), "Excellent");
//! assert_eq!(found.suggestions[0].message, "“the” stands 2 times in a row: keep one.");
//! # Ok::<(), redundancy_detect::TextTooLong>(())
//! ```

mod counts;
mod diversity;
pub mod metrics;
mod suggestions;
mod syllables;

use crate::analyze::{DEFAULT_MIN_PASSAGE_WORDS, share};
use crate::language::{self, DetectedLanguage};
use crate::repeats::Repeats;
use crate::span::{OffsetMap, OffsetUnit};
use crate::text::Text;
use suggestions::Evidence;

pub use counts::Counts;
pub use diversity::LexicalDiversity;
pub use metrics::{InfleszBand, LanguageMetrics, MetricValue, Metrics};
pub use suggestions::{MAX_SUGGESTIONS, Suggestion, SuggestionCode};

/// How to assess a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QualityOptions {
    /// The language of the text as an ISO 639-1 code such as `es`, when the caller knows it; else it is detected. A region
    /// behind it (`es-MX`) does not matter.
    pub language: Option<String>,
    /// What the spans of the suggestions count.
    pub offset_unit: OffsetUnit,
}

/// How well a text reads. Every number is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// 0 (very hard to read) to 100 (very easy): Flesch reading ease for English, Fernández Huerta for Spanish, a scale over
    /// LIX for the rest (see [`Metrics::readability_score`]). A text without words scores 0: there is nothing to read.
    pub readability_score: f64,
    /// The score in words.
    pub rating: QualityRating,
    /// The language, named by the caller or detected.
    pub language: DetectedLanguage,
    /// The formulas of that language.
    pub metrics: Metrics,
    /// What the formulas were fed with.
    pub counts: Counts,
    /// How varied the vocabulary is.
    pub lexical_diversity: LexicalDiversity,
    /// Share of the words that repeat a passage of at least eight words that stood earlier, 0 to 1.
    pub redundancy_score: f64,
    /// What could be better, the most important first; at most [`MAX_SUGGESTIONS`].
    pub suggestions: Vec<Suggestion>,
}

/// A readability score in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QualityRating {
    /// Below 40.
    NeedsImprovement,
    /// 40 and more.
    Fair,
    /// 60 and more.
    Good,
    /// 80 and more.
    Excellent,
}

impl QualityRating {
    /// The rating of a score from 0 to 100.
    #[must_use]
    pub fn of(readability_score: f64) -> Self {
        match readability_score {
            score if score >= 80.0 => Self::Excellent,
            score if score >= 60.0 => Self::Good,
            score if score >= 40.0 => Self::Fair,
            _ => Self::NeedsImprovement,
        }
    }

    /// The rating as people read it: `Excellent`, `Good`, `Fair` or `Needs Improvement`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsImprovement => "Needs Improvement",
            Self::Fair => "Fair",
            Self::Good => "Good",
            Self::Excellent => "Excellent",
        }
    }
}

/// Assesses `text`. Time n·log n in its words at worst, memory linear.
#[must_use]
pub fn quality(text: &Text<'_>, options: &QualityOptions) -> Quality {
    let source = text.source();
    let language =
        options.language.as_deref().map_or_else(|| language::detect(text), DetectedLanguage::named);
    let structure = text.structure();
    let profile = counts::WordProfile::of(text.vocabulary(), &language.code);
    let counts = profile.count(text, &structure);
    let metrics = Metrics::of(&counts, &language.code);
    let readability_score = metrics.readability_score(&counts);
    let lexical_diversity = LexicalDiversity::of(text);
    let repeats = Repeats::of(text.words(), DEFAULT_MIN_PASSAGE_WORDS);
    let redundancy_score = share(repeats.redundant_words(), text.words().len());
    let evidence = Evidence {
        text,
        structure: &structure,
        profile: &profile,
        counts: &counts,
        language: &language.code,
        readability_score,
        lexical_diversity,
        redundancy_score,
        repeats: &repeats,
    };
    let suggestions = suggestions::suggest(&evidence, &OffsetMap::new(source, options.offset_unit));
    Quality {
        readability_score,
        rating: QualityRating::of(readability_score),
        language,
        metrics,
        counts,
        lexical_diversity,
        redundancy_score,
        suggestions,
    }
}

/// The primary subtag of a language code, in lower case: `es` of `ES-mx`.
fn primary_subtag(code: &str) -> String {
    code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
