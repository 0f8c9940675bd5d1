//! Long answers count against the memory for bodies until their clients have taken them. A client that asks and does not read, on many
//! streams of HTTP/2 without a window or on many connections, would else have the service keep whatever it asked for.

use super::caller::CallerName;
use crate::access_rules::AccessRule;
use crate::app::App;
use crate::error::ApiError;
use crate::request::{NoRoom, Reserved};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use redundancy_engine::access::Scope;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Answers of fewer bytes are left out: connections and streams, whose number is bounded, take more themselves.
const COUNTED_FROM_BYTES: usize = 64 * 1024;
/// So much is handed to the connection at once. What it buffers is its own; the rest is held here.
const PIECE_BYTES: usize = 64 * 1024;

/// Answers that may be long and are put together at the same time: what is not counted yet is bounded by that. The store reads as fast as the
/// rest comes after, so nobody waits who would not wait anyway.
pub(crate) const MAKING_AT_ONCE: usize = 16;

/// Puts together one of few answers at a time, for routes that read what may be long. Callers are served in the order in which they came.
pub(crate) async fn in_turn(request: Request, next: Next) -> Response {
    // It is there behind admission; and nobody closes the queue.
    let Some(app) = request.extensions().get::<App>().cloned() else {
        return ApiError::internal().into_response();
    };
    let _turn = app.turns().acquire().await;
    next.run(request).await
}

/// Counts `response` if it is long and stands in memory as a whole. Where there is no room, a caller who has only read gets an error in
/// place of it; what was changed has to be told.
pub(super) fn hold(app: &App, caller: CallerName, rule: AccessRule, response: Response) -> Response {
    let Some(bytes) = whole_length(&response).filter(|&bytes| bytes >= COUNTED_FROM_BYTES) else {
        return response;
    };
    let mut reserved = app.body_budget().reserve(caller);
    match reserved.grow(bytes) {
        Err(NoRoom) if rule.scope == Scope::Read => ApiError::no_room_for_answer().into_response(),
        Ok(()) | Err(NoRoom) => {
            response.map(|whole| Body::new(Held { whole, piece: Bytes::new(), _reserved: reserved }))
        }
    }
}

/// Bytes of a body that is there already. One that is made while it is read does not know its length.
fn whole_length(response: &Response) -> Option<usize> {
    response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok())
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
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(next)))))
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
    use http_body_util::BodyExt as _;

    fn answer(app: &App, caller: &str, method: &Method, bytes: usize) -> Response {
        let rule = AccessRule::of(method, "/api/v1/documents");
        hold(app, CallerName::from(caller), rule, Response::new(Body::from(vec![b'a'; bytes])))
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
        assert_eq!(answer(&app, "other", &Method::POST, COUNTED_FROM_BYTES).status(), 200);
        drop(held);
        assert_eq!(answer(&app, "other", &Method::GET, COUNTED_FROM_BYTES).status(), 200);
    }
}
