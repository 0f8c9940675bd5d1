//! Reading an answer: the whole of it, but no more than is worth keeping.

use super::ReceiverResponse;
use super::connection::Connection;
use crate::FailureReason;
use http::HeaderMap;
use http::response::Parts;
use hyper::body::{Body as _, Incoming};

/// How much of a body is kept, in bytes. What is longer is not read on.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// A receiver that announces more than this, in bytes, means something else than an answer to a webhook.
const MAX_ANNOUNCED_BYTES: u64 = 16 * 1024 * 1024;
/// How many headers are kept.
const MAX_HEADERS: usize = 64;
/// How much of names and values of headers is kept, in bytes.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Reads the rest of an answer. If it is longer than what is kept, the connection cannot be used again.
pub(super) async fn read(
    head: Parts,
    mut body: Incoming,
    connection: &mut Connection,
) -> Result<ReceiverResponse, FailureReason> {
    // For a chunked body the lower bound is zero, and it is read until it is too long.
    if body.size_hint().lower() > MAX_ANNOUNCED_BYTES {
        return Err(FailureReason::BodyTooLarge);
    }
    let mut kept = Vec::new();
    let mut is_truncated = false;
    while let Some(piece) = connection.next_piece(&mut body).await? {
        let room = MAX_BODY_BYTES - kept.len();
        kept.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if piece.len() > room {
            is_truncated = true;
            break;
        }
    }
    Ok(ReceiverResponse {
        status: head.status.as_u16(),
        headers: kept_headers(&head.headers),
        body: kept,
        is_truncated,
    })
}

/// The first headers, as far as they are kept.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = MAX_HEADER_BYTES;
    headers
        .iter()
        .take(MAX_HEADERS)
        .map_while(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            room = room.checked_sub(name.as_str().len() + value.len())?;
            Some((name.as_str().to_owned(), value.into_owned()))
        })
        .collect()
}
