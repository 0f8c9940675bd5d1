//! `GET /metrics`: what Prometheus scrapes.

use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Exposition;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use std::time::Duration;

/// How long a scrape waits for the count of documents.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Metrics for Prometheus
///
/// Prometheus text, or `OpenMetrics` text when `Accept` asks for `application/openmetrics-text`.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Monitoring",
    responses((status = 200, description = "All metrics", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8")),
)]
pub(crate) async fn scrape(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let exposition = wanted(&headers);
    let content_type = match exposition {
        Exposition::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    // At the same time, so that a store that does not answer is waited for once.
    let workspaces = app.workspaces();
    let counted = try_join_all(workspaces.iter().map(|workspace| workspace.engine.document_counts()));
    let ((), (), counts) = tokio::join!(
        app.metrics().webhooks().refresh(&workspaces, app.clock()),
        app.metrics().look_at(&app),
        tokio::time::timeout(STORE_TIMEOUT, counted),
    );
    // When a store does not answer, what was said last is shown.
    if let Ok(Ok(counts)) = counts {
        let counts = counts.iter().flatten().map(|(_, documents)| documents);
        app.metrics().detection().documents(counts.sum());
    }
    let body = app.metrics().render(exposition).map_err(|_| ApiError::internal())?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response())
}

fn wanted(headers: &HeaderMap) -> Exposition {
    let names_open_metrics = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|accept| accept.to_ascii_lowercase().contains("application/openmetrics-text"))
    };
    if headers.get_all(ACCEPT).iter().any(names_open_metrics) {
        Exposition::OpenMetrics
    } else {
        Exposition::Prometheus
    }
}
