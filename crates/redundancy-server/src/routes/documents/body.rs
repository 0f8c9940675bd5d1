//! What requests say of a document that is to be put.

use crate::request::fields::Fields;
use crate::request::json::Json;
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Limits, Origin};
use crate::wire::values::{Collection, DocumentName, Text, UserId};
use redundancy_engine::index::NewText;
use redundancy_engine::{Caller, CollectionName, DocumentId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Longest metadata, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 16 * 1024;
/// Metadata of a document that has none.
const NO_METADATA: &str = "{}";

/// A document to be put under the id in the path.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentBody {
    /// The text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    content: String,
    /// Where it belongs. Documents of other collections are neither found by it nor find it.
    #[schema(value_type = Option<Collection>, default = "default")]
    collection: Option<CollectionName>,
    /// Any JSON object of up to 16 KiB. It is given back as it stands here.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// Whether the text itself is kept. Without it the document is found all the same, with the places of what matches.
    #[schema(default = true)]
    store_text: Option<bool>,
    /// The user on whose behalf this is done; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// A document to be put.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocumentBody {
    /// Its id, any but `bulk`, `.` and `..`; made when left out.
    #[schema(value_type = Option<DocumentName>)]
    id: Option<DocumentId>,
    /// The text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    content: String,
    /// Where it belongs. Documents of other collections are neither found by it nor find it.
    #[schema(value_type = Option<Collection>, default = "default")]
    collection: Option<CollectionName>,
    /// Any JSON object of up to 16 KiB. It is given back as it stands here.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// Whether the text itself is kept. Without it the document is found all the same, with the places of what matches.
    #[schema(default = true)]
    store_text: Option<bool>,
    /// The user on whose behalf this is done; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

impl Body for DocumentBody {
    const TEXTS: usize = 1;
    const MAY_WAIT: bool = false;
    const VERBATIM: Option<&'static str> = Some("metadata");

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let content = fields.required("content", rules::text(limits.max_content_bytes));
        let collection = fields.optional("collection", rules::parsed);
        let metadata = fields.optional("metadata", metadata);
        let store_text = fields.optional("store_text", rules::boolean);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self {
            content: content?,
            collection: collection?,
            metadata: metadata?.flatten(),
            store_text: store_text?,
            user_id: user_id?,
        })
    }
}

impl Body for NewDocumentBody {
    const TEXTS: usize = 1;
    const MAY_WAIT: bool = false;
    const VERBATIM: Option<&'static str> = Some("metadata");

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let id = fields.optional("id", id);
        let rest = DocumentBody::read(fields, limits);
        let (id, DocumentBody { content, collection, metadata, store_text, user_id }) = (id?, rest?);
        Some(Self { id, content, collection, metadata, store_text, user_id })
    }
}

fn id(value: Json<'_>) -> Result<DocumentId, Refusal> {
    DocumentId::chosen(&rules::string(value)?).map_err(|error| Refusal::of_domain(&error))
}

/// A JSON object as it stands; nothing of `null`.
fn metadata(value: Json<'_>) -> Result<Option<Box<RawValue>>, Refusal> {
    let object = rules::verbatim(MAX_METADATA_BYTES)(value)?;
    match object.get().as_bytes().first() {
        Some(b'{') => Ok(Some(object)),
        Some(b'n') => Ok(None),
        _ => Err(Refusal::new("must be an object")),
    }
}

impl DocumentBody {
    /// The text, under an id that is known or under a new one.
    pub(super) fn into_text(self, id: Option<DocumentId>, origin: Origin) -> NewText {
        self.into_text_of(id, origin.caller(None))
    }

    /// The same on behalf of somebody else. The `user_id` of the text goes before that of the caller.
    fn into_text_of(self, id: Option<DocumentId>, caller: Caller) -> NewText {
        let metadata = self.metadata.as_deref().map_or(NO_METADATA, RawValue::get).into();
        NewText {
            id,
            collection: self.collection.unwrap_or_default(),
            content: self.content,
            metadata,
            store_text: self.store_text.unwrap_or(true),
            caller: Caller { user_id: self.user_id.or(caller.user_id), ..caller },
        }
    }
}

impl NewDocumentBody {
    /// The text, under its id or under a new one.
    pub(super) fn into_text(self, origin: Origin) -> NewText {
        self.into_text_of(origin.caller(None))
    }

    /// The same on behalf of somebody whose request was answered before.
    pub(crate) fn into_text_of(self, caller: Caller) -> NewText {
        let Self { id, content, collection, metadata, store_text, user_id } = self;
        DocumentBody { content, collection, metadata, store_text, user_id }.into_text_of(id, caller)
    }
}
