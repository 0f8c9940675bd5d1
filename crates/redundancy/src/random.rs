//! Random numbers of this machine.

use std::hash::{BuildHasher as _, RandomState};

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

/// The system is asked for each number. Drawing some for later would spare a hundredth of the time of a small request, but where
/// a running machine is copied, as providers of functions do, every copy would give out the same ones.
impl IdSource for SystemRandom {
    fn random_128(&self) -> u128 {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_ok() {
            return u128::from_le_bytes(bytes);
        }
        // It answered at the start and does not fail later. Should it, ids stay unlike each other at least: the keys of
        // a hasher were drawn when it still worked, and change from one to the next.
        let word = || u128::from(RandomState::new().hash_one(0));
        word() << 64 | word()
    }
}
