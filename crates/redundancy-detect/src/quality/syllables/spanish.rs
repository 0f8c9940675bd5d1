//! Syllables of Spanish words. Spelling decides them: the rules are those of the *Ortografía de la lengua española* (RAE and
//! ASALE, 2010) on diphthongs, triphthongs and hiatuses, which hold by convention however a word is spoken.
//!
//! - Two open vowels (a, e, o) are two syllables: `te-a-tro`.
//! - A closed vowel (i, u) without an accent joins the open or closed vowel beside it: `cau-sa`, `ciu-dad`, `guion`.
//! - A closed vowel with an accent stands apart from an open one: `dí-a`, `ba-úl`; not from a closed one: `cuí-date`.
//! - Two equal vowels are two syllables: `le-er`, `chi-i-ta`.
//! - An `h` between vowels changes nothing: `a-ho-ra`, `prohi-bir`, `bú-ho`.
//! - The `u` of `que`, `qui`, `gue` and `gui` is silent, that of `güe` and `güi` is not.
//! - `y` is a vowel at the end of a word and before a consonant: `rey`, `muy`.

/// How many syllables the normalised word `word` has; 0 when it has no vowel. Time linear in its length.
pub(super) fn syllables(word: &str) -> usize {
    let mut count = 0;
    let mut nucleus: Option<Nucleus> = None;
    let mut before = None;
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        let mut ahead = letters.clone();
        let (next, second) = (ahead.next(), ahead.next());
        if let Some(found) = vowel(letter, before, next) {
            let joined = nucleus.filter(|current| current.admits(found));
            count += usize::from(joined.is_none());
            nucleus = Some(Nucleus {
                last: found,
                open: found.is_open() || joined.is_some_and(|current| current.open),
            });
        } else if letter != 'h' || begins_syllable(next, second) {
            nucleus = None;
        }
        before = Some(letter);
    }
    count
}

/// Whether an `h` before `next` and `second` begins a syllable with them: `vi-hue-la`, `a-hie-rro`.
fn begins_syllable(next: Option<char>, second: Option<char>) -> bool {
    matches!(next, Some('i' | 'u')) && second.is_some_and(is_vowel_letter)
}

/// A vowel as far as syllables are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vowel {
    /// a, e, o, with or without an accent; the letter without it.
    Open(char),
    /// i, u, ü, y without an accent; the letter as spoken.
    Closed(char),
    /// í, ú; the letter without the accent.
    Stressed(char),
}

impl Vowel {
    const fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }

    const fn letter(self) -> char {
        match self {
            Self::Open(letter) | Self::Closed(letter) | Self::Stressed(letter) => letter,
        }
    }
}

/// The vowels of a syllable, as far as they have been read.
#[derive(Debug, Clone, Copy)]
struct Nucleus {
    last: Vowel,
    /// Whether one of them is open: there is room for one only.
    open: bool,
}

impl Nucleus {
    /// Whether `next` belongs to the same syllable.
    fn admits(self, next: Vowel) -> bool {
        let apart = matches!(
            (self.last, next),
            (Vowel::Open(_), Vowel::Open(_) | Vowel::Stressed(_)) | (Vowel::Stressed(_), Vowel::Open(_))
        );
        !apart && self.last.letter() != next.letter() && !(self.open && next.is_open())
    }
}

/// The vowel that `letter` is between the letters `before` and `next`, if it is spoken as one.
fn vowel(letter: char, before: Option<char>, next: Option<char>) -> Option<Vowel> {
    Some(match letter {
        'a' | 'á' | 'à' | 'â' | 'ä' | 'ã' => Vowel::Open('a'),
        'e' | 'é' | 'è' | 'ê' | 'ë' => Vowel::Open('e'),
        'o' | 'ó' | 'ò' | 'ô' | 'ö' | 'õ' => Vowel::Open('o'),
        'i' | 'î' | 'ì' => Vowel::Closed('i'),
        'u' if is_silent_u(letter, before, next) => return None,
        'u' | 'ü' | 'û' | 'ù' => Vowel::Closed('u'),
        'y' if !next.is_some_and(is_vowel_letter) => Vowel::Closed('i'),
        'í' | 'ï' => Vowel::Stressed('i'),
        'ú' => Vowel::Stressed('u'),
        _ => return None,
    })
}

/// Whether `letter` is the `u` of `que`, `qui`, `gue` or `gui`.
fn is_silent_u(letter: char, before: Option<char>, next: Option<char>) -> bool {
    letter == 'u' && matches!(before, Some('q' | 'g')) && matches!(next, Some('e' | 'é' | 'i' | 'í'))
}

fn is_vowel_letter(letter: char) -> bool {
    "aáàâäãeéèêëoóòôöõiíìîïuúùûü".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nucleus_has_room_for_one_open_vowel() {
        assert_eq!(syllables("paranoia"), 4);
        assert_eq!(syllables("cacahuete"), 4);
    }

    #[test]
    fn an_h_behind_a_consonant_does_not_reach_back_to_the_vowel_before() {
        assert_eq!(syllables("deshielo"), 3);
        assert_eq!(syllables("alhaja"), 3);
    }

    #[test]
    fn a_word_without_vowels_has_none() {
        assert_eq!(syllables("km"), 0);
        assert_eq!(syllables(""), 0);
    }
}
