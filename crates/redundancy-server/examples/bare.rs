//! The least that a service on axum does: `bare PORT` answers `GET /health` with a constant and `POST /api/v1/analyze` with what it was sent, read
//! as JSON and written again. `evals/overhead.py` measures the real service against it.

#![allow(clippy::unwrap_used, reason = "a tool for measuring, not a part of the product")]

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

async fn health() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#)
}

async fn echo(body: Bytes) -> Result<impl IntoResponse, StatusCode> {
    let read: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(([(CONTENT_TYPE, "application/json")], read.to_string()))
}

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let router = Router::new().route("/health", get(health)).route("/api/v1/analyze", post(echo));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let tasks = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = TowerToHyperService::new(router.clone());
        tasks.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
