//! Limits how many requests are worked on at once. One more is answered at once, before its body is read: a queue would only
//! make everybody wait, and those at its end for nothing. Of callers who say who they are, none gets more than three quarters of the places.

use super::caller::Party;
use crate::app::App;
use crate::error::ApiError;
use crate::serve::Unplaced;
use crate::shares::Share;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use redundancy_engine::access::Actor;
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

/// The error for a request of HTTP/2 that is one more than all connections may have open.
pub(super) fn unplaced(app: &App, request: &Request) -> Option<ApiError> {
    request.extensions().get::<Unplaced>()?;
    app.metrics().crowd_out();
    Some(ApiError::unavailable(
        "Too many requests are open. Try again after the time in Retry-After.",
        RETRY_AFTER,
    ))
}

/// A place of its party's share for whoever has proved who it is. Those who are told apart by addresses alone share all places: there may be a
/// proxy between them and the service.
pub(super) fn share(app: &App, actor: &Actor, party: &Party) -> Result<Option<Share>, ApiError> {
    if matches!(actor, Actor::Anonymous) {
        return Ok(None);
    }
    let mut place = app.places().none(party.clone());
    if place.grow(1).is_err() {
        app.metrics().crowd_out();
        let message = "Too many of your requests are under way. Try again after the time in Retry-After.";
        return Err(ApiError::unavailable(message, RETRY_AFTER));
    }
    Ok(Some(place))
}
