//! Where the documents of a corpus come from: a port, and the corpus in memory.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::Range;

/// A corpus: records that can be read from the beginning any number of times, each time the same ones in the same order.
///
/// Reading is cut in three so that most of it runs on many threads: [`Corpus::next_block`] is called by one thread at a time and
/// should do no more than fetch bytes, [`Corpus::split`] finds the records in them, [`Corpus::document`] reads one.
pub trait Corpus: Sync {
    /// Where a reading stands.
    type Reader: Send;
    /// Why reading had to end.
    type Error: Send;

    /// Begins a reading.
    ///
    /// # Errors
    /// When the corpus cannot be opened.
    fn open(&self) -> Result<Self::Reader, Self::Error>;

    /// Fetches the next records, about a MiB of them and always whole ones, into `block`, in place of what it holds. `false` at
    /// the end of the corpus.
    ///
    /// # Errors
    /// When the corpus cannot be read.
    fn next_block(&self, reader: &mut Self::Reader, block: &mut Block) -> Result<bool, Self::Error>;

    /// Fills [`Block::records`]. Blank lines and the like are no records.
    fn split(&self, block: &mut Block);

    /// The document in record `number` of `block`. `buffer` is room for what must be decoded.
    ///
    /// # Errors
    /// [`InvalidRecord`] when there is no document in it; the record is counted and left out.
    fn document<'b>(
        &self,
        block: &'b Block,
        number: usize,
        buffer: &'b mut Buffer,
    ) -> Result<Document<'b>, InvalidRecord>;
}

/// A run of whole records as they stand in the corpus.
#[derive(Debug, Default)]
pub struct Block {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Which file of the corpus the first is from, for the corpus to know.
    pub file: usize,
    /// Where the first byte stands, for the corpus to know: the number of its line, 1 for the first.
    pub line: u64,
    /// Where the records are in `bytes`, in order.
    pub records: Vec<Record>,
}

/// A record in a [`Block`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its bytes.
    pub bytes: Range<usize>,
    /// Which file of the corpus it is in, by its number there.
    pub file: usize,
    /// The number of its first line in its file, 1 for the first.
    pub line: u64,
}

/// Room in which a corpus decodes a record; kept from one to the next.
#[derive(Debug, Default)]
pub struct Buffer {
    /// For the text.
    pub text: String,
    /// For the id and other fields.
    pub fields: String,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'b> {
    /// Its text.
    pub text: Cow<'b, str>,
    /// What is compared in its place, if something else is: the text without what is to be ignored.
    pub compared: Option<Cow<'b, str>>,
    /// Its id, if it has one.
    pub id: Option<Cow<'b, str>>,
    /// What it is ranked by among its duplicates, if a field was asked for that ranks them: the largest is kept.
    pub rank: Option<f64>,
}

impl Document<'_> {
    /// What is compared: the text, unless there is something in its place.
    #[must_use]
    pub fn compared(&self) -> &str {
        self.compared.as_deref().unwrap_or(&self.text)
    }
}

/// A record without a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRecord {
    /// Why, for a person.
    pub reason: String,
}

/// A corpus in memory: pairs of id and text.
#[derive(Debug)]
pub struct InMemory<'c>(pub &'c [(String, String)]);

/// How many texts of a corpus in memory make a block.
const TEXTS_IN_A_BLOCK: usize = 256;

impl Corpus for InMemory<'_> {
    /// The number of the next text.
    type Reader = usize;
    type Error = Infallible;

    fn open(&self) -> Result<usize, Infallible> {
        Ok(0)
    }

    fn next_block(&self, next: &mut usize, block: &mut Block) -> Result<bool, Infallible> {
        block.line = *next as u64 + 1;
        let end = self.0.len().min(*next + TEXTS_IN_A_BLOCK);
        let any = *next < end;
        block.records.clear();
        block.records.extend((*next..end).map(|number| Record {
            bytes: 0..0,
            file: 0,
            line: number as u64 + 1,
        }));
        *next = end;
        Ok(any)
    }

    fn split(&self, _: &mut Block) {}

    fn document<'b>(
        &self,
        block: &'b Block,
        number: usize,
        buffer: &'b mut Buffer,
    ) -> Result<Document<'b>, InvalidRecord> {
        let place = usize::try_from(block.line).unwrap_or_default() - 1 + number;
        let (id, text) =
            self.0.get(place).ok_or_else(|| InvalidRecord { reason: "is not there".to_owned() })?;
        buffer.text.clone_from(text);
        Ok(Document {
            text: Cow::Borrowed(&buffer.text),
            compared: None,
            id: Some(Cow::Owned(id.clone())),
            rank: None,
        })
    }
}
