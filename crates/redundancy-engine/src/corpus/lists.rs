//! Lists of numbers, one for each of many documents: in memory as long as there is room, then in a file.

use super::first_pass::Distinct;
use super::scratch::Scratch;
use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

/// Lists by document.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// For each document where its list is; of no length if it has none.
    places: Vec<Place>,
    blocks: Vec<Stored>,
    /// What kept a list from being read. Whoever reads lists goes on with an empty one, and asks at the end.
    failure: OnceLock<io::Error>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    block: u32,
    start: u32,
    len: u32,
}

/// The lists of the documents of one block of the corpus, one after the other.
#[derive(Debug)]
enum Stored {
    Memory(Vec<u64>),
    /// At this byte of a file.
    File(u64),
}

/// Where lists go for which there is no room in memory.
#[derive(Debug)]
pub(super) struct Overflow {
    /// Bytes that may still be held in memory.
    room: u64,
    file: Option<Scratch>,
}

/// The lists of one block, in the making.
#[derive(Debug, Default)]
pub(super) struct BlockLists {
    numbers: Vec<u64>,
    /// Document, start and length.
    places: Vec<(Distinct, u32, u32)>,
}

impl Overflow {
    /// Lets lists of `room` bytes stay in memory; the others go into a file in `folder`.
    pub(super) fn new(room: u64, folder: &Path) -> Self {
        Self { room, file: Some(Scratch::new(folder)) }
    }

    /// Lets all lists stay in memory.
    pub(super) const fn never() -> Self {
        Self { room: u64::MAX, file: None }
    }

    fn store(&mut self, numbers: Vec<u64>) -> io::Result<Stored> {
        let bytes = 8 * numbers.len() as u64;
        match self.file.as_mut().filter(|_| bytes > self.room) {
            None => {
                self.room -= bytes;
                Ok(Stored::Memory(numbers))
            }
            Some(file) => Ok(Stored::File(file.append(numbers.iter().map(|number| number.to_le_bytes()))?)),
        }
    }

    fn read(&self, at: u64, count: u32) -> io::Result<Vec<u64>> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        Ok(file.read(at, count as usize)?.into_iter().map(u64::from_le_bytes).collect())
    }
}

impl Lists {
    /// No lists yet, for this many documents.
    pub(super) fn of_documents(count: usize) -> Self {
        Self { places: vec![Place::default(); count], ..Self::default() }
    }

    /// Takes the lists of the next block.
    pub(super) fn add(&mut self, block: BlockLists, overflow: &mut Overflow) -> io::Result<()> {
        let number = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        for (document, start, len) in block.places {
            if let Some(place) = self.places.get_mut(document as usize) {
                *place = Place { block: number, start, len };
            }
        }
        let mut numbers = block.numbers;
        numbers.shrink_to_fit();
        self.blocks.push(overflow.store(numbers)?);
        Ok(())
    }

    /// How long the list of a document is.
    pub(super) fn len(&self, document: Distinct) -> usize {
        self.place(document).len as usize
    }

    /// The list of a document; empty if it has none.
    pub(super) fn get(&self, document: Distinct, overflow: &Overflow) -> Cow<'_, [u64]> {
        let Place { block, start, len } = self.place(document);
        match self.blocks.get(block as usize) {
            Some(Stored::Memory(numbers)) => {
                Cow::Borrowed(numbers.get(start as usize..start as usize + len as usize).unwrap_or_default())
            }
            Some(Stored::File(at)) => match overflow.read(at + 8 * u64::from(start), len) {
                Ok(numbers) => Cow::Owned(numbers),
                Err(error) => {
                    self.failure.get_or_init(|| error);
                    Cow::Owned(Vec::new())
                }
            },
            None => Cow::Borrowed(&[]),
        }
    }

    /// What kept a list from being read, if anything did.
    pub(super) fn take_failure(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn place(&self, document: Distinct) -> Place {
        self.places.get(document as usize).copied().unwrap_or_default()
    }
}

impl BlockLists {
    /// Adds the list of a document.
    pub(super) fn add(&mut self, document: Distinct, list: impl Iterator<Item = u64>) {
        let start = self.numbers.len();
        self.numbers.extend(list);
        // A block has at most one text beyond its usual size, and no text has as many shingles as 32 bits can count.
        let [start, len] =
            [start, self.numbers.len() - start].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        self.places.push((document, start, len));
    }
}
