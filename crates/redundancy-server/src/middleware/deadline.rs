//! Ends a request that takes too long, whether its body does not arrive or its work does not end.

use crate::error::ApiError;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Gives `work` up to `limit` to answer, then drops it and answers 504.
pub(super) async fn enforce(limit: Duration, work: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, work).await {
        Ok(response) => response,
        Err(_) => ApiError::timeout(limit).into_response(),
    }
}
