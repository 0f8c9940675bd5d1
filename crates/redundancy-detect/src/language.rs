//! Which language a text is in. Two well-kept models decide: `whatlang` knows 69 languages and is sure on longer texts,
//! `whichlang` knows 16 (English and Spanish among them) and is good on single sentences.
//!
//! Asked about 1 KB, both together would take longer than everything else that is told of it. Where a text is full of words that
//! every English or Spanish text has, and no other language, `whatlang` is not asked, and `whichlang` only about a few lines.

mod codes;

use crate::span::Span;
use crate::text::Text;
use codes::{known, two_letters};
use std::borrow::Cow;

/// How many bytes are read at each of three places of a long text.
const WINDOW_BYTES: usize = 2048;

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
    /// The language that a caller named, by a code of ISO 639-1 or 639-3; the former is given back where there is one.
    #[must_use]
    pub fn named(code: &str) -> Self {
        Self { code: known(code).map_or_else(|| Cow::Owned(code.to_owned()), Cow::Borrowed), confidence: 1.0 }
    }
}

/// Right answers where both models agree, measured on English and Spanish sentences of STS-b: 99.5 % of 28,298.
const AGREED_CONFIDENCE: f64 = 0.99;
/// Right answers of `whichlang` where `whatlang` is unsure, on the same sentences: 93.4 % of 6,197.
const GUESS_CONFIDENCE: f64 = 0.93;
/// What is found in fewer letters than this (half a sentence) is proportionally less sure.
const SURE_LETTERS: usize = 40;

/// Words of English that Dutch, German and the languages of the North do not have, and words of Spanish that Portuguese, Galician,
/// Catalan and Italian do not have, in lower case, among the most frequent ones.
const TELLING_WORDS: [(whichlang::Lang, &str, &[&str]); 2] = [
    (
        whichlang::Lang::Eng,
        "en",
        &["the", "and", "to", "that", "with", "which", "this", "from", "are", "not", "it", "they", "you"],
    ),
    (
        whichlang::Lang::Spa,
        "es",
        &["y", "los", "las", "su", "sus", "más", "pero", "fue", "muy", "también", "cuando", "hay"],
    ),
];
/// So many telling words must stand in a text.
const LEAST_TELLING: usize = 5;
/// At least one word of so many must be a telling one.
const TELLING_AMONG: usize = 20;
/// How many bytes at each of three places of such a text `whichlang` must agree about.
const AGREED_BYTES: usize = 64;

/// Detects the language of `text`: the one that prevails in its first, middle and last 2 KiB. Longer texts take no longer,
/// but for the white space at their ends and a byte for each distinct word.
#[must_use]
pub fn detect(text: &Text<'_>) -> DetectedLanguage {
    if let Some(code) = told_by_words(text) {
        let letters =
            windows(text.source(), WINDOW_BYTES).flat_map(|window| window.slice(text.source()).chars());
        let confidence = AGREED_CONFIDENCE * share_of_sure(letters);
        return DetectedLanguage { code: Cow::Borrowed(code), confidence };
    }
    let sample = &sample(text.source());
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
        return found(code, confidence.max(AGREED_CONFIDENCE) * share_of_sure(sample.chars()));
    }
    if sure.is_reliable() {
        return found(code, confidence);
    }
    found(quick, GUESS_CONFIDENCE * share_of_sure(sample.chars()))
}

/// How many letters there are, of as many as it takes to be sure.
fn share_of_sure(chars: impl Iterator<Item = char>) -> f64 {
    let letters = chars.filter(|c| c.is_alphabetic()).take(SURE_LETTERS).count();
    letters as f64 / SURE_LETTERS as f64
}

/// The code of the language whose frequent words, which others do not have, stand in the text often enough, if `whichlang` says
/// the same of a few lines of it.
fn told_by_words(text: &Text<'_>) -> Option<&'static str> {
    // For each word of the vocabulary the language it tells of, counted from 1: in bytes, for there can be very many of them.
    let mut telling = vec![0_u8; text.vocabulary().len()];
    for (language, (.., words)) in (1..).zip(&TELLING_WORDS) {
        for id in words.iter().filter_map(|word| text.vocabulary().find(word)) {
            if let Some(tells) = telling.get_mut(id.index()) {
                *tells = language;
            }
        }
    }
    let (mut words, mut found) = (0, [0; TELLING_WORDS.len()]);
    for window in windows(text.source(), WINDOW_BYTES) {
        for word in text.words_in(window) {
            words += 1;
            let language =
                telling.get(word.id.index()).and_then(|&language| usize::from(language).checked_sub(1));
            if let Some(found) = language.and_then(|language| found.get_mut(language))
                && stands_alone(text.source(), word.span())
            {
                *found += 1;
            }
        }
    }
    let enough = |&(found, _): &(usize, _)| found >= LEAST_TELLING && found * TELLING_AMONG >= words;
    let mut enough = found.into_iter().zip(&TELLING_WORDS).filter(enough);
    // Where both have enough of them, one is a part of the other, and it takes the models to say which prevails.
    let (Some((_, &(language, code, _))), None) = (enough.next(), enough.next()) else { return None };
    let lines = windows(text.source(), AGREED_BYTES).map(|window| window.slice(text.source()));
    (whichlang::detect_language(&joined(lines, 3 * AGREED_BYTES)) == language).then_some(code)
}

/// Whether there is white space or nothing on both sides: what stands in an address is no word of its language.
fn stands_alone(source: &str, word: Span) -> bool {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let bytes = source.as_bytes();
    word.start.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(is_space)
        && bytes.get(word.end).is_none_or(is_space)
}

/// What is read of `text`: all of a short one; of a long one its beginning, its middle and its end, since a text may begin
/// with a licence or a notice in another language. Addresses, paths and codes are left out, for their letters belong to
/// no language, unless there is nothing else.
fn sample(text: &str) -> String {
    let windows: Vec<Span> = windows(text, WINDOW_BYTES).collect();
    let words = windows.iter().flat_map(|window| window.slice(text).split_whitespace());
    let bytes = windows.iter().map(|window| window.len()).sum();
    let sample = joined(words.clone().filter(|word| !is_code(word)), bytes);
    if sample.contains(char::is_alphabetic) { sample } else { joined(words, bytes) }
}

/// `pieces`, of about `bytes` bytes in all, with one space between them.
fn joined<'t>(pieces: impl Iterator<Item = &'t str>, bytes: usize) -> String {
    let mut joined = String::with_capacity(bytes);
    for piece in pieces {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(piece);
    }
    joined
}

/// All of a text that is no longer than three windows of `bytes`; else three of them. White space at the ends of the text is left out.
fn windows(text: &str, bytes: usize) -> impl Iterator<Item = Span> {
    let begin = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(begin);
    let last = end.saturating_sub(bytes);
    let whole = end - begin <= 3 * bytes;
    let starts = if whole { [begin, end, end] } else { [begin, begin + (last - begin) / 2, last] };
    starts.into_iter().map(move |start| {
        let window_end = if whole { end } else { start + bytes };
        Span::new(text.ceil_char_boundary(start), text.floor_char_boundary(window_end))
    })
}

/// Whether a word looks like an address, a path or a code. Only words in ASCII do: where no spaces are written, a
/// whole paragraph with a digit in it would be one word.
fn is_code(word: &str) -> bool {
    word.is_ascii() && word.bytes().any(|b| matches!(b, b'/' | b'@' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(text: &str) -> DetectedLanguage {
        super::detect(&Text::new(text).unwrap())
    }

    fn told_by_words(text: &str) -> Option<&'static str> {
        super::told_by_words(&Text::new(text).unwrap())
    }

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

    /// The first article of the Universal Declaration of Human Rights, whose translations are free to use.
    #[test]
    fn languages_beside_english_and_spanish_are_not_taken_for_them() {
        for (code, article) in [
            (
                "es",
                "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
            ),
            (
                "en",
                "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
            ),
            (
                "pt",
                "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem agir uns para com os outros em espírito de fraternidade.",
            ),
            (
                "ca",
                "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de consciència, i han de comportar-se fraternalment els uns amb els altres.",
            ),
            (
                "ca",
                "El gat és en un terrat i el gos es mira el gat des d'un racó. En Pere diu que el gat no hi és, però el gos és en un racó i es mira el terrat.",
            ),
            (
                "it",
                "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
            ),
            (
                "fr",
                "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
            ),
            (
                "nl",
                "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",
            ),
            (
                "af",
                "Alle menslike wesens word vry, met gelyke waardigheid en regte, gebore. Hulle het rede en gewete en behoort in die gees van broederskap teenoor mekaar op te tree.",
            ),
            (
                "de",
                "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
            ),
            (
                "da",
                "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og samvittighed, og de bør handle mod hverandre i en broderskabets ånd.",
            ),
            (
                "ro",
                "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt înzestrate cu rațiune și conștiință și trebuie să se comporte unele față de altele în spiritul fraternității.",
            ),
        ] {
            check(article, code);
            // As long as a text must be for frequent words to speak.
            check(&[article; 6].join(" "), code);
        }
    }

    #[test]
    fn frequent_words_speak_only_where_there_are_enough_and_the_model_says_the_same() {
        let english = "The cat and the dog are not to go to the house.";
        assert_eq!(told_by_words(english), Some("en"));
        assert_eq!(told_by_words("The cat and the dog."), None);
        assert_eq!(told_by_words(&format!("{english} {}", "lorem ".repeat(200))), None);
        let dutch = "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. ".repeat(3);
        assert_eq!(told_by_words(&format!("{dutch} {english}")), None);
        let spanish = "Los vecinos y sus hijos fueron a las fiestas del pueblo, pero no hay más. ".repeat(6);
        assert_eq!(told_by_words(&spanish), Some("es"));
        assert_eq!(told_by_words(&format!("{english} {spanish} {english}")), None);
    }

    #[test]
    fn a_language_named_by_three_letters_is_given_back_with_two() {
        assert_eq!(DetectedLanguage::named("spa"), DetectedLanguage::named("es"));
        assert_eq!(DetectedLanguage::named("tlh").code, "tlh");
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
    fn a_notice_in_another_language_does_not_decide_for_a_long_text() {
        let notice = "This notice is about the rights of the people who may use the text below.\n".repeat(60);
        let body = "La niña come pan con su madre y después se va a la escuela del pueblo.\n".repeat(2500);
        check(&format!("{notice}{body}"), "es");
        check(&format!("{body}{notice}"), "es");
        check(&format!("{}{body}", " ".repeat(10_000)), "es");
    }

    #[test]
    fn addresses_and_codes_do_not_decide() {
        let links = "https://example.org/the/house/of/the/people/who/were/there.html ".repeat(8);
        check(&format!("La casa donde vive la gente del pueblo. {links}"), "es");
        check("https://example.org/which/is/the/only/thing/that/there/is", "en");
        assert_eq!(sample("see a/b c@d.org x2 и/или"), "see и/или");
    }

    #[test]
    fn a_long_text_is_read_at_three_places_and_cut_at_characters() {
        for shift in 0..4 {
            let text = format!("{}{}", "a".repeat(shift), "ñ😀".repeat(100_000));
            let read: Vec<usize> = windows(&text, WINDOW_BYTES).map(Span::len).collect();
            assert!(
                read.len() == 3 && read.iter().all(|&n| (WINDOW_BYTES - 6..=WINDOW_BYTES).contains(&n)),
                "{read:?}"
            );
        }
    }

    #[test]
    fn few_letters_make_agreement_less_sure() {
        let [short, long] =
            ["La niña come.", "La niña come pan con su madre en la casa del pueblo."].map(detect);
        assert_eq!((&*short.code, &*long.code), ("es", "es"));
        assert!(short.confidence < 0.5 && long.confidence >= AGREED_CONFIDENCE, "{short:?} {long:?}");
    }
}
