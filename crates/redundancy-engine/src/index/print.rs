//! From a text to what it is found and compared by.

use crate::catalog::Keys;
use crate::document::{Digest, Document};
use redundancy_detect::TextTooLong;
use redundancy_detect::analyze::normalized;
use redundancy_detect::fingerprint::{
    Banding, ShingleSet, Shingler, Shingling, Sketcher, Trace, WINDOW, winnow,
};
use std::cell::RefCell;

/// The similarity for which the bands of all documents are made: 32 bands of 6 places.
const BANDED_FOR: f64 = 0.8;

/// Mixed into keys, so that those of different kinds are unrelated.
const CONTENT: u64 = 0x9AE1_6A3B_2F90_404F;
const NORMALIZED: u64 = 0xC949_D7C7_509E_6557;
const FINGERPRINT: u64 = 0x8EBC_6AF0_9C88_C6E3;

/// Texts of no more distinct shingles are looked for by all of them, longer ones by those that winnowing picks.
const MOST_ASKED: usize = 2000;

/// What a text is found and compared by.
#[derive(Debug)]
pub(super) struct Print {
    pub(super) content_hash: Digest,
    pub(super) normalized_hash: Digest,
    pub(super) characters: u64,
    pub(super) words: u64,
    pub(super) keys: Keys,
    pub(super) trace: Trace,
    /// The distinct shingles of the trace, in rising order.
    pub(super) shingles: Vec<u64>,
}

/// Buffers that are used for one text after the other.
struct Tools {
    shingler: Shingler,
    sketcher: Sketcher,
    banding: Banding,
}

impl Tools {
    fn new() -> Self {
        let banding = Banding::for_threshold(BANDED_FOR);
        let sketcher = Sketcher::new(banding.places());
        Self { shingler: Shingler::new(Shingling::default()), sketcher, banding }
    }
}

thread_local! {
    static TOOLS: RefCell<Tools> = RefCell::new(Tools::new());
}

impl Print {
    /// The print of a text. Linear time, but for sorting its shingles.
    pub(super) fn of(content: &str) -> Result<Self, TextTooLong> {
        TOOLS.with_borrow_mut(|tools| {
            tools.shingler.read(content)?;
            let trace = Trace::of(&tools.shingler);
            let content_hash = Digest(*blake3::hash(content.as_bytes()).as_bytes());
            let normalized = normalized(content);
            let normalized_hash = Digest(*normalized.hash.as_bytes());
            let (characters, words) = (content.chars().count() as u64, normalized.words as u64);
            Ok(Self::assembled(tools, content_hash, normalized_hash, characters, words, trace))
        })
    }

    /// What documents that share a passage are looked for by. Two texts that share 12 words or more in a row share one that
    /// winnowing picks in both. A document that is shorter has one pick all the same, and a text that holds it may have picked another: so
    /// texts of usual length ask for all of their shingles.
    pub(super) fn asked(&self) -> Vec<u64> {
        if self.shingles.len() > MOST_ASKED {
            return self.keys.fingerprints.clone();
        }
        self.shingles.iter().map(|shingle| shingle ^ FINGERPRINT).collect()
    }

    /// The print of a document whose text need not be kept.
    pub(super) fn of_kept(document: &Document, trace: Trace) -> Self {
        let Document { content_hash, normalized_hash, characters, words, .. } = *document;
        TOOLS.with_borrow_mut(|tools| {
            Self::assembled(tools, content_hash, normalized_hash, characters, words, trace)
        })
    }

    fn assembled(
        tools: &mut Tools,
        content_hash: Digest,
        normalized_hash: Digest,
        characters: u64,
        words: u64,
        trace: Trace,
    ) -> Self {
        let mut shingles = trace.shingles();
        let mut fingerprints: Vec<u64> =
            winnow(&shingles, WINDOW).iter().map(|fingerprint| fingerprint.hash ^ FINGERPRINT).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        let _ = ShingleSet::sort(&mut shingles);
        let signature = tools.sketcher.sketch(&shingles);
        let bands = signature.map(|signature| tools.banding.keys(signature).collect());
        let content = content_hash.key() ^ CONTENT;
        let keys = Keys {
            content,
            // Texts without words have the same none, and that makes none of them a duplicate of another.
            normalized: if words > 0 { normalized_hash.key() ^ NORMALIZED } else { content },
            bands: bands.unwrap_or_default(),
            fingerprints,
        };
        Self { content_hash, normalized_hash, characters, words, keys, trace, shingles }
    }
}
