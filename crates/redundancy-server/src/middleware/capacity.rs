//! Limits how many requests are worked on at once. One more is answered at once, before its body is read: a queue would only
//! make everybody wait, and those at its end for nothing.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// What a client that was turned away is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Lets a request through while there is room, else answers 503.
pub(super) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.capacity().try_acquire() else {
        app.metrics().crowd_out();
        let message = "Too many requests are under way. Try again after the time in Retry-After.";
        return ApiError::unavailable(message, RETRY_AFTER).into_response();
    };
    next.run(request).await
}
