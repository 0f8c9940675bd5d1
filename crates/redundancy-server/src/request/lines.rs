//! A body of many JSON objects, one on each line (NDJSON), read line by line. Only the lines that are worked on are in memory.

use super::body;
use super::budget::{BodyBudget, Reserved};
use super::fields::Faults;
use super::json::{self, Malformed};
use super::media_type::{self, Encoding};
use super::{Body, Limits, max_body_bytes, read_fields};
use crate::app::App;
use crate::error::ApiError;
use crate::middleware::caller::Party;
use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use futures_util::TryStreamExt as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::{Instant, timeout};
use tokio_util::io::StreamReader;

/// How much is read at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// A packed body may unpack to so many times its bytes, and to so many bytes more. Texts pack to a fifth, and many alike to far less; a bomb
/// to less than a millionth, and it is answered line by line.
const MOST_UNPACKED_TIMES: u64 = 200;
const UNPACKED_ALLOWANCE_BYTES: u64 = 8 << 20;
/// Lines without anything in them that are skipped before others get their turn.
const LINES_IN_A_ROW: u32 = 1_000;

/// The lines of a body.
pub(crate) struct Lines {
    unpacked: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// Bytes that were unpacked, and those that they were unpacked from; `None` where the body is not packed.
    unpacked_bytes: u64,
    packed_bytes: Option<Arc<AtomicU64>>,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
    /// What that takes of the memory for bodies.
    line_room: Reserved,
    /// Whether that line is too long: the rest of it is skipped.
    is_too_long: bool,
    number: u64,
    max_line_bytes: usize,
    party: Party,
    patience: Duration,
    /// What is left of it for the line that is being read: whoever holds memory does not hold it for ever.
    line_patience: Duration,
}

/// Takes the time that is spent waiting for a client from its patience, also when the wait is given up.
struct Waiting<'p> {
    patience: &'p mut Duration,
    since: Instant,
}

/// A line.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// What stands in it, or why it cannot be taken.
    pub(crate) bytes: Result<Vec<u8>, ApiError>,
}

impl FromRequest<App> for Lines {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let encoding = media_type::check_lines(&head.headers, !body.is_end_stream())?;
        let packed_bytes = (encoding != Encoding::Identity).then(Arc::<AtomicU64>::default);
        let count = packed_bytes.clone();
        let chunks = body.into_data_stream().map_err(io::Error::other).inspect_ok(move |chunk| {
            if let Some(count) = &count {
                count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
        });
        let stream = StreamReader::new(chunks);
        let unpacked = BufReader::with_capacity(BUFFER_BYTES, body::decoder(stream, encoding));
        Ok(Self {
            unpacked,
            unpacked_bytes: 0,
            packed_bytes,
            line: Vec::new(),
            line_room: app.body_budget().reserve(Party::of(&head.extensions)),
            is_too_long: false,
            number: 0,
            max_line_bytes: max_body_bytes(app.config().max_content_bytes, 1),
            party: Party::of(&head.extensions),
            patience: app.config().request_timeout,
            line_patience: app.config().request_timeout,
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.patience = self.patience.saturating_sub(self.since.elapsed());
    }
}

impl Lines {
    /// The same lines, each of which may hold so many texts.
    pub(crate) fn with_texts(mut self, texts: usize, app: &App) -> Self {
        self.max_line_bytes = max_body_bytes(app.config().max_content_bytes, texts);
        self
    }

    /// Room for lines of this body, of which none is taken yet.
    pub(crate) fn room(&self, app: &App) -> Room {
        Room::none(app.body_budget(), self.party.clone())
    }

    /// The number of the line that is being read, from 1.
    pub(crate) const fn current(&self) -> u64 {
        self.number + 1
    }

    /// The next line with something in it; `None` at the end. May be dropped and asked again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Line>, ApiError> {
        for looked_at in 1_u32.. {
            // What is there already is read without waiting for anything.
            if looked_at.is_multiple_of(LINES_IN_A_ROW) || self.unpacked.buffer().is_empty() {
                tokio::task::yield_now().await;
            }
            if self.is_a_bomb() {
                return Err(ApiError::unpacks_to_too_much(MOST_UNPACKED_TIMES));
            }
            let waiting = Waiting { patience: &mut self.line_patience, since: Instant::now() };
            let read = timeout(*waiting.patience, self.unpacked.fill_buf()).await;
            drop(waiting);
            let buffer = read.map_err(|_| ApiError::timeout(self.patience))?.map_err(|_| {
                ApiError::malformed(
                    "The body ended before it was complete, or it is not what Content-Encoding says.",
                )
            })?;
            if buffer.is_empty() {
                return Ok(self.ended_line());
            }
            if self.line.is_empty() && !self.is_too_long {
                // Lines without anything in them, all at once.
                let blank = buffer.iter().take_while(|byte| **byte == b'\n').count();
                if blank > 0 {
                    self.line_patience = self.patience;
                    self.number += blank as u64;
                    self.unpacked_bytes += blank as u64;
                    self.unpacked.consume(blank);
                    continue;
                }
            }
            let (part, is_ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (buffer.get(..end).unwrap_or_default(), true),
                None => (buffer, false),
            };
            if self.line.len() + part.len() > self.max_line_bytes {
                self.is_too_long = true;
                self.line = Vec::new();
            } else if !self.is_too_long {
                if !is_ended {
                    self.line_room.grow_to(self.line.len() + part.len())?;
                }
                self.line.extend_from_slice(part);
            }
            if is_ended {
                self.line_patience = self.patience;
            }
            let used = part.len() + usize::from(is_ended);
            self.unpacked.consume(used);
            self.unpacked_bytes += used as u64;
            if is_ended && let Some(line) = self.ended_line() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn is_a_bomb(&self) -> bool {
        let most = |packed: &Arc<AtomicU64>| {
            packed.load(Ordering::Relaxed) * MOST_UNPACKED_TIMES + UNPACKED_ALLOWANCE_BYTES
        };
        self.packed_bytes.as_ref().is_some_and(|packed| self.unpacked_bytes > most(packed))
    }

    fn ended_line(&mut self) -> Option<Line> {
        self.number += 1;
        let (number, bytes) = (self.number, std::mem::take(&mut self.line));
        self.line_room.shrink_to(0);
        if std::mem::take(&mut self.is_too_long) {
            let message = format!(
                "Line {number} is longer than the {} bytes that are taken. Split the text.",
                self.max_line_bytes
            );
            return Some(Line { number, bytes: Err(ApiError::value_too_large(message, Vec::new())) });
        }
        let is_blank = bytes.iter().all(u8::is_ascii_whitespace);
        (!is_blank).then_some(Line { number, bytes: Ok(bytes) })
    }
}

/// Reads a line as the body of a request for `T` is read. What is wrong with it is told of `what`, such as `Line 4`.
pub(crate) fn read<T: Body>(app: &App, line: &[u8], what: &str) -> Result<T, ApiError> {
    let limits = Limits { max_content_bytes: app.config().max_content_bytes, webhooks: app.webhooks() };
    let document = json::parse(line, T::VERBATIM).map_err(|malformed: Malformed| {
        // For the parser it is a text of its own with one line in it.
        ApiError::malformed(malformed.to_string().replacen("line 1, ", "", 1)).speaking_of(what)
    })?;
    let mut faults = Faults::default();
    let value = read_fields(document, limits, &mut faults);
    match (faults.into_error(), value) {
        (None, Some(value)) => Ok(value),
        (Some(error), _) => Err(error.speaking_of(what)),
        (None, None) => Err(ApiError::internal()),
    }
}

/// What a line takes beside its bytes.
const LINE_BYTES: usize = 64;

/// Memory for lines, given back when it is dropped.
pub(crate) struct Room {
    reserved: Reserved,
    bytes: usize,
}

impl Room {
    /// None yet.
    fn none(budget: &BodyBudget, party: Party) -> Self {
        Self { reserved: budget.reserve(party), bytes: 0 }
    }

    /// Takes room for a line of `bytes` more, if there is as much.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.bytes += bytes + LINE_BYTES;
        Ok(self.reserved.grow_to(self.bytes)?)
    }

    /// How much is taken.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
