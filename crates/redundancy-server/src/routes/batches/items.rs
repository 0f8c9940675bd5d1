//! Items of batches as requests, and what became of them as lines of JSON. They are read when it is their turn, which may be
//! after a restart.

use super::BatchData;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::metrics::IndexWork;
use crate::middleware::request_id::RequestId;
use crate::request::{Body, lines};
use crate::routes::analyses::FindingsAsJson;
use crate::routes::analyze::AnalyzeBody;
use crate::routes::documents::{AddedData, NewDocumentBody};
use crate::routes::quality::QualityBody;
use crate::routes::similarity::SimilarityBody;
use redundancy_engine::batch::{ItemFormat, ItemTask};
use redundancy_engine::index::Added;
use redundancy_engine::{
    AnalysisId, AnalyzeRequest, Batch, BatchOperation, EngineError, Finding, FindingFormat as _,
    QualityRequest, SimilarityRequest,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use utoipa::ToSchema;

/// What became of an item.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = BatchResult)]
pub(crate) enum ResultData {
    /// It was done.
    Done {
        /// Which item, from 0.
        index: u64,
        /// Always `true`.
        success: bool,
        /// The `data` that the route of the operation answers.
        #[schema(value_type = Object)]
        data: Box<RawValue>,
    },
    /// It could not be done. Others are.
    Failed {
        /// Which item, from 0.
        index: u64,
        /// Always `false`.
        success: bool,
        error: ErrorBody,
    },
}

/// What the event says that tells of the end of a batch.
#[derive(Serialize)]
struct Ended {
    #[serde(flatten)]
    batch: BatchData,
    /// From its first item to its end.
    seconds: f64,
}

/// Reads and writes items for one app.
pub(crate) struct Items(pub(crate) App);

impl Items {
    fn body<T: Body>(&self, item: &[u8]) -> Result<T, ApiError> {
        if item.is_empty() {
            let message = "The item is longer than any can be. Split its text.";
            return Err(ApiError::value_too_large(message, Vec::new()));
        }
        lines::read(&self.0, item, "The item")
    }

    fn failed(&self, batch: &Batch, index: u64, error: ApiError) -> String {
        self.0.metrics().detection().batch_item(batch.operation.as_str(), false);
        let request_id = RequestId::known(batch.caller.request_id.as_deref().unwrap_or_default());
        write(&ResultData::Failed { index, success: false, error: error.into_body(&request_id) })
    }

    fn task(&self, batch: &Batch, item: &[u8]) -> Result<ItemTask, ApiError> {
        Ok(match batch.operation {
            BatchOperation::Analyze => {
                ItemTask::Analysis(AnalyzeRequest::from(self.body::<AnalyzeBody>(item)?).into())
            }
            BatchOperation::Similarity => {
                ItemTask::Analysis(SimilarityRequest::from(self.body::<SimilarityBody>(item)?).into())
            }
            BatchOperation::Quality => {
                ItemTask::Analysis(QualityRequest::from(self.body::<QualityBody>(item)?).into())
            }
            BatchOperation::Index => {
                ItemTask::Index(self.body::<NewDocumentBody>(item)?.into_text_of(batch.caller.clone()))
            }
        })
    }
}

fn done(index: u64, data: String) -> String {
    // It has been written as JSON just before.
    let data = RawValue::from_string(data).unwrap_or_default();
    write(&ResultData::Done { index, success: true, data })
}

fn write(data: &impl Serialize) -> String {
    // Strings, numbers and lists of them: that cannot fail.
    serde_json::to_string(data).unwrap_or_default()
}

impl ItemFormat for Items {
    fn read(&self, batch: &Batch, index: u64, item: &[u8]) -> Result<ItemTask, String> {
        self.task(batch, item).map_err(|error| self.failed(batch, index, error))
    }

    fn found(&self, index: u64, id: AnalysisId, finding: Finding, took: Duration) -> String {
        let detection = self.0.metrics().detection();
        detection.analysis(finding.operation(), took);
        detection.batch_item(finding.operation().as_str(), true);
        done(index, FindingsAsJson.whole(id, &finding))
    }

    fn added(&self, index: u64, added: Added) -> String {
        let detection = self.0.metrics().detection();
        detection.matches(IndexWork::PutMany, &added.duplicates);
        detection.batch_item(BatchOperation::Index.as_str(), true);
        done(index, write(&AddedData::from(added)))
    }

    fn refused(&self, batch: &Batch, index: u64, error: EngineError) -> String {
        self.failed(batch, index, error.into())
    }

    fn ended(&self, batch: &Batch) -> String {
        let end = batch.finished_at.unwrap_or(batch.created_at);
        let seconds = end.since(batch.started_at.unwrap_or(end)).as_secs_f64();
        write(&Ended { batch: BatchData::new(batch, end), seconds })
    }
}
