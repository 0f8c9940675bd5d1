//! `POST /api/v1/documents/bulk`: many documents in one request, one on each line, answered line by line while they arrive.

use super::body::NewDocumentBody;
use super::shown::AddedData;
use crate::app::{App, Here};
use crate::error::{ApiError, ErrorBody};
use crate::metrics::IndexWork;
use crate::request::lines::{Line, Lines, Room};
use crate::request::{NoParameters, Origin, lines};
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use redundancy_engine::EngineError;
use redundancy_engine::index::{Added, NewText};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;

/// Documents that are put together: they share a commit.
const MAX_GROUP: usize = 256;
/// Bytes of lines that are put together.
const MAX_GROUP_BYTES: usize = 2 * 1024 * 1024;
/// How long a group waits for one more line.
const COMPANY_FOR: Duration = Duration::from_millis(2);

/// What became of one line.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LineData {
    /// The document was put.
    Done {
        /// Always `true`.
        success: bool,
        /// Which line, from 1.
        line: u64,
        /// 201 of a new document, 200 of one in place of another.
        status: u16,
        data: Box<AddedData>,
    },
    /// The line was not done. Others are.
    Failed {
        /// Always `false`.
        success: bool,
        /// Which line, from 1.
        line: u64,
        error: ErrorBody,
    },
}

/// The request on its way.
struct Bulk {
    app: App,
    lines: Lines,
    origin: Origin,
    /// Read, and not in a group yet.
    next: Option<Line>,
    is_ended: bool,
}

/// Put many documents
///
/// One JSON object on each line, with the fields of a document to be put. The answer has one line for each, in their order, as
/// soon as it is done; a line at fault is answered with an error and is not the end. Lines without anything in them are skipped.
/// A client that does not read the answers is not read from either, and cut off in the end: read while you send, or send some
/// thousand lines at a time.
#[utoipa::path(
    post,
    path = "/api/v1/documents/bulk",
    operation_id = "add_documents",
    tag = "Documents",
    request_body(content = NewDocumentBody, content_type = "application/x-ndjson"),
    responses((status = 200, description = "What became of each line", body = LineData, content_type = "application/x-ndjson")),
)]
pub(crate) async fn add_all(Here(app): Here, origin: Origin, _: NoParameters, lines: Lines) -> Response {
    let bulk = Bulk { app, lines, origin, next: None, is_ended: false };
    // Fused, because it is asked again after its end when the answer is compressed.
    let answers = futures_util::stream::unfold(bulk, |mut bulk| async {
        let answer = bulk.answer_group().await?;
        Some((Ok::<_, Infallible>(answer), bulk))
    });
    let content_type = HeaderValue::from_static("application/x-ndjson");
    (StatusCode::OK, [(CONTENT_TYPE, content_type)], Body::from_stream(answers.fuse())).into_response()
}

impl Bulk {
    /// Reads some lines and does them. `None` at the end.
    async fn answer_group(&mut self) -> Option<Bytes> {
        if self.is_ended {
            return None;
        }
        // What the group takes is given back when it is answered.
        let app = self.app.clone();
        let mut room = self.lines.room(&app);
        let (group, broken) = self.gather(&mut room).await;
        let mut texts = Vec::new();
        let read: Vec<(u64, Result<(), ApiError>)> = group
            .into_iter()
            .map(|line| {
                let text = line.bytes.and_then(|bytes| self.text(line.number, &bytes));
                (line.number, text.map(|text| texts.push(text)))
            })
            .collect();
        let mut added = put(&app, texts).await.into_iter();
        let mut answer = Vec::new();
        for (number, outcome) in read {
            let outcome = outcome.and_then(|()| {
                added.next().map_or_else(|| Err(ApiError::internal()), |added| added.map_err(ApiError::from))
            });
            self.write(number, outcome, &mut answer);
        }
        if let Some((number, error)) = broken {
            self.write(number, Err(error), &mut answer);
        }
        (!answer.is_empty()).then(|| answer.into())
    }

    /// Waits for a line and takes those that come right behind it. Tells where and why there is no more to be had, if something
    /// is wrong.
    async fn gather(&mut self, room: &mut Room) -> (Vec<Line>, Option<(u64, ApiError)>) {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < MAX_GROUP && bytes < MAX_GROUP_BYTES {
            let next = match self.next.take() {
                Some(line) => Ok(Some(line)),
                None if group.is_empty() => self.lines.next().await,
                None => match timeout(COMPANY_FOR, self.lines.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            let mut line = match next {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.is_ended = true;
                    break;
                }
                Err(error) => {
                    self.is_ended = true;
                    return (group, Some((self.lines.current(), error)));
                }
            };
            let length = line.bytes.as_ref().map_or(0, Vec::len);
            if let Err(error) = room.grow(length) {
                if !group.is_empty() {
                    // When those before it are done there may be room.
                    self.next = Some(line);
                    break;
                }
                line.bytes = Err(error);
            }
            bytes += length;
            group.push(line);
        }
        (group, None)
    }

    fn text(&self, number: u64, line: &[u8]) -> Result<NewText, ApiError> {
        let what = format!("Line {number}");
        Ok(lines::read::<NewDocumentBody>(&self.app, line, &what)?.into_text(self.origin.clone()))
    }

    fn write(&self, line: u64, outcome: Result<Added, ApiError>, answer: &mut Vec<u8>) {
        let data = match outcome {
            Ok(added) => {
                let status = if added.is_new { StatusCode::CREATED } else { StatusCode::OK };
                let (status, data) = (status.as_u16(), Box::new(added.into()));
                LineData::Done { success: true, line, status, data }
            }
            Err(error) => {
                LineData::Failed { success: false, line, error: error.into_body(&self.origin.request_id) }
            }
        };
        // Strings, numbers and lists of them: that cannot fail.
        answer.extend(serde_json::to_vec(&data).unwrap_or_default());
        answer.push(b'\n');
    }
}

/// Puts what can be put of a group, all together.
async fn put(app: &App, texts: Vec<NewText>) -> Vec<Result<Added, EngineError>> {
    if texts.is_empty() {
        return Vec::new();
    }
    let detection = app.metrics().detection();
    let adding = async { Ok::<_, Infallible>(app.engine().add_all(texts).await) };
    let Ok(added) = detection.timed(app.clock(), IndexWork::PutMany, adding).await;
    for added in added.iter().flatten() {
        detection.matches(IndexWork::PutMany, &added.duplicates);
    }
    added
}
