//! What requests say of a batch.

use crate::request::fields::Fields;
use crate::request::json::Json;
use crate::request::query::{self, Parameters};
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Limits};
use crate::wire::values::UserId;
use redundancy_engine::BatchOperation;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Items that one list holds at most. Lines may be more.
const MAX_LISTED: usize = 100_000;
/// What is wrong with a list of more.
const TOO_MANY: &str = "has too many items";

/// A batch.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// What is done with each item.
    #[schema(value_type = OperationName)]
    pub(super) operation: &'static str,
    /// The items, each with the fields of a request for that operation: of `POST /api/v1/analyze`, `/similarity`, `/quality` or
    /// `/documents`. One with wrong fields has an error for its result and does not keep the others from being done.
    #[schema(value_type = Vec<BatchItem>, min_items = 1, max_items = 100_000)]
    pub(super) items: Vec<Arc<[u8]>>,
    /// The user on whose behalf this is asked; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    pub(super) user_id: Option<String>,
}

/// What is done with each item.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BatchOperation)]
#[expect(dead_code, reason = "describes what is read by name")]
pub(crate) enum OperationName {
    /// As `POST /api/v1/analyze`.
    Analyze,
    /// As `POST /api/v1/similarity`.
    Similarity,
    /// As `POST /api/v1/quality`.
    Quality,
    /// As `POST /api/v1/documents`.
    Index,
}

/// An item, by the operation of its batch.
pub(crate) struct BatchItem;

impl PartialSchema for BatchItem {
    /// Any of them and not one of them alone: a text can be all that several operations need.
    fn schema() -> RefOr<Schema> {
        let of = |name: &str, description: &str| {
            Ref::builder().ref_location_from_schema_name(name).description(Some(description)).build()
        };
        AnyOfBuilder::new()
            .item(of("AnalyzeBody", "Of a batch that analyses."))
            .item(of("SimilarityBody", "Of a batch that compares."))
            .item(of("QualityBody", "Of a batch that judges."))
            .item(of("NewDocumentBody", "Of a batch that puts texts into the index."))
            .description(Some("An item, by the operation of its batch."))
            .into()
    }
}

impl ToSchema for BatchItem {}

/// The parameters of a batch that comes as lines.
#[derive(Clone, Copy)]
pub(crate) struct LinesParameters {
    pub(super) operation: BatchOperation,
}

impl Body for BatchBody {
    const TEXTS: usize = 2;
    const MAY_WAIT: bool = false;
    const VERBATIM: Option<&'static str> = Some("items");

    fn read(fields: &mut Fields<'_, '_>, _: Limits) -> Option<Self> {
        let names = BatchOperation::ALL.map(|operation| (operation.as_str(), operation.as_str()));
        let operation = fields.required("operation", rules::one_of(&names));
        let items = fields.required("items", items);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self { operation: operation?, items: items?, user_id: user_id? })
    }
}

impl query::Query for LinesParameters {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let known = BatchOperation::ALL.map(BatchOperation::as_str).join(", ");
        let refused = |how: &str| Refusal::new(format!("{how} one of {known}"));
        let operation = parameters
            .optional("operation", |name| BatchOperation::of_name(name).ok_or_else(|| refused("must be")))?;
        if operation.is_none() {
            parameters.refuse("operation", refused("is missing: what comes as lines needs it,"));
        }
        operation.map(|operation| Self { operation })
    }
}

/// The items of a list, as they stand there.
#[expect(clippy::needless_pass_by_value, reason = "a rule takes the value, as all rules do")]
fn items(value: Json<'_>) -> Result<Vec<Arc<[u8]>>, Refusal> {
    let Json::Verbatim(text) = value else { return Err(Refusal::new("must be a list")) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match deserializer.deserialize_seq(List) {
        Ok(items) if items.is_empty() => Err(Refusal::new("must have at least one item")),
        Ok(items) => Ok(items),
        Err(error) if error.to_string().starts_with(TOO_MANY) => Err(Refusal {
            message: format!(
                "has more than {MAX_LISTED} items: send them as lines of NDJSON, or as several batches"
            ),
            too_large: true,
        }),
        Err(_) => Err(Refusal::new("must be a list")),
    }
}

/// Reads a list without looking into its items.
struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<Arc<[u8]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<&RawValue>()? {
            if items.len() == MAX_LISTED {
                return Err(A::Error::custom(TOO_MANY));
            }
            items.push(Arc::from(item.get().as_bytes()));
        }
        Ok(items)
    }
}
