//! Random numbers of this machine.

use std::cell::RefCell;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;

use redundancy_engine::IdSource;

/// The random numbers of the operating system.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl SystemRandom {
    /// Makes sure that the system has random numbers to give, so that a service without them does not start.
    pub fn new() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(|_| Self)
    }
}

impl IdSource for SystemRandom {
    fn random_128(&self) -> u128 {
        if let Some(number) = DRAWN.with_borrow_mut(Drawn::next) {
            return number;
        }
        // It answered at the start and does not fail later. Should it, ids stay unlike each other at least: the keys of
        // a hasher were drawn when it still worked, and change from one to the next.
        let word = || u128::from(RandomState::new().hash_one(0));
        word() << 64 | word()
    }
}

/// How many bytes are asked for at once: the system gives up to 256 without being interrupted.
const DRAWN_BYTES: usize = 256;

thread_local! {
    /// Each request needs two numbers, and to ask the system takes as long as half of what is done with a small one.
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN_BYTES], left: 0 }) };
}

/// Random bytes of the system that nobody has got yet.
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    /// So many at the beginning of `bytes` are left.
    left: usize,
}

impl Drawn {
    fn next(&mut self) -> Option<u128> {
        if self.left == 0 {
            getrandom::fill(&mut self.bytes).ok()?;
            self.left = DRAWN_BYTES;
        }
        let (rest, last) = self.bytes.get_mut(..self.left)?.split_last_chunk_mut::<16>()?;
        self.left = rest.len();
        // What has been given out is not kept: secrets are made of it too.
        Some(u128::from_le_bytes(mem::take(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_number_comes_twice() {
        let draw = || (0..100).map(|_| SystemRandom.random_128()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw).join().unwrap();
        let numbers: BTreeSet<u128> = draw().into_iter().chain(other).collect();
        assert_eq!(numbers.len(), 200);
        assert!(!numbers.contains(&0));
    }
}
