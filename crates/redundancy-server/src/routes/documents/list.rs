//! `GET /api/v1/documents`: lists documents.

use super::shown::DocumentData;
use crate::app::Here;
use crate::envelope::{Envelope, PageData};
use crate::error::ApiError;
use crate::request::cursor::Key;
use crate::request::query::{self, Parameters, Queried};
use crate::request::rules::Refusal;
use crate::routes::paging::{self, Part};
use crate::wire::values::Collection;
use redundancy_engine::CollectionName;
use redundancy_engine::catalog::{DocumentNumber, Listed};

/// Which part of which collection is asked for.
pub(crate) struct CollectionPage {
    pub(crate) collection: Option<CollectionName>,
    pub(crate) part: Part<DocumentNumber>,
}

/// The parameters of lists of documents.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read parameter by parameter")]
pub(crate) struct ListParameters {
    /// Only documents of this collection.
    #[param(value_type = Option<Collection>)]
    collection: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer to go on after, to the same request but for `limit`.
    cursor: Option<String>,
}

/// List documents
///
/// In the order in which they were last put: one that is put again comes once more at the end.
#[utoipa::path(
    get,
    path = "/api/v1/documents",
    operation_id = "list_documents",
    tag = "Documents",
    params(ListParameters),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<DocumentData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(CollectionPage { collection, part: Part { page, list } }): Queried<CollectionPage>,
) -> Result<Envelope<PageData<DocumentData>>, ApiError> {
    let page = app.engine().documents(collection.as_ref(), page).await?;
    Ok(Envelope::ok(paging::answer(list, page.items, page.next.as_ref())))
}

impl query::Query for CollectionPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let collection = parameters.optional("collection", |text| {
            text.parse().map_err(|error: redundancy_engine::document::InvalidName| Refusal::of_domain(&error))
        });
        let part = paging::part(parameters);
        Some(Self { collection: collection?, part: part? })
    }
}

impl Key for DocumentNumber {
    fn to_text(&self) -> String {
        self.0.to_string()
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl From<Listed> for DocumentData {
    fn from(listed: Listed) -> Self {
        Self::new(&listed.document, None)
    }
}
