//! Reads a request's body under a cap, unpacking it on the way. What is over the cap is never held in memory. The deadline
//! is that of the whole request and stands in [`crate::middleware`].

use super::media_type::Encoding;
use crate::error::ApiError;
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::io;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// Largest window that a zstd frame may ask for, as a power of two: 8 MiB, what RFC 9659 allows for HTTP. Without it a few
/// bytes could make the decoder allocate 128 MiB.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// Reads and unpacks `body`. Neither the bytes on the wire nor the unpacked ones may be more than `max_bytes`.
pub(super) async fn read(body: Body, encoding: Encoding, max_bytes: usize) -> Result<Bytes, ApiError> {
    // The lower bound is what Content-Length says. Refused before a byte of it is read: a client that waits for
    // `100 Continue` need not send it at all.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(ApiError::body_too_large(max_bytes));
    }
    let body = Limited::new(body, max_bytes);
    if encoding == Encoding::Identity {
        return match body.collect().await {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large(max_bytes)),
            Err(_) => Err(ApiError::malformed("The body ended before it was complete. Send it again.")),
        };
    }
    let mut packed = StreamReader::new(body.map_err(io::Error::other).into_data_stream());
    // One byte more than allowed tells a body that is too long from one that just fits.
    let mut unpacked = decoder(&mut packed, encoding).take(max_bytes as u64 + 1);
    let mut bytes = Vec::new();
    match unpacked.read_to_end(&mut bytes).await {
        Ok(_) if bytes.len() > max_bytes => Err(ApiError::body_too_large(max_bytes)),
        Ok(_) => Ok(bytes.into()),
        Err(error) if is_over_limit(&error) => Err(ApiError::body_too_large(max_bytes)),
        Err(_) => {
            let message = "The body is not what Content-Encoding says, or it ended before it was complete. Compress it \
                           again, or send it plain.";
            Err(ApiError::malformed(message))
        }
    }
}

/// Unpacks what `packed` gives. Bodies of several gzip members or zstd frames are read to the end, as their formats ask.
fn decoder<'r>(
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

fn is_over_limit(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(cause) if cause.is::<LengthLimitError>())
}
