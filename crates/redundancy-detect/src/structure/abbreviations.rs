//! Words before a full stop that does not (or need not) end a sentence, in English and Spanish. Lists are short on purpose:
//! they hold what is common in edited prose, and a word that is missing costs one sentence too many, nothing more.

/// What a full stop behind a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ends the sentence.
    Always,
    /// It belongs to the word: a title or a reference that wants something behind it.
    Never,
    /// It ends the sentence when a capital letter follows.
    BeforeCapital,
    /// It ends the sentence only when a word follows that usually begins one: `U.S. Senate`, but `U.S. The`.
    BeforeStarter,
}

/// Titles and references, in lower case, sorted.
const NEVER: &[&str] = &[
    "adm", "approx", "arq", "art", "arts", "av", "avda", "brig", "cap", "capt", "cf", "cmdr", "cnel", "col",
    "cpt", "ctra", "d", "da", "dept", "dna", "dr", "dra", "dres", "dña", "e.g", "ed", "eds", "ej", "excmo",
    "fig", "figs", "fr", "gen", "gov", "gral", "hon", "i.e", "ilmo", "ing", "lib", "lic", "lt", "maj",
    "messrs", "mlle", "mme", "mr", "mrs", "ms", "mt", "n.º", "no", "nos", "ntra", "nº", "núm", "núms", "p",
    "p.e", "p.ej", "pp", "pres", "prof", "profa", "pza", "pág", "págs", "rep", "rev", "sec", "sen", "sgt",
    "sr", "sra", "sras", "sres", "srta", "st", "sta", "sto", "tel", "tfno", "tte", "ud", "uds", "v", "vd",
    "vds", "vid", "viz", "vol", "vols", "vs",
];

/// Words that may end a sentence, in lower case, sorted.
const BEFORE_CAPITAL: &[&str] = &[
    "a.m",
    "aero",
    "al",
    "apr",
    "aug",
    "bros",
    "co",
    "corp",
    "cía",
    "dec",
    "etc",
    "etcétera",
    "feb",
    "inc",
    "jan",
    "jr",
    "jul",
    "jun",
    "ltd",
    "ltda",
    "mar",
    "nov",
    "oct",
    "p.m",
    "ph.d",
    "sep",
    "sept",
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

/// What a full stop behind `word` means; `word` comes without that stop.
pub(super) fn ending(word: &str) -> Ending {
    let lower = word.to_lowercase();
    if is_acronym(word) && NEVER.binary_search(&lower.as_str()).is_err() {
        return if word == "I" { Ending::Always } else { Ending::BeforeStarter };
    }
    if NEVER.binary_search(&lower.as_str()).is_ok() {
        Ending::Never
    } else if BEFORE_CAPITAL.binary_search(&lower.as_str()).is_ok() {
        Ending::BeforeCapital
    } else {
        Ending::Always
    }
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
        for list in [NEVER, BEFORE_CAPITAL, STARTERS] {
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
            ("etc", Ending::BeforeCapital),
            ("U.S", Ending::BeforeStarter),
            ("UU", Ending::BeforeStarter),
            ("K", Ending::BeforeStarter),
            ("I", Ending::Always),
            ("house", Ending::Always),
            ("", Ending::Always),
        ] {
            assert_eq!(ending(word), expected, "{word}");
        }
    }
}
