//! Groups of vowels in English spelling. Not for silent letters: every `e` counts here.

use super::hiatus;

/// How many syllables the vowels of `word` (ASCII letters in lower case) make when no `e` is silent.
pub(super) fn nuclei(word: &[u8]) -> usize {
    let begins_nucleus = |&at: &usize| {
        let follows_vowel = at > 0 && is_vowel(word, at - 1);
        is_vowel(word, at) && (!follows_vowel || hiatus::divides(word, at))
    };
    (0..word.len()).filter(begins_nucleus).count()
}

/// The letter at `index`; 0 outside the word.
pub(super) fn letter(word: &[u8], index: usize) -> u8 {
    word.get(index).copied().unwrap_or_default()
}

pub(super) fn is_vowel_letter(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// Whether the letter at `index` is spoken as a vowel: `u` is none in `quick` and `guess`, `y` none in `yes` and `mayor`.
pub(super) fn is_vowel(word: &[u8], index: usize) -> bool {
    let before = letter(word, index.wrapping_sub(1));
    let next = letter(word, index + 1);
    let always_vowel = |b: u8| is_vowel_letter(b) && b != b'y';
    match letter(word, index) {
        b'u' => before != b'q' && !(before == b'g' && matches!(next, b'a' | b'e' | b'i' | b'y')),
        b'y' => !(always_vowel(next) && (index == 0 || always_vowel(before) || before == b'w')),
        other => always_vowel(other),
    }
}
