//! `GET /openapi.json`: the document of [`crate::openapi`].

use crate::app::App;
use crate::envelope::json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")),
)]
pub(crate) async fn document(State(app): State<App>) -> Response {
    json(StatusCode::OK, &crate::openapi::document_of(app.config()))
}
