//! Greedy string tiling (Wise 1993): covers two texts with their longest common runs of words, no word twice.
//!
//! The textbook algorithm compares all places of all runs again for each length and is cubic at worst. This one gives the
//! same tiles in n·log n. It walks the lengths downwards over the suffix array of both texts, joined. Suffixes that share at
//! least the current length form groups, which only ever merge. A position is *open* when a run of the current length that
//! begins there meets no tile; each group keeps its open positions of either text in a heap. A group with open positions of
//! both texts has a match that no longer one contains: the earliest pair becomes a tile. A tile of L words closes its own
//! positions for good and at most L - 1 before it until the length is small enough again, and tiles do not overlap, so all
//! closings and reopenings together are linear in the words.

mod groups;

use crate::suffixes::{Suffixes, index};
use crate::words::Word;
use groups::{Groups, Side};

/// Two texts as one sequence of word numbers with a separator that equals no word.
#[derive(Debug)]
pub(crate) struct Joined {
    sequence: Vec<i32>,
    first_len: usize,
}

impl Joined {
    fn of(first: &[Word], second: &[Word]) -> Self {
        let number = |word: &Word| word.id.0.cast_signed();
        let separator = first.iter().chain(second).map(number).max().map_or(0, |largest| largest + 1);
        let sequence = first.iter().map(number).chain([separator]).chain(second.iter().map(number)).collect();
        Self { sequence, first_len: first.len() }
    }

    /// The words of the first text.
    pub(crate) fn first(&self) -> &[i32] {
        self.sequence.get(..self.first_len).unwrap_or_default()
    }

    /// The words of the second text.
    pub(crate) fn second(&self) -> &[i32] {
        self.sequence.get(self.first_len + 1..).unwrap_or_default()
    }

    /// Whether `position` is in the first text. The separator is in neither and has no words left.
    pub(crate) fn is_in_first(&self, position: usize) -> bool {
        position < self.first_len
    }

    /// How many words there are from `position` to the end of its text.
    pub(crate) fn words_left(&self, position: usize) -> usize {
        let end = if position <= self.first_len { self.first_len } else { self.sequence.len() };
        end.saturating_sub(position)
    }
}

/// A run of words that both texts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// How many words it has.
    pub(crate) len: usize,
    /// Its first word in the first text.
    pub(crate) start1: usize,
    /// Its first word in the second text.
    pub(crate) start2: usize,
}

impl Tile {
    /// The same tile with the texts in the other order.
    pub(crate) const fn swapped(self) -> Self {
        Self { len: self.len, start1: self.start2, start2: self.start1 }
    }
}

/// The tiles of two texts, and what was built to find them.
#[derive(Debug)]
pub(crate) struct Tiling {
    /// Longest first.
    pub(crate) tiles: Vec<Tile>,
    pub(crate) joined: Joined,
    pub(crate) suffixes: Suffixes,
}

/// Tiles two texts with runs of at least `min_words` words, or of all words of the shorter text if it has fewer.
pub(crate) fn tile(first: &[Word], second: &[Word], min_words: usize) -> Tiling {
    let mut joined = Joined::of(first, second);
    let suffixes = Suffixes::of(&mut joined.sequence);
    let min_words = min_words.min(first.len()).min(second.len()).max(1);
    let tiles = Tiler::new(&joined, &suffixes, min_words).run();
    Tiling { tiles, joined, suffixes }
}

/// The state of one tiling.
struct Tiler<'a> {
    joined: &'a Joined,
    min_words: usize,
    groups: Groups,
    /// `merges.of(l)` = ranks whose suffix shares exactly `l` words with the one before.
    merges: Buckets,
    /// `openings.of(l)` = positions that open when the length comes down to `l`.
    openings: Buckets,
    /// Positions that lie in a tile.
    tiled: Vec<bool>,
    tiles: Vec<Tile>,
}

impl<'a> Tiler<'a> {
    fn new(joined: &'a Joined, suffixes: &Suffixes, min_words: usize) -> Self {
        let count = suffixes.order.len();
        let longest = suffixes.shared.iter().copied().max().map_or(0, index);
        let mut merges = Buckets::new(longest, count);
        let mut openings = Buckets::new(longest, count);
        for (rank, (&position, &shared)) in suffixes.order.iter().zip(&suffixes.shared).enumerate() {
            let position = index(position);
            let shared_with_next = suffixes.shared.get(rank + 1).copied().map_or(0, index);
            if index(shared) >= min_words {
                merges.add(index(shared), rank);
            }
            // What shares too little with both neighbours shares too little with all, and never needs to open.
            let opens_at = joined.words_left(position).min(longest);
            if opens_at >= min_words && index(shared).max(shared_with_next) >= min_words {
                openings.add(opens_at, position);
            }
        }
        let groups = Groups::new(suffixes.ranks());
        Self { joined, min_words, groups, merges, openings, tiled: vec![false; count], tiles: Vec::new() }
    }

    fn run(mut self) -> Vec<Tile> {
        let mut touched = Vec::new();
        for len in (self.min_words..=self.merges.longest()).rev() {
            touched.clear();
            while let Some(rank) = self.merges.take(len) {
                touched.push(self.groups.merge_with_previous(rank));
            }
            while let Some(position) = self.openings.take(len) {
                if self.tiled.get(position) != Some(&false) {
                    continue;
                }
                let side = if self.joined.is_in_first(position) { Side::First } else { Side::Second };
                touched.push(self.groups.open(position, side));
            }
            for &group in &touched {
                while let Some((start1, start2)) = self.groups.open_pair(group) {
                    self.place(start1, len);
                    self.place(start2, len);
                    let start2 = start2 - self.joined.first_len - 1;
                    self.tiles.push(Tile { len, start1, start2 });
                }
            }
        }
        self.tiles
    }

    /// Marks the words of a tile, and closes the positions before it from which a run of this length would meet it.
    fn place(&mut self, start: usize, len: usize) {
        for position in start..start + len {
            self.groups.close(position);
            if let Some(tiled) = self.tiled.get_mut(position) {
                *tiled = true;
            }
        }
        for distance in 1..len.min(start + 1) {
            let position = start - distance;
            let is_free = self.tiled.get(position) == Some(&false) && position != self.joined.first_len;
            if !is_free {
                break;
            }
            self.groups.close(position);
            if distance >= self.min_words {
                self.openings.add(distance, position);
            }
        }
    }
}

/// Numbers in buckets by length, with constant-time adding and taking. A number is in at most one bucket.
#[derive(Debug)]
struct Buckets {
    /// The number added last to each bucket.
    heads: Vec<u32>,
    /// The number added before each number.
    next: Vec<u32>,
}

/// Ends a bucket's chain.
const END: u32 = u32::MAX;

impl Buckets {
    fn new(longest: usize, numbers: usize) -> Self {
        Self { heads: vec![END; longest + 1], next: vec![END; numbers] }
    }

    fn longest(&self) -> usize {
        self.heads.len() - 1
    }

    fn add(&mut self, len: usize, number: usize) {
        if let (Some(head), Some(next)) = (self.heads.get_mut(len), self.next.get_mut(number)) {
            *next = *head;
            *head = u32::try_from(number).unwrap_or(END);
        }
    }

    fn take(&mut self, len: usize) -> Option<usize> {
        let head = self.heads.get_mut(len).filter(|head| **head != END)?;
        let number = *head as usize;
        *head = self.next.get(number).copied().unwrap_or(END);
        Some(number)
    }
}
