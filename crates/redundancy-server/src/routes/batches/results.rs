//! `GET /api/v1/batches/{id}/results`: what became of the items, streamed.

use super::items::ResultData;
use crate::app::{App, Here};
use crate::error::ApiError;
use crate::request::path::{Id, Named as _};
use crate::request::query::{self, Parameters, Queried};
use crate::request::rules::Refusal;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use redundancy_engine::{BatchId, EngineError};
use std::io;
use std::sync::Arc;

/// Results that are read at once, and their bytes about.
const PAGE: usize = 512;
const PAGE_BYTES: usize = 512 * 1024;

/// From where on results are wanted.
pub(crate) struct From(u64);

/// The parameters of the results.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read parameter by parameter")]
pub(crate) struct ResultParameters {
    /// The number of the first item whose result is wanted, from 0.
    #[param(minimum = 0, default = 0)]
    from: Option<u64>,
}

impl query::Query for From {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let from = parameters.optional("from", |text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_number);
            number.ok_or_else(|| Refusal::new("must be the number of an item, from 0"))
        });
        Some(Self(from?.unwrap_or_default()))
    }
}

/// Get the results of a batch
///
/// One line for each item that has a result by now, in the order of the items. While the batch goes on, ask again for those that
/// came since, with `from` set to the number of lines that you have.
#[utoipa::path(
    get,
    path = "/api/v1/batches/{id}/results",
    operation_id = "get_batch_results",
    tag = "Batches",
    params(("id" = String, Path, description = "The id of the batch"), ResultParameters),
    responses((status = 200, description = "What became of each item", body = ResultData, content_type = "application/x-ndjson")),
)]
pub(crate) async fn results(
    Here(app): Here,
    Id(id): Id<BatchId>,
    Queried(From(from)): Queried<From>,
) -> Result<Response, ApiError> {
    app.engine().batch(id).await?.ok_or_else(BatchId::unknown)?;
    let first = page(&app, id, from).await?;
    // Fused, because it is asked again after its end when the answer is compressed.
    let pages = futures_util::stream::unfold((app, from, Some(first)), move |(app, from, next)| async move {
        let lines = match next {
            Some(lines) => Ok(lines),
            None => page(&app, id, from).await,
        };
        match lines {
            Ok(lines) if lines.is_empty() => None,
            Ok(lines) => {
                let bytes: Bytes = written(&lines).into();
                Some((Ok(bytes), (app, from + lines.len() as u64, None)))
            }
            // The status is sent already: an answer that breaks off says that it is not whole.
            Err(error) => Some((Err(io::Error::other(error)), (app, u64::MAX, Some(Vec::new())))),
        }
    });
    let content_type = HeaderValue::from_static("application/x-ndjson");
    Ok((StatusCode::OK, [(CONTENT_TYPE, content_type)], Body::from_stream(pages.fuse())).into_response())
}

async fn page(app: &App, id: BatchId, from: u64) -> Result<Vec<Arc<str>>, EngineError> {
    app.engine().batch_results(id, from, PAGE, PAGE_BYTES).await
}

fn written(lines: &[Arc<str>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}
