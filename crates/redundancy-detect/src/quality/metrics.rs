//! The readability formulas, each as its author published it, over the [`Counts`] of a text. Not for counting.
//!
//! | metric | source |
//! |---|---|
//! | `flesch_reading_ease` | R. Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948) |
//! | `flesch_kincaid_grade` | J. P. Kincaid et al., "Derivation of new readability formulas", CNTECHTRA report 8-75 (1975) |
//! | `gunning_fog` | R. Gunning, "The technique of clear writing" (1952) |
//! | `smog` | G. H. Mc Laughlin, "SMOG grading: a new readability formula", Journal of Reading 12 (1969) |
//! | `ari` | E. A. Smith & R. J. Senter, "Automated readability index", AMRL-TR-66-220 (1967) |
//! | `coleman_liau` | M. Coleman & T. L. Liau, "A computer readability formula designed for machine scoring", Journal of Applied Psychology 60 (1975) |
//! | `fernandez_huerta` | J. Fernández Huerta, "Medidas sencillas de lecturabilidad", Consigna 214 (1959), as corrected by G. Law (2011) |
//! | `szigriszt_pazos` | F. Szigriszt Pazos, "Sistemas predictivos de legibilidad del mensaje escrito" (1993) |
//! | `inflesz` | I. M. Barrio-Cantalejo et al., "Validación de la escala INFLESZ", Anales del Sistema Sanitario de Navarra 31 (2008) |
//! | `gutierrez_polini` | L. E. Gutiérrez de Polini, "Investigación sobre lectura en Venezuela" (1972) |
//! | `crawford` | A. N. Crawford, "Fórmula y gráfico para determinar la comprensibilidad de textos", Lectura y Vida 10 (1989) |
//! | `lix` | C. H. Björnsson, "Läsbarhet" (1968) |
//! | `rix` | J. Anderson, "Lix and Rix: variations on a little-known readability index", Journal of Reading 26 (1983) |

use super::counts::Counts;
use super::primary_subtag;
use crate::analyze::share;

/// The readability of a text by every formula of its language. All are 0 for a text without words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// The formulas made for the language.
    pub language: LanguageMetrics,
    /// Words per sentence plus the percentage of words with more than six letters: below 30 very easy, above 60 very hard.
    pub lix: f64,
    /// Words with more than six letters per sentence: lower is easier.
    pub rix: f64,
}

/// The formulas made for one language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LanguageMetrics {
    /// Formulas for English.
    English(EnglishMetrics),
    /// Formulas for Spanish.
    Spanish(SpanishMetrics),
    /// A language with none here.
    Other,
}

/// Readability of English. Grades are years of school in the United States.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EnglishMetrics {
    /// 206.835 - 1.015 words/sentences - 84.6 syllables/words: higher is easier, usually 0 to 100.
    pub flesch_reading_ease: f64,
    /// 0.39 words/sentences + 11.8 syllables/words - 15.59: a grade.
    pub flesch_kincaid_grade: f64,
    /// 0.4 (words/sentences + percentage of [hard words](Counts::hard_words)): a grade.
    pub gunning_fog: f64,
    /// 3.1291 + 1.0430 √(30 polysyllables/sentences): a grade. The author counts 30 sentences; other numbers of sentences
    /// are scaled to 30, which is a rough guess below 30.
    pub smog: f64,
    /// 4.71 letters/words + 0.5 words/sentences - 21.43: a grade. The authors counted the strokes of a typewriter; letters
    /// and digits are what the formula is usually fed with.
    pub ari: f64,
    /// 0.0588 L - 0.296 S - 15.8 with L letters and S sentences per 100 words: a grade.
    pub coleman_liau: f64,
}

/// Readability of Spanish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanishMetrics {
    /// 206.84 - 60 syllables/words - 1.02 words/sentences: higher is easier, usually 0 to 100.
    ///
    /// Many places print the last term with sentences per 100 words, by which longer sentences would be easier. Law showed
    /// that words per sentence are meant, as in the formula of Flesch that this one adapts.
    pub fernandez_huerta: f64,
    /// 206.835 - 62.3 syllables/words - words/sentences: higher is easier, usually 0 to 100.
    pub szigriszt_pazos: f64,
    /// The band of `szigriszt_pazos` on the INFLESZ scale.
    pub inflesz: InfleszBand,
    /// 95.2 - 9.7 letters/words - 0.35 words/sentences: higher is easier.
    pub gutierrez_polini: f64,
    /// -0.205 OP + 0.049 SP - 3.407 with OP sentences and SP syllables per 100 words: years of school; made for the first six.
    pub crawford: f64,
}

/// A band of the INFLESZ scale, which reads the index of Szigriszt Pazos for today's Spanish adults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InfleszBand {
    /// Below 40: scientific papers.
    VeryHard,
    /// 40 to 55: popular science, specialised press.
    SomewhatHard,
    /// 55 to 65: newspapers.
    Normal,
    /// 65 to 80: best-selling novels.
    FairlyEasy,
    /// 80 and more: comics.
    VeryEasy,
}

/// The value of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue {
    /// A finite number.
    Number(f64),
    /// The name of a band, in the language it is published in.
    Band(&'static str),
}

impl Metrics {
    /// The metrics of a text with `counts` in the language with code `language`.
    #[must_use]
    pub fn of(counts: &Counts, language: &str) -> Self {
        let means = Means::of(counts);
        let language = match primary_subtag(language).as_str() {
            "en" => LanguageMetrics::English(EnglishMetrics::of(&means)),
            "es" => LanguageMetrics::Spanish(SpanishMetrics::of(&means)),
            _ => LanguageMetrics::Other,
        };
        Self {
            language,
            lix: means.words_per_sentence + means.percent_long,
            rix: means.long_words_per_sentence,
        }
    }

    /// Names and values: those of the language in the order of its struct, then `lix` and `rix`.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, MetricValue)> {
        let number = |(name, value)| (name, MetricValue::Number(value));
        let mut entries: Vec<_> = match &self.language {
            LanguageMetrics::English(english) => english.entries().map(number).to_vec(),
            LanguageMetrics::Spanish(spanish) => spanish.entries().to_vec(),
            LanguageMetrics::Other => Vec::new(),
        };
        entries.extend([("lix", self.lix), ("rix", self.rix)].map(number));
        entries
    }

    /// How easy the text is on a scale from 0 to 100.
    ///
    /// English: Flesch reading ease, Spanish: Fernández Huerta, both cut off at 0 and 100. Other languages: 140 - 2 LIX, cut
    /// off likewise; it puts Björnsson's bands (below 30 very easy, 40 easy, 50 medium, 60 hard) at 80, 60, 40 and 20. A
    /// text without words: 0.
    #[must_use]
    pub fn readability_score(&self, counts: &Counts) -> f64 {
        let score = match &self.language {
            _ if counts.words == 0 => 0.0,
            LanguageMetrics::English(english) => english.flesch_reading_ease,
            LanguageMetrics::Spanish(spanish) => spanish.fernandez_huerta,
            LanguageMetrics::Other => 140.0 - 2.0 * self.lix,
        };
        score.clamp(0.0, 100.0)
    }
}

impl EnglishMetrics {
    fn of(means: &Means) -> Self {
        if means.is_empty() {
            return Self::default();
        }
        Self {
            flesch_reading_ease: 206.835 - 1.015 * means.words_per_sentence - 84.6 * means.syllables_per_word,
            flesch_kincaid_grade: 0.39 * means.words_per_sentence + 11.8 * means.syllables_per_word - 15.59,
            gunning_fog: 0.4 * (means.words_per_sentence + means.percent_hard),
            smog: 3.1291 + 1.0430 * (30.0 * means.polysyllables_per_sentence).sqrt(),
            ari: 4.71 * means.letters_per_word + 0.5 * means.words_per_sentence - 21.43,
            coleman_liau: 5.88 * means.letters_per_word - 29.6 * means.sentences_per_word - 15.8,
        }
    }

    const fn entries(&self) -> [(&'static str, f64); 6] {
        [
            ("flesch_reading_ease", self.flesch_reading_ease),
            ("flesch_kincaid_grade", self.flesch_kincaid_grade),
            ("gunning_fog", self.gunning_fog),
            ("smog", self.smog),
            ("ari", self.ari),
            ("coleman_liau", self.coleman_liau),
        ]
    }
}

impl SpanishMetrics {
    fn of(means: &Means) -> Self {
        if means.is_empty() {
            return Self {
                fernandez_huerta: 0.0,
                szigriszt_pazos: 0.0,
                inflesz: InfleszBand::of(0.0),
                gutierrez_polini: 0.0,
                crawford: 0.0,
            };
        }
        let szigriszt_pazos = 206.835 - 62.3 * means.syllables_per_word - means.words_per_sentence;
        Self {
            fernandez_huerta: 206.84 - 60.0 * means.syllables_per_word - 1.02 * means.words_per_sentence,
            szigriszt_pazos,
            inflesz: InfleszBand::of(szigriszt_pazos),
            gutierrez_polini: 95.2 - 9.7 * means.letters_per_word - 0.35 * means.words_per_sentence,
            crawford: -20.5 * means.sentences_per_word + 4.9 * means.syllables_per_word - 3.407,
        }
    }

    const fn entries(&self) -> [(&'static str, MetricValue); 5] {
        [
            ("fernandez_huerta", MetricValue::Number(self.fernandez_huerta)),
            ("szigriszt_pazos", MetricValue::Number(self.szigriszt_pazos)),
            ("inflesz", MetricValue::Band(self.inflesz.as_str())),
            ("gutierrez_polini", MetricValue::Number(self.gutierrez_polini)),
            ("crawford", MetricValue::Number(self.crawford)),
        ]
    }
}

impl InfleszBand {
    /// The band of an index of Szigriszt Pazos. A value on a border belongs to the easier band.
    #[must_use]
    pub fn of(szigriszt_pazos: f64) -> Self {
        match szigriszt_pazos {
            index if index >= 80.0 => Self::VeryEasy,
            index if index >= 65.0 => Self::FairlyEasy,
            index if index >= 55.0 => Self::Normal,
            index if index >= 40.0 => Self::SomewhatHard,
            _ => Self::VeryHard,
        }
    }

    /// The band's name as published.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VeryHard => "muy difícil",
            Self::SomewhatHard => "algo difícil",
            Self::Normal => "normal",
            Self::FairlyEasy => "bastante fácil",
            Self::VeryEasy => "muy fácil",
        }
    }
}

/// The quotients that the formulas are made of. All are 0 for a text without words.
#[derive(Debug, Clone, Copy)]
struct Means {
    words_per_sentence: f64,
    sentences_per_word: f64,
    syllables_per_word: f64,
    letters_per_word: f64,
    polysyllables_per_sentence: f64,
    long_words_per_sentence: f64,
    percent_hard: f64,
    percent_long: f64,
}

impl Means {
    fn of(counts: &Counts) -> Self {
        Self {
            words_per_sentence: share(counts.words, counts.sentences),
            sentences_per_word: share(counts.sentences, counts.words),
            syllables_per_word: share(counts.syllables, counts.words),
            letters_per_word: share(counts.letters, counts.words),
            polysyllables_per_sentence: share(counts.polysyllables, counts.sentences),
            long_words_per_sentence: share(counts.long_words, counts.sentences),
            percent_hard: 100.0 * share(counts.hard_words, counts.words),
            percent_long: 100.0 * share(counts.long_words, counts.words),
        }
    }

    fn is_empty(&self) -> bool {
        self.words_per_sentence <= 0.0
    }
}
