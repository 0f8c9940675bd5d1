//! From a text to what it is found and compared by.

use crate::catalog::Keys;
use crate::document::Digest;
use redundancy_detect::analyze::normalized_hash;
use redundancy_detect::fingerprint::{Banding, ShingleSet, Shingler, Shingling, Sketcher};
use redundancy_detect::{Text, TextTooLong};
use std::cell::RefCell;
use std::sync::Arc;

/// The similarity for which the bands of all documents are made: 32 bands of 6 places.
const BANDED_FOR: f64 = 0.8;

/// Told apart from each other by these, mixed into keys.
const CONTENT: u64 = 0x9AE1_6A3B_2F90_404F;
const NORMALIZED: u64 = 0xC949_D7C7_509E_6557;

/// What a text is found and compared by.
#[derive(Debug)]
pub(super) struct Print {
    pub(super) content_hash: Digest,
    pub(super) normalized_hash: Digest,
    pub(super) characters: u64,
    pub(super) words: u64,
    pub(super) keys: Keys,
    /// The distinct shingles, sorted.
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
        Self {
            shingler: Shingler::new(Shingling::default()),
            sketcher: Sketcher::new(banding.places()),
            banding,
        }
    }
}

thread_local! {
    static TOOLS: RefCell<Tools> = RefCell::new(Tools::new());
}

impl Print {
    /// The print of a text. Linear time, but for sorting its shingles.
    pub(super) fn of(content: &str) -> Result<Self, TextTooLong> {
        let text = Text::new(content)?;
        let content_hash = Digest(*blake3::hash(content.as_bytes()).as_bytes());
        let normalized_hash = Digest(*normalized_hash(&text).as_bytes());
        TOOLS.with_borrow_mut(|tools| {
            tools.shingler.read(content)?;
            let mut shingles = tools.shingler.shingles().to_vec();
            ShingleSet::sort(&mut shingles);
            let bands = bands(tools, &shingles);
            Ok(Self {
                content_hash,
                normalized_hash,
                characters: content.chars().count() as u64,
                words: text.words().len() as u64,
                keys: Keys {
                    content: content_hash.key() ^ CONTENT,
                    normalized: normalized_hash.key() ^ NORMALIZED,
                    bands,
                    fingerprints: Vec::new(),
                },
                shingles,
            })
        })
    }

    /// The print of a document whose text need not be kept.
    pub(super) fn of_kept(document: &crate::document::Document, shingles: Vec<u64>) -> Self {
        let bands = TOOLS.with_borrow_mut(|tools| bands(tools, &shingles));
        Self {
            content_hash: document.content_hash,
            normalized_hash: document.normalized_hash,
            characters: document.characters,
            words: document.words,
            keys: Keys {
                content: document.content_hash.key() ^ CONTENT,
                normalized: document.normalized_hash.key() ^ NORMALIZED,
                bands,
                fingerprints: Vec::new(),
            },
            shingles,
        }
    }

    /// What is kept of it for comparisons.
    pub(super) fn encoded(&self) -> Arc<[u8]> {
        self.shingles.iter().flat_map(|shingle| shingle.to_le_bytes()).collect()
    }
}

/// The shingles that were kept.
pub(super) fn decoded(trace: &[u8]) -> Vec<u64> {
    trace.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

fn bands(tools: &mut Tools, shingles: &[u64]) -> Vec<u64> {
    let Tools { sketcher, banding, .. } = tools;
    sketcher.sketch(shingles).map(|signature| banding.keys(signature).collect()).unwrap_or_default()
}
