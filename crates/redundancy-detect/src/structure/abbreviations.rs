//! Words before a full stop that does not (or need not) end a sentence, in English and Spanish. Lists are short on purpose:
//! they hold what is common in edited prose, and a word that is missing costs one sentence too many, nothing more.

use std::borrow::Cow;

/// What a full stop behind a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ends the sentence.
    Always,
    /// It belongs to the word: a title or a reference that wants something behind it.
    Never,
    /// It ends the sentence unless a number follows: `no. 5` and `art. IV`, but `She said no.` and `modern art.`
    UnlessNumber,
    /// It ends the sentence when a capital letter follows.
    BeforeCapital,
    /// It ends the sentence only when a word follows that usually begins one: `U.S. Senate`, but `U.S. The`.
    BeforeStarter,
}

/// What a full stop means behind a word that is listed here, by its lower case. A `match`, and no list to search: it compares lengths
/// first.
fn listed(lower: &str) -> Option<Ending> {
    Some(match lower {
        // Titles and references.
        "abog" | "adm" | "approx" | "arq" | "av" | "avda" | "brig" | "capt" | "cf" | "cmdr" | "cnel"
        | "cpt" | "ctra" | "dept" | "dpto" | "dr" | "dra" | "dres" | "dña" | "e.g" | "econ" | "eds"
        | "ej" | "excmo" | "fig" | "figs" | "gral" | "i.e" | "ilmo" | "inc" | "ing" | "lic" | "lt"
        | "messrs" | "mg" | "mlle" | "mme" | "mr" | "mrs" | "mz" | "n.º" | "nro" | "nros" | "ntra" | "nº"
        | "núm" | "núms" | "p.e" | "p.ej" | "prof" | "profa" | "pza" | "pág" | "págs" | "rev" | "s/"
        | "sgt" | "sr" | "sra" | "sras" | "sres" | "srta" | "sta" | "sto" | "tel" | "telef" | "telf"
        | "teléf" | "tfno" | "tte" | "urb" | "viz" | "vs" => Ending::Never,
        // References that are words of their own where no number follows.
        "art" | "arts" | "cap" | "ed" | "lib" | "no" | "nos" | "p" | "pp" | "sec" | "vol" | "vols" => {
            Ending::UnlessNumber
        }
        // Words that may end a sentence.
        "a.m" | "aero" | "al" | "apr" | "aug" | "bros" | "co" | "corp" | "cía" | "dec" | "etc"
        | "etcétera" | "feb" | "jan" | "jul" | "jun" | "ltd" | "ltda" | "mar" | "nov" | "oct" | "p.m"
        | "ph.d" | "sep" | "sept" | "ud" | "uds" | "vd" | "vds" => Ending::BeforeCapital,
        _ => return None,
    })
}

/// Titles that are words of their own, or units, when they are not capitalised; as they are written, sorted.
const CAPITALISED_TITLES: &[&str] =
    &["Col", "Fr", "Gen", "Gov", "Hon", "Maj", "Ms", "Mt", "Pres", "Rep", "Sen"];

/// Words whose capital letter is a name and no initial (`vitamin C`), in lower case, sorted.
const LABELS: &[&str] = &[
    "anexo",
    "appendix",
    "case",
    "caso",
    "clase",
    "class",
    "exhibit",
    "grade",
    "grado",
    "group",
    "grupo",
    "hepatitis",
    "km",
    "lista",
    "object",
    "opción",
    "option",
    "part",
    "parte",
    "plan",
    "point",
    "project",
    "protocol",
    "proyecto",
    "punto",
    "schedule",
    "sección",
    "section",
    "team",
    "tipo",
    "type",
    "título",
    "variable",
    "vitamin",
    "vitamina",
    "vitaminas",
    "vitamins",
    "zona",
    "zone",
];

/// Words that usually begin a sentence and seldom a name, in English and Spanish, sorted.
const STARTERS: &[&str] = &[
    "A", "After", "Al", "Although", "An", "And", "As", "At", "Aunque", "But", "Como", "Con", "Cuando", "De",
    "Desde", "Después", "During", "El", "Ella", "Ellos", "En", "Entonces", "Era", "Es", "Esa", "Ese", "Esta",
    "Este", "Esto", "For", "From", "He", "Her", "His", "How", "However", "I", "If", "In", "It", "Its", "La",
    "Las", "Lo", "Los", "Mientras", "Muchos", "No", "On", "Para", "Pero", "Por", "Que", "Se", "She", "Si",
    "Sin", "So", "Some", "Su", "Sus", "También", "That", "The", "Their", "Then", "There", "These", "They",
    "This", "Those", "To", "Todo", "Tras", "Un", "Una", "We", "What", "When", "Where", "While", "Why",
    "With", "Y", "Ya", "You",
];

/// What a full stop behind `word` means, which stands behind `previous`; `word` comes without that stop.
pub(super) fn ending(previous: &str, word: &str) -> Ending {
    let is_lower = word.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    let lower = if is_lower { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) };
    if is_acronym(word) {
        acronym_ending(previous, word)
    } else if word == "Inc" {
        // The company; in lower case it is the Spanish "inciso".
        Ending::BeforeCapital
    } else if lower == "jr" {
        // "Smith Jr." stands behind a name, the Spanish "jirón" before one.
        if previous.starts_with(char::is_uppercase) { Ending::BeforeCapital } else { Ending::Never }
    } else if word == "St" || word == "v" {
        // Before a name these are "Saint" and "versus"; else they are "Street" and a symbol.
        Ending::BeforeStarter
    } else if !is_lower && CAPITALISED_TITLES.binary_search(&word).is_ok() {
        Ending::Never
    } else {
        listed(&lower).unwrap_or(Ending::Always)
    }
}

/// Whether `next`, behind the reference `word` and its full stop, is the number that belongs to it: digits or a Roman
/// numeral. `I` is one behind `Art.` and `Cap.`, but the pronoun behind `No.` and behind a word in lower case.
pub(super) fn is_number_of(word: &str, next: &str) -> bool {
    let roman = !next.is_empty() && next.bytes().all(|b| b"IVXLCDM".contains(&b));
    next.starts_with(char::is_numeric)
        || roman && (next != "I" || word != "No" && word.starts_with(char::is_uppercase))
}

/// What a full stop behind an acronym or an initial means. Nearly always one belongs to a name (`del P. López`), except
/// behind a word that letters are given to.
fn acronym_ending(previous: &str, word: &str) -> Ending {
    let labelled = word.len() == 1 && LABELS.binary_search(&previous.to_lowercase().as_str()).is_ok();
    if word == "I" || labelled { Ending::Always } else { Ending::BeforeStarter }
}

/// Whether a sentence usually begins with `word`.
pub(super) fn is_starter(word: &str) -> bool {
    STARTERS.binary_search(&word).is_ok()
}

/// An initial (`J`), letters with stops between them (`U.S`, `S.A`), or one half of a Spanish plural (`EE`, `UU`).
fn is_acronym(word: &str) -> bool {
    let mut parts = word.split('.');
    let single = |part: &str| part.chars().count() == 1 && part.starts_with(char::is_uppercase);
    let doubled = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next();
        first.is_some_and(char::is_uppercase) && letters.next() == first && letters.next().is_none()
    };
    parts.all(|part| single(part) || doubled(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_for_the_binary_search() {
        for list in [CAPITALISED_TITLES, LABELS, STARTERS] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            assert_eq!(list, sorted);
        }
    }

    #[test]
    fn kinds_of_words_are_told_apart() {
        for (word, expected) in [
            ("Mrs", Ending::Never),
            ("pág", Ending::Never),
            ("no", Ending::UnlessNumber),
            ("Rep", Ending::Never),
            ("rep", Ending::Always),
            ("DNA", Ending::Always),
            ("etc", Ending::BeforeCapital),
            ("U.S", Ending::BeforeStarter),
            ("UU", Ending::BeforeStarter),
            ("K", Ending::BeforeStarter),
            ("I", Ending::Always),
            ("house", Ending::Always),
            ("", Ending::Always),
        ] {
            assert_eq!(ending("", word), expected, "{word}");
        }
    }

    #[test]
    fn only_numbers_belong_to_a_reference() {
        for (word, next, expected) in [
            ("no", "5", true),
            ("art", "IV", true),
            ("Cap", "I", true),
            ("No", "I", false),
            ("art", "I", false),
            ("no", "Then", false),
            ("no", "", false),
        ] {
            assert_eq!(is_number_of(word, next), expected, "{word}. {next}");
        }
    }
}
