//! `GET /openapi.json`: the document of [`crate::openapi`].

use super::assets::File;
use crate::app::App;
use crate::config::ServerConfig;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documentation",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"),
        (status = 304, description = "It is the one that `If-None-Match` names"),
    ),
)]
pub(crate) async fn document(State(app): State<App>, headers: HeaderMap) -> Response {
    app.documentation().document.answer(&headers)
}

/// The document for a service with this `config`.
pub(super) fn file(config: &ServerConfig) -> File {
    // The document is made of strings, numbers and maps by string; an empty one spares a panic that cannot happen.
    let json = serde_json::to_vec(&crate::openapi::document_of(config)).unwrap_or_default();
    File::new("application/json", json)
}
