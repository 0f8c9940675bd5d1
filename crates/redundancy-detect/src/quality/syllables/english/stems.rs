//! English stems whose spelling misleads the rules. A stem stands for all words that begin with it.

/// Stems, and what to add to the syllables that the rules find; sorted. A stem with nothing to add is there to shield its
/// words from a shorter stem.
#[rustfmt::skip] // One stem to a line would take three screens.
const STEMS: &[(&str, isize)] = &[
    ("aborigine", 1), ("acme", 1), ("acne", 1), ("adobe", 1), ("aisle", -1), ("albeit", 1), ("alien", 1),
    ("ambigui", 1), ("apache", 1), ("apostrophe", 1), ("argua", 1), ("argue", 1), ("argui", 1),
    ("australia", -1), ("australian", 0), ("beforehand", -1), ("beloved", 1), ("business", -1), ("cafe", 1),
    ("cafet", 0), ("cafey", 0), ("california", -1), ("catastrophe", 1), ("caveat", 1), ("chocolate", -1),
    ("coalesc", 1), ("cocoa", -1), ("colonel", -1), ("conscientious", 1), ("coyote", 1), ("crooked", 1),
    ("diabetes", 1), ("diamond", -1), ("embed", 1), ("embedd", 0), ("evening", -1), ("every", -1),
    ("farewell", -1), ("finale", 1), ("forensic", 1), ("forever", 1), ("genius", -1), ("genre", 1),
    ("giant", 1), ("hereby", -1), ("heroin", 1), ("iceland", -1), ("infrared", 1), ("initiative", -1),
    ("invaluabl", -1), ("isle", -1), ("jagged", 1), ("jose", 1), ("joseph", 0), ("juan", -1), ("karate", 1),
    ("koala", 1), ("linea", 1), ("louis", 1), ("maybe", 1), ("moreover", -1), ("naiv", 1), ("naked", 1),
    ("nevertheless", 1), ("nonetheless", 1), ("nuclei", 1), ("oneself", -1), ("parliament", -1),
    ("placebo", 1), ("placenta", 1), ("psyche", 1), ("ragged", 1), ("recipe", 1), ("resilien", -1),
    ("rugged", 1), ("sesame", 1), ("sierra", 1), ("simile", 1), ("suicid", 1), ("tilde", 1), ("ukulele", 1),
    ("vacuum", -1), ("valuabl", -1), ("vegetable", -1), ("vehement", 1), ("verbiage", 1), ("vineyard", -1),
    ("wednesday", -1), ("wherever", 1), ("wicked", 1), ("william", -1), ("wretched", 1),
];

/// What to add to the count of `word`: what the longest listed stem that it begins with asks for. A handful of comparisons.
pub(super) fn correction(word: &[u8]) -> isize {
    // All prefixes of a word sort before it, the longest last, and share its first letter.
    let until = STEMS.partition_point(|(stem, _)| stem.as_bytes() <= word);
    let before = STEMS.get(..until).unwrap_or_default().iter().rev();
    before
        .take_while(|(stem, _)| stem.as_bytes().first() == word.first())
        .find(|(stem, _)| word.starts_with(stem.as_bytes()))
        .map_or(0, |&(_, correction)| correction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_sorted_for_the_binary_search() {
        assert!(STEMS.is_sorted());
    }

    #[test]
    fn the_longest_stem_decides() {
        assert_eq!(correction(b"australia"), -1);
        assert_eq!(correction(b"australians"), 0);
        assert_eq!(correction(b"austral"), 0);
    }
}
