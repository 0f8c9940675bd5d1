//! Batches as the fields of a hash, and back.

use super::key;
use super::reply::Items;
use redis::Value;
use redundancy_engine::{Batch, BatchId, BatchOperation, BatchState, Caller, StoreError, Timestamp};

/// The version of the record.
const VERSION: u32 = 1;
/// The fields, in the order in which [`read`] wants their values.
pub(super) const FIELDS: [&str; 13] = ["v", "o", "s", "t", "n", "f", "c", "x", "z", "r", "q", "u", "p"];

/// Fields and values of a batch that was not begun. What is absent is left out.
pub(super) fn write(batch: &Batch) -> Vec<String> {
    let mut fields = vec![
        ("v", VERSION.to_string()),
        ("o", batch.operation.as_str().to_owned()),
        ("s", batch.state.as_str().to_owned()),
        ("t", batch.total.to_string()),
        ("n", batch.done.to_string()),
        ("f", batch.failed.to_string()),
        ("c", key::millis(batch.created_at).to_string()),
    ];
    let Caller { request_id, user_id, traceparent } = &batch.caller;
    for (name, text) in [("q", request_id), ("u", user_id), ("p", traceparent)] {
        fields.extend(text.as_ref().map(|text| (name, present(text))));
    }
    fields.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

/// A text that is there begins with a sign, so that an empty one is told from none.
pub(super) fn present(text: &str) -> String {
    format!("={text}")
}

/// A batch from the values of [`FIELDS`]; `None` when there is none.
pub(super) fn read(id: BatchId, values: Value) -> Result<Option<Batch>, StoreError> {
    let unreadable = || StoreError::Unreadable("a batch was written by another version".to_owned());
    let mut values = Items::of(values)?;
    if values.is_empty() {
        return Ok(None);
    }
    let Some(version) = values.parse_optional::<u32>()? else { return Ok(None) };
    if version != VERSION {
        return Err(unreadable());
    }
    let operation = values.text()?.and_then(|name| BatchOperation::of_name(&name));
    let state = values.text()?.and_then(|name| BatchState::of_name(&name));
    let [total, done, failed] = [values.parse()?, values.parse()?, values.parse()?];
    let mut time = || Ok::<_, StoreError>(values.parse_optional::<u64>()?.map(Timestamp::from_millis));
    let (created_at, started_at, finished_at) = (time()?, time()?, time()?);
    let mut text = || {
        let text = values.text()?;
        Ok::<_, StoreError>(text.and_then(|text| text.strip_prefix('=').map(str::to_owned)))
    };
    Ok(Some(Batch {
        id,
        operation: operation.ok_or_else(unreadable)?,
        state: state.ok_or_else(unreadable)?,
        total,
        done,
        failed,
        created_at: created_at.ok_or_else(unreadable)?,
        started_at,
        finished_at,
        error: text()?,
        caller: Caller { request_id: text()?, user_id: text()?, traceparent: text()? },
    }))
}
