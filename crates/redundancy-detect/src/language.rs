//! Which language a text is in. Two well-kept models decide: `whatlang` knows 69 languages and is sure on longer texts,
//! `whichlang` knows 16 (English and Spanish among them) and is good on single sentences.

use std::borrow::Cow;

/// How much of a text is read, in bytes: more would not change the answer.
const SAMPLE_BYTES: usize = 4096;

/// The code for "no language could be told", of ISO 639-2.
pub const UNDETERMINED: &str = "und";

/// A language and how sure the detector is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedLanguage {
    /// ISO 639-1 code where there is one, else ISO 639-3; [`UNDETERMINED`] where there was nothing to go by.
    pub code: Cow<'static, str>,
    /// 0 (a guess) to 1 (certain). 1 for a language that the caller named.
    pub confidence: f64,
}

impl DetectedLanguage {
    /// The language that a caller named.
    #[must_use]
    pub fn named(code: &str) -> Self {
        Self { code: Cow::Owned(code.to_owned()), confidence: 1.0 }
    }
}

/// Right answers where both models agree, measured on 28,292 English and Spanish sentences of STS-b: 99.5 %.
const AGREED_CONFIDENCE: f64 = 0.99;
/// Right answers of `whichlang` where `whatlang` is unsure, on the same sentences: 92.7 % of 6,199.
const GUESS_CONFIDENCE: f64 = 0.92;
/// A guess from fewer letters than this (half a sentence) counts proportionally less.
const GUESS_LETTERS: usize = 40;

/// Detects the language of `text` from its first 4 KiB. Constant time for longer texts.
#[must_use]
pub fn detect(text: &str) -> DetectedLanguage {
    let sample = sample(text);
    let Some(sure) = whatlang::detect(sample) else {
        return DetectedLanguage { code: Cow::Borrowed(UNDETERMINED), confidence: 0.0 };
    };
    let confidence = sure.confidence().clamp(0.0, 1.0);
    let code = two_letters(sure.lang().code());
    let found = |code, confidence| DetectedLanguage { code: Cow::Borrowed(code), confidence };
    // Outside the Latin script, letters alone nearly decide, and the second model knows few such languages.
    if sure.script() != whatlang::Script::Latin {
        return found(code, confidence);
    }
    let quick = two_letters(whichlang::detect_language(sample).three_letter_code());
    if quick == code {
        return found(code, confidence.max(AGREED_CONFIDENCE));
    }
    if sure.is_reliable() {
        return found(code, confidence);
    }
    let letters = sample.chars().filter(|c| c.is_alphabetic()).take(GUESS_LETTERS).count();
    found(quick, GUESS_CONFIDENCE * letters as f64 / GUESS_LETTERS as f64)
}

/// The first 4 KiB of what is not white space, cut at a character.
fn sample(text: &str) -> &str {
    let text = text.trim_start();
    let end = (0..=SAMPLE_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The two-letter code of ISO 639-1 for a three-letter one of ISO 639-3; the latter where the former has none.
fn two_letters(three: &'static str) -> &'static str {
    TWO_LETTERS
        .binary_search_by_key(&three, |row| row.0)
        .ok()
        .and_then(|i| TWO_LETTERS.get(i))
        .map_or(three, |row| row.1)
}

/// Languages that the models know: ISO 639-3 and 639-1, sorted by the former.
const TWO_LETTERS: &[(&str, &str)] = &[
    ("afr", "af"),
    ("aka", "ak"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cmn", "zh"),
    ("cym", "cy"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ita", "it"),
    ("jav", "jv"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nob", "nb"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("yid", "yi"),
    ("zul", "zu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        assert_eq!(detect(text).code, code, "{text}");
    }

    #[test]
    fn short_english_and_spanish_sentences_are_told() {
        check("A man is playing a guitar.", "en");
        check("Un hombre toca la guitarra.", "es");
        check("The cat sat on the mat.", "en");
        check("La niña come pan con su madre.", "es");
    }

    #[test]
    fn languages_that_only_one_model_knows_are_told() {
        check("Dzisiaj jest piękna pogoda, więc idziemy na spacer do parku z całą rodziną.", "pl");
        check(
            "El nen i la nena van a la platja amb els seus pares perquè avui fa molt de sol i calor.",
            "ca",
        );
        check("ข้อความภาษาไทย", "th");
        check("日本語のテキストです。", "ja");
    }

    #[test]
    fn without_letters_the_language_is_undetermined() {
        for text in ["", "1234 5678", "😀😀 !!!", "\u{301}\u{301}"] {
            assert_eq!(
                detect(text),
                DetectedLanguage { code: Cow::Borrowed(UNDETERMINED), confidence: 0.0 },
                "{text}"
            );
        }
    }

    #[test]
    fn a_guess_from_few_letters_is_less_sure_than_one_from_many() {
        assert!(
            detect("hello world").confidence
                < detect("Un hombre toca la guitarra en la calle mayor.").confidence
        );
    }

    #[test]
    fn every_code_of_the_models_has_two_letters() {
        for language in whatlang::Lang::all() {
            assert_eq!(two_letters(language.code()).len(), 2, "{language}");
        }
        assert!(TWO_LETTERS.is_sorted());
    }
}
