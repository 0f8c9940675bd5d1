//! What answers take counts against the memory for bodies until their clients have taken them: the bytes of long ones, and what it takes to
//! compress one. A client that asks and does not read, on many streams of HTTP/2 without a window or on many connections, would else have
//! the service keep whatever it asked for.

use super::accept_encoding;
use super::caller::Party;
use crate::access_rules::AccessRule;
use crate::app::App;
use crate::error::ApiError;
use crate::request::Reserved;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use redundancy_engine::access::Scope;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_http::compression::predicate::{Predicate, SizeAbove};

/// The bytes of shorter answers are left out: connections and streams, whose number is bounded, take as much themselves.
const COUNTED_FROM_BYTES: usize = 16 * 1024;
/// So much is handed to the connection at once, as a copy: what it buffers is its own, and the rest goes with what is held here.
const PIECE_BYTES: usize = 16 * 1024;
/// What is counted for an answer that is read out of the store while the client takes it: as much as is read of it in advance.
const STREAM_BYTES: usize = 512 * 1024;
/// What the coding that takes most (zstd) takes while an answer is compressed, with what it has put out: measured, 310 KiB.
const COMPRESSOR_BYTES: usize = 320 * 1024;
/// How answers may be compressed.
const CODINGS: [&str; 3] = ["br", "gzip", "zstd"];
/// Answers of fewer bytes are sent as they are: compressed they would hardly be smaller.
const COMPRESS_FROM_BYTES: u64 = 1024;
/// Answers that may be long and are put together at the same time: what is not counted yet is bounded by that. Reading one takes a part
/// of a millisecond, so these are thousands in a second.
pub(crate) const MAKING_AT_ONCE: usize = 16;

/// An answer may be compressed: what that takes has been counted. Every other one is sent as it is.
#[derive(Debug, Clone, Copy)]
struct MayCompress;

/// Which answers are compressed.
pub(super) fn is_compressed() -> impl Predicate {
    let is_counted =
        |_, _, _: &_, extensions: &axum::http::Extensions| extensions.get::<MayCompress>().is_some();
    SizeAbove::new(COMPRESS_FROM_BYTES).and(is_counted)
}

/// Puts together one of few answers at a time, for routes that read what may be long. Callers are served in the order in which they came.
pub(crate) async fn in_turn(request: Request, next: Next) -> Response {
    // It is there behind admission; and nobody closes the queue.
    let Some(app) = request.extensions().get::<App>().cloned() else {
        return ApiError::internal().into_response();
    };
    let _turn = app.turns().acquire().await;
    next.run(request).await
}

/// How answers to a caller are held.
pub(super) struct Holding {
    app: App,
    party: Party,
    rule: AccessRule,
    /// Whether the caller takes compressed ones.
    compressed: bool,
}

impl Holding {
    /// For the answer to `request`.
    pub(super) fn of(app: &App, party: Party, rule: AccessRule, request: &Request) -> Self {
        let compressed = CODINGS.iter().any(|coding| accept_encoding::takes(request.headers(), coding));
        Self { app: app.clone(), party, rule, compressed }
    }

    /// Counts `response`. Where there is no room for a long one, a caller who has only read gets an error in place of it. What was changed has to be
    /// told: that is counted all the same, and leaves the caller less for what comes next. Where there is no room for compressing, an answer
    /// is sent as it is.
    pub(super) fn hold(self, mut response: Response) -> Response {
        let length = response.body().size_hint().exact();
        let bytes = match length {
            Some(length) => usize::try_from(length).unwrap_or(usize::MAX),
            None if self.rule.scope == Scope::Read => STREAM_BYTES,
            // It tells line by line what becomes of lines that come, and those are counted where they are read.
            None => 0,
        };
        let mut reserved = self.app.body_budget().reserve(self.party);
        let is_counted = bytes >= COUNTED_FROM_BYTES;
        if is_counted && reserved.grow(bytes).is_err() {
            if self.rule.scope == Scope::Read {
                return ApiError::no_room_for_answer().into_response();
            }
            reserved.owe(bytes);
        }
        let is_worth_it = self.compressed && length.is_none_or(|bytes| bytes >= COMPRESS_FROM_BYTES);
        let compresses = is_worth_it && reserved.grow(COMPRESSOR_BYTES).is_ok();
        if compresses {
            response.extensions_mut().insert(MayCompress);
        }
        if !is_counted && !compresses {
            return response;
        }
        response.map(|whole| Body::new(Held { whole, piece: Bytes::new(), _reserved: reserved }))
    }
}

/// A body that is handed out in pieces.
struct Held {
    whole: Body,
    /// What is left of the frame that was taken from the whole.
    piece: Bytes,
    /// Given back when the connection has taken the last piece, or given up.
    _reserved: Reserved,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.piece.is_empty() {
            let frame = match ready!(Pin::new(&mut self.whole).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                ended => return Poll::Ready(ended),
            };
            match frame.into_data() {
                Ok(data) => self.piece = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let next = self.piece.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&self.piece.split_to(next))))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let whole = self.whole.size_hint();
        whole.exact().map_or(whole, |rest| SizeHint::with_exact(rest + self.piece.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::app;
    use crate::config::ServerConfig;
    use axum::http::Method;
    use axum::http::header::ACCEPT_ENCODING;
    use http_body_util::BodyExt as _;

    fn answer_to(app: &App, party: &str, method: &Method, bytes: usize, encoding: Option<&str>) -> Response {
        let rule = AccessRule::of(method, "/api/v1/documents");
        let mut request = Request::new(Body::empty());
        if let Some(encoding) = encoding {
            request.headers_mut().insert(ACCEPT_ENCODING, encoding.parse().unwrap());
        }
        let holding = Holding::of(app, Party::from(party), rule, &request);
        holding.hold(Response::new(Body::from(vec![b'a'; bytes])))
    }

    fn answer(app: &App, party: &str, method: &Method, bytes: usize) -> Response {
        answer_to(app, party, method, bytes, None)
    }

    #[tokio::test]
    async fn a_long_answer_is_counted_until_its_last_piece_was_taken() {
        let app = app(ServerConfig::default());
        let bytes = 3 * PIECE_BYTES + 1024;
        let mut body = answer(&app, "one", &Method::GET, bytes).into_body();
        assert_eq!(body.size_hint().exact(), Some(bytes as u64));
        let mut taken = 0;
        while taken < bytes {
            assert_eq!(app.body_budget().held_bytes(), bytes);
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE_BYTES);
            taken += piece.len();
            assert_eq!(body.size_hint().exact(), Some((bytes - taken) as u64));
        }
        assert!(body.is_end_stream());
        drop(body);
        assert_eq!(app.body_budget().held_bytes(), 0);
    }

    #[tokio::test]
    async fn an_answer_without_room_is_refused_unless_it_tells_of_a_change() {
        let app = app(ServerConfig { max_body_bytes_in_flight: 0, ..ServerConfig::default() });
        let most = app.body_budget().limit_bytes();
        let held = answer(&app, "one", &Method::GET, most);
        assert_eq!(answer(&app, "other", &Method::GET, COUNTED_FROM_BYTES).status(), 503);
        assert_eq!(answer(&app, "other", &Method::GET, COUNTED_FROM_BYTES - 1).status(), 200);
        let owed = answer(&app, "other", &Method::POST, most);
        assert_eq!(owed.status(), 200);
        drop(held);
        // There is room, but not for whoever has had it already.
        assert_eq!(answer(&app, "other", &Method::GET, COUNTED_FROM_BYTES).status(), 503);
        assert_eq!(answer(&app, "one", &Method::GET, COUNTED_FROM_BYTES).status(), 200);
        drop(owed);
        assert_eq!(answer(&app, "other", &Method::GET, COUNTED_FROM_BYTES).status(), 200);
        assert_eq!(app.body_budget().held_bytes(), 0);
    }

    #[tokio::test]
    async fn an_answer_is_compressed_only_where_there_is_room_for_that() {
        let app = app(ServerConfig { max_body_bytes_in_flight: 0, ..ServerConfig::default() });
        let compresses = |bytes| {
            let answer = answer_to(&app, "one", &Method::GET, bytes, Some("zstd"));
            (is_compressed().should_compress(&answer), answer)
        };
        let (is_compressed, held) = compresses(2048);
        assert!(is_compressed && app.body_budget().held_bytes() == COMPRESSOR_BYTES);
        assert!(!compresses(1000).0);
        drop(held);
        let _other = answer(&app, "other", &Method::GET, app.body_budget().limit_bytes());
        let (is_compressed, answer) = compresses(2048);
        assert!(!is_compressed && answer.status() == 200);
    }
}
