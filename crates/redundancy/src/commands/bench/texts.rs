//! Made-up documents: the same ones on every machine, about 2 KB each, with words as frequent and as rare as in real text.

/// Words of a document.
const WORDS: u64 = 330;
/// Each document with such a remainder is an edit of an earlier one.
const EDIT_OF_TEN: u64 = 9;
/// Words that an edit changes.
const EDITED: u64 = 3;
const SYLLABLES: [&str; 16] =
    ["la", "re", "con", "tra", "su", "mi", "do", "ver", "al", "ten", "po", "cu", "es", "ra", "ni", "gal"];

/// Evenly spread numbers, each determined by the one before: `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014, figure 17).
pub(super) struct Numbers(u64);

impl Numbers {
    /// The sequence that begins with `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`, which is not 0.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Document `number`. One of ten is an edit of a document before it, with a Jaccard similarity of about 0.9.
pub(super) fn document(number: u64) -> String {
    let is_edit = number % 10 == EDIT_OF_TEN;
    let original = if is_edit { original_of(number) } else { number };
    let mut numbers = Numbers::new(original.wrapping_mul(77) + 1);
    let mut edits = Numbers::new(number);
    let edited: Vec<u64> =
        if is_edit { (0..EDITED).map(|_| edits.below(WORDS)).collect() } else { Vec::new() };
    let mut text = String::with_capacity(2400);
    for place in 0..WORDS {
        // A power of two picks how frequent the word is, so that there are about as many common ones as rare ones.
        let mut word = (1 << numbers.below(17)) + numbers.below(64);
        if edited.contains(&place) {
            word = edits.below(1 << 17);
        }
        if place > 0 {
            text.push_str(if place % 15 == 0 { ". " } else { " " });
        }
        push_word(&mut text, word);
    }
    text.push('.');
    text
}

/// Of which document before it a document is an edit: of one that is none itself.
const fn original_of(number: u64) -> u64 {
    let original = Numbers::new(number).below(number);
    original - (original % 10 == EDIT_OF_TEN) as u64
}

/// The word with that number: one of five letters to sixteen.
fn push_word(text: &mut String, mut number: u64) {
    loop {
        let syllable = usize::try_from(number % 16).unwrap_or_default();
        text.push_str(SYLLABLES.get(syllable).copied().unwrap_or_default());
        number /= 16;
        if number == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_about_2_kb_and_do_not_change() {
        let sizes: Vec<usize> = (0..200).map(|number| document(number).len()).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((1800..2800).contains(&mean), "{mean}");
        assert_eq!(document(17), document(17));
        assert_ne!(document(17), document(18));
    }

    #[test]
    fn one_of_ten_is_an_edit_of_an_earlier_one() {
        let original = document(original_of(49));
        let same = |other: &str| original.split(' ').zip(other.split(' ')).filter(|(a, b)| a == b).count();
        assert!(same(&document(49)) >= 327);
        assert!(same(&document(48)) < 100);
    }
}
