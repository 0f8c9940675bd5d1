//! Counts requests and measures how long they take.

use crate::app::App;
use crate::routes::route_of;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// Middleware: counts the request when its answer is known.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let (method, route) = (request.method().clone(), route_of(&request));
    let began = app.clock().monotonic();
    let response = next.run(request).await;
    let duration = app.clock().monotonic().saturating_sub(began);
    app.metrics().request(&method, route, response.status(), duration);
    response
}
