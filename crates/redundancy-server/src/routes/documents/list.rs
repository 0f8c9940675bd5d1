//! `GET /api/v1/documents`: lists documents.

use super::shown::DocumentData;
use crate::app::App;
use crate::envelope::{Envelope, PageData};
use crate::error::ApiError;
use crate::request::query::{self, Parameters, Queried};
use crate::request::rules::Refusal;
use crate::routes::paging::{self, Key};
use axum::extract::State;
use redundancy_engine::CollectionName;
use redundancy_engine::catalog::{DocumentNumber, Listed};
use redundancy_engine::webhook::store::PageRequest;

/// Which part of which collection is asked for.
pub(crate) struct CollectionPage {
    pub(crate) collection: Option<CollectionName>,
    pub(crate) page: PageRequest<DocumentNumber>,
}

/// The parameters of lists of documents.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read parameter by parameter")]
pub(crate) struct ListParameters {
    /// Only documents of this collection.
    collection: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer to go on after.
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
    State(app): State<App>,
    Queried(CollectionPage { collection, page }): Queried<CollectionPage>,
) -> Result<Envelope<PageData<DocumentData>>, ApiError> {
    let page = app.engine().documents(collection.as_ref(), page).await?;
    Ok(Envelope::ok(PageData::new(page.items, page.next.as_ref().map(Key::to_cursor))))
}

impl query::Query for CollectionPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let collection = parameters.optional("collection", |text| {
            text.parse().map_err(|error: redundancy_engine::document::InvalidName| Refusal::of_domain(&error))
        });
        let page = paging::page(parameters);
        Some(Self { collection: collection?, page: page? })
    }
}

impl Key for DocumentNumber {
    fn to_cursor(&self) -> String {
        format!("put.{}", self.0)
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        let number = cursor.strip_prefix("put.")?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|_| is_plain).map(Self)
    }
}

impl From<Listed> for DocumentData {
    fn from(listed: Listed) -> Self {
        Self::new(&listed.document, None)
    }
}
