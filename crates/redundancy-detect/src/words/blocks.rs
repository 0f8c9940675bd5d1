//! Finds the ends of runs of plain word characters (ASCII, and the letters À to ÿ without ß) and of ASCII breaks without looking at one byte at a time: the lengths of words
//! are hard to predict, and a wrongly predicted loop costs more than the whole word. Blocks of 64 bytes become masks of 64
//! bits, in which the end of a run is the position of the next zero.

/// How many bytes a mask covers.
pub(super) const BLOCK: usize = 64;

/// Runs in one text, with the masks of the block looked at last.
pub(super) struct Blocks<'t> {
    bytes: &'t [u8],
    /// Which block the masks are of.
    current: usize,
    /// Letters, digits and underscores, both bytes of a letter beyond ASCII.
    words: u64,
    /// ASCII that is neither that nor one of the marks that can join words.
    breaks: u64,
    /// Whether each run of word characters is a word, but for one that goes on behind the block.
    is_simple: bool,
}

impl<'t> Blocks<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        let mut blocks = Self { bytes, current: 0, words: 0, breaks: 0, is_simple: false };
        blocks.load(0);
        blocks
    }

    /// The first position from `at` on that is no ASCII letter, digit or underscore and no letter from À to ÿ without ß.
    #[inline]
    pub(super) fn end_of_word(&mut self, at: usize) -> usize {
        self.end_of_run(at, |blocks| blocks.words)
    }

    /// The first position from `at` on that is no ASCII break.
    #[inline]
    pub(super) fn end_of_breaks(&mut self, at: usize) -> usize {
        self.end_of_run(at, |blocks| blocks.breaks)
    }

    /// Where the block of `at` begins, and its word characters from `at` on, if each run of them is a word; but a run up to the
    /// end of the block may go on behind it. No word may begin before `at` and end behind it.
    #[inline]
    pub(super) fn simple_words(&mut self, at: usize) -> Option<(usize, u64)> {
        let block = at / BLOCK;
        if block != self.current {
            self.load(block);
        }
        self.is_simple.then_some((block * BLOCK, self.words & (u64::MAX << (at % BLOCK))))
    }

    #[inline]
    fn end_of_run(&mut self, mut at: usize, mask: impl Fn(&Self) -> u64) -> usize {
        while at < self.bytes.len() {
            let block = at / BLOCK;
            if block != self.current {
                self.load(block);
            }
            let others = !mask(self) >> (at % BLOCK);
            if others != 0 {
                return (at + others.trailing_zeros() as usize).min(self.bytes.len());
            }
            at = (block + 1) * BLOCK;
        }
        self.bytes.len()
    }

    fn load(&mut self, block: usize) {
        let start = block * BLOCK;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let mut padded = [0; BLOCK];
        let bytes = rest.first_chunk().unwrap_or_else(|| {
            for (to, &from) in padded.iter_mut().zip(rest) {
                *to = from;
            }
            &padded
        });
        self.current = block;
        (self.words, self.breaks) = masks(bytes);
        let mut is_known = true;
        if !bytes.is_ascii() {
            let before = start.checked_sub(1).and_then(|last| self.bytes.get(last));
            self.words |= latin(bytes, before.copied(), rest.get(BLOCK).copied());
            is_known = pack(&bytes.map(|b| b >> 7)) & !self.words == 0;
        }
        // A mark joins only what stands on both sides of it. What stands beside the block may be anything.
        let marks = !(self.words | self.breaks);
        let joining = marks & (self.words << 1 | 1) & (self.words >> 1 | 1 << (BLOCK - 1));
        // No branch, so that it takes a few vector instructions.
        let underscores = bytes.iter().fold(0, |any, b| any | u8::from(*b == b'_'));
        self.is_simple = is_known && joining == 0 && underscores == 0;
    }
}

/// The masks of word characters and of breaks in a block.
#[inline]
fn masks(block: &[u8; BLOCK]) -> (u64, u64) {
    // Plain arithmetic on whole arrays, which the compiler turns into vector instructions.
    let words = block.map(|b| {
        u8::from((b | 0x20).wrapping_sub(b'a') < 26)
            | u8::from(b.wrapping_sub(b'0') < 10)
            | u8::from(b == b'_')
    });
    let joiners = block.map(|b| {
        u8::from(b == b'\'')
            | u8::from(b == b'.')
            | u8::from(b == b',')
            | u8::from(b.wrapping_sub(b':') < 2)
            | (b >> 7)
    });
    let words = pack(&words);
    (words, !(words | pack(&joiners)))
}

/// First byte of the letters À to ÿ in UTF-8.
const LATIN: u8 = 0xC3;

/// Whether a byte behind [`LATIN`] makes a letter that is plain: × and ÷ are no letters, and ß folds to two.
const fn is_plain(second: u8) -> bool {
    matches!(second, 0x80..=0xBF) && !matches!(second, 0x97 | 0xB7 | 0x9F)
}

/// The mask of both bytes of the letters À to ÿ without ß, given what stands before and behind the block.
fn latin(block: &[u8; BLOCK], before: Option<u8>, behind: Option<u8>) -> u64 {
    let firsts = pack(&block.map(|b| u8::from(b == LATIN)));
    let seconds = pack(&block.map(|b| {
        u8::from(b.wrapping_sub(0x80) < 0x40)
            & u8::from(b != 0x97)
            & u8::from(b != 0xB7)
            & u8::from(b != 0x9F)
    }));
    let second_behind = u64::from(behind.is_some_and(is_plain));
    let letters = firsts & (seconds >> 1 | second_behind << (BLOCK - 1));
    let second_here = u64::from(before == Some(LATIN)) & seconds & 1;
    letters | letters << 1 | second_here
}

/// One bit for each byte that is 0 or 1.
#[inline]
fn pack(flags: &[u8; BLOCK]) -> u64 {
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |mask, eight| {
        // The product moves the lowest bits of all eight bytes, in order, into the highest byte.
        mask << 8 | u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

#[cfg(test)]
mod tests {
    use super::super::class::{Class, class_at};
    use super::*;
    use proptest::prelude::*;

    fn end_by_bytes(bytes: &[u8], at: usize, runs: &[Class]) -> usize {
        let mut at = at;
        while at < bytes.len() {
            let is_letter = runs.contains(&Class::Letter)
                && bytes[at] == LATIN
                && bytes.get(at + 1).is_some_and(|b| is_plain(*b));
            if is_letter {
                at += 2;
            } else if bytes[at] < 0x80 && runs.contains(&class_at(bytes, at).0) {
                at += 1;
            } else {
                break;
            }
        }
        at
    }

    #[test]
    fn every_byte_has_the_same_class_as_in_the_table() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut blocks = Blocks::new(&bytes);
        for at in 0..bytes.len() {
            assert_eq!(
                blocks.end_of_word(at),
                end_by_bytes(&bytes, at, &[Class::Letter, Class::Digit, Class::Joiner]),
                "{at}"
            );
            assert_eq!(blocks.end_of_breaks(at), end_by_bytes(&bytes, at, &[Class::Break]), "{at}");
        }
    }

    proptest! {
        #[test]
        fn runs_end_where_a_loop_over_bytes_says(text in "[a-c_ .'éÉ×ßā漢\n]{0,200}", at in 0usize..400) {
            let bytes = text.as_bytes();
            let mut blocks = Blocks::new(bytes);
            let at = text.floor_char_boundary(at);
            prop_assert_eq!(blocks.end_of_word(at), end_by_bytes(bytes, at, &[Class::Letter, Class::Digit, Class::Joiner]));
            prop_assert_eq!(blocks.end_of_breaks(at), end_by_bytes(bytes, at, &[Class::Break]));
        }
    }
}
