//! Reads a request's body under a cap and a budget, unpacking it on the way. What is over the cap is never held in memory.
//! The deadline is that of the whole request and stands in [`crate::middleware`].

use super::budget::Reserved;
use super::media_type::Encoding;
use crate::error::ApiError;
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::body::{Body, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// Largest window that a zstd frame may ask for, as a power of two: 8 MiB, what RFC 9659 allows for HTTP. Without it a few
/// bytes could make the decoder allocate 128 MiB.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Least memory that a body takes, and by which it grows.
const MIN_GROWTH_BYTES: usize = 64 * 1024;

/// A body in one piece. One growing buffer and not the chunks as they came: many small ones leave holes in the heap that the
/// allocator does not give back.
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    /// What `bytes` takes of the budget.
    pub(super) reserved: Reserved,
}

/// Most memory that a body under a cap of `max_bytes` takes of the budget.
pub(super) fn max_reserved_bytes(max_bytes: usize) -> usize {
    // One byte more tells that a body is too long, and each growth, of which there are fewer than 64, is rounded up to KiB.
    max_bytes.saturating_add(64 * 1024)
}

/// Reads and unpacks `body`. Neither the bytes on the wire nor the unpacked ones may be more than `max_bytes`.
pub(super) async fn read(
    body: Body,
    encoding: Encoding,
    max_bytes: usize,
    reserved: Reserved,
) -> Result<Whole, ApiError> {
    // The lower bound is what Content-Length says. Refused before a byte of it is read: a client that waits for
    // `100 Continue` need not send it at all.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(ApiError::body_too_large(max_bytes));
    }
    let refuse = |error: &io::Error| match error.get_ref() {
        Some(cause) if cause.is::<LengthLimitError>() => ApiError::body_too_large(max_bytes),
        _ => unreadable(encoding),
    };
    let mut packed =
        StreamReader::new(Limited::new(body, max_bytes).map_err(io::Error::other).into_data_stream());
    let mut whole = Whole { bytes: Vec::new(), reserved };
    let mut unpacked = decoder(&mut packed, encoding);
    loop {
        whole.make_room(max_bytes)?;
        if unpacked.read_buf(&mut whole.bytes).await.map_err(|error| refuse(&error))? == 0 {
            break;
        }
        if whole.bytes.len() > max_bytes {
            return Err(ApiError::body_too_large(max_bytes));
        }
    }
    drop(unpacked);
    // The buffer lives only until it is parsed; the texts in it are no longer than what was read.
    whole.reserved.shrink_to(whole.bytes.len());
    // Some decoders stop at the end of their stream, whatever follows.
    if packed.fill_buf().await.map_err(|error| refuse(&error))?.is_empty() {
        Ok(whole)
    } else {
        Err(unreadable(encoding))
    }
}

impl Whole {
    /// Grows a full buffer by half, so that moving it costs linear time in all, up to one byte over `max_bytes`: that byte
    /// tells a body that is too long from one that just fits.
    fn make_room(&mut self, max_bytes: usize) -> Result<(), ApiError> {
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        if length < capacity {
            return Ok(());
        }
        let most = max_bytes.saturating_add(1).saturating_sub(length);
        let more = (length / 2).max(MIN_GROWTH_BYTES).min(most);
        self.reserved.grow(more)?;
        self.bytes.reserve_exact(more);
        Ok(())
    }
}

fn unreadable(encoding: Encoding) -> ApiError {
    ApiError::malformed(if encoding == Encoding::Identity {
        "The body ended before it was complete. Send it again."
    } else {
        "The body is not what Content-Encoding says, or it ended before it was complete. Compress it again, or send it plain."
    })
}

/// Unpacks what `packed` gives. Bodies of several gzip members or zstd frames are read to the end, as their formats ask.
pub(super) fn decoder<'r>(
    packed: impl AsyncBufRead + Send + Unpin + 'r,
    encoding: Encoding,
) -> Box<dyn AsyncRead + Send + Unpin + 'r> {
    match encoding {
        Encoding::Identity => Box::new(packed),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(packed);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Encoding::Deflate => Box::new(ZlibDecoder::new(packed)),
        Encoding::Brotli => Box::new(BrotliDecoder::new(packed)),
        Encoding::Zstd => {
            let mut decoder =
                ZstdDecoder::with_params(packed, &[DParameter::window_log_max(MAX_ZSTD_WINDOW_LOG)]);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
    }
}
