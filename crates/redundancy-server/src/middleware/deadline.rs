//! Ends a request that takes too long, whether its body does not arrive or its work does not end.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Gives the inner service `request_timeout` to answer, then drops it and answers 504.
pub(super) async fn enforce(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.config().request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::timeout(limit).into_response(),
    }
}
