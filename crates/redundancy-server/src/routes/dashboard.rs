//! `GET /`: what the service is doing, and a form to try it.

use super::assets;
use axum::response::Response;

/// The page. What it shows it gets from the API, by a script of this server.
pub(super) async fn page() -> Response {
    assets::page(include_str!("../../assets/dashboard.html"))
}
