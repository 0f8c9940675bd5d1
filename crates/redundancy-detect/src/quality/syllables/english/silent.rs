//! Letters `e` that are written and not spoken in English: at the end of a word, before an ending, and inside compounds.

use super::vowels::{is_vowel, is_vowel_letter, letter};

/// First parts of compounds that keep their silent `e`, sorted: `home-work`, `time-out`, `some-one`.
const FIRST_PARTS: &[&str] = &[
    "base", "care", "case", "cheese", "code", "eye", "face", "file", "fire", "fore", "frame", "game", "gate",
    "guide", "home", "horse", "house", "knife", "life", "like", "lime", "line", "live", "love", "make",
    "mile", "name", "nine", "note", "peace", "pipe", "place", "police", "price", "ridge", "rose", "safe",
    "sales", "score", "shake", "shape", "share", "side", "some", "space", "spokes", "stage", "stake",
    "state", "stone", "store", "strike", "take", "there", "time", "trade", "tube", "type", "voice", "ware",
    "waste", "wave", "where", "white", "whole", "wide", "wine", "wire", "wise",
];

/// Endings before which an `e` is silent: `safely`, `movement`, `hopeful`.
const ENDINGS: &[&str] = &[
    "ful", "fully", "fulness", "less", "lessly", "lessness", "liness", "ly", "ment", "ments", "ness", "some",
    "thing", "where",
];

/// A word of two parts, the first of which ends in a silent letter: `some` and `thing` of `something`.
pub(super) fn compound(word: &[u8]) -> Option<(&[u8], &[u8])> {
    // Most words begin with none of the parts, and a look at one letter tells so for most of them.
    let possible = FIRST_PARTS.iter().filter(|part| part.as_bytes().first() == word.first());
    possible.map(|part| part.as_bytes()).find_map(|part| {
        let rest = word.strip_prefix(part)?;
        // `timer`, `wired` and `homeric` are no compounds; `sidereal` shows why `r` is left out.
        let starts_a_word = letter(rest, 0) != b'r' && rest.len() > 1;
        let has_vowel =
            (0..rest.len()).any(|i| is_vowel(rest, i) && !(i + 1 == rest.len() && letter(rest, i) == b'e'));
        (starts_a_word && has_vowel).then(|| word.split_at(part.len()))
    })
}

/// Whether the last `e` of `word` is silent: `made`, `makes`, `asked`; not `table`, `places`, `wanted`, `the`.
pub(super) fn final_e(word: &[u8]) -> bool {
    let (stem, ending) = if let Some(stem) = word.strip_suffix(b"es") {
        (stem, b's')
    } else if let Some(stem) = word.strip_suffix(b"ed") {
        (stem, b'd')
    } else if let Some(stem) = word.strip_suffix(b"e") {
        (stem, b'e')
    } else {
        return false;
    };
    let Some(last) = stem.len().checked_sub(1) else {
        return false;
    };
    let only_vowel = !stem.iter().any(|&b| is_vowel_letter(b));
    if only_vowel || is_vowel(word, last) || is_syllabic(stem, ending) {
        return false;
    }
    match ending {
        b's' => !word.strip_suffix(b"s").is_some_and(needs_vowel_before_s),
        b'd' => !matches!(letter(stem, last), b't' | b'd'),
        _ => true,
    }
}

/// Whether the consonants that `stem` ends in make a syllable with the `e` behind them: `tab-le`, `cent-re`, `hund-red`.
fn is_syllabic(stem: &[u8], ending: u8) -> bool {
    let (Some(last), Some(before)) = (stem.len().checked_sub(1), stem.len().checked_sub(2)) else {
        return false;
    };
    match letter(stem, last) {
        b'l' => !is_vowel(stem, before) && !matches!(letter(stem, before), b'l' | b'r' | b'w'),
        b'r' if ending == b'd' => !is_vowel(stem, before) && letter(stem, before) != b'r',
        b'r' => matches!(letter(stem, before), b't' | b'c' | b'b' | b'g' | b'h' | b'd'),
        _ => false,
    }
}

/// Whether an `s` behind `word` is spoken with a vowel: `boss's`, `churches`, `places`; not `she's`.
pub(super) fn needs_vowel_before_s(word: &[u8]) -> bool {
    let hissing = [&b"s"[..], b"x", b"z", b"ch", b"sh", b"c", b"g"];
    match word.strip_suffix(b"e") {
        Some(stem) => final_e(word) && hissing.iter().any(|&end| stem.ends_with(end)),
        None => hissing.iter().take(5).any(|&end| word.ends_with(end)),
    }
}

/// Whether an `e` before one of [`ENDINGS`] is silent: `like-ly`, but `e-le-ment` and `sett-le-ment`.
pub(super) fn inner_e(word: &[u8]) -> bool {
    ENDINGS.iter().any(|ending| {
        let stem = word.strip_suffix(ending.as_bytes()).unwrap_or_default();
        let spoken = ending.starts_with("ment") && stem.ends_with(b"le");
        stem.ends_with(b"e") && final_e(stem) && !spoken
    })
}
