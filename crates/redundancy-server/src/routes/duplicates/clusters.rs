//! `GET /api/v1/duplicates/clusters`: documents that are duplicates of each other.

use crate::app::Here;
use crate::envelope::{Envelope, PageData};
use crate::error::ApiError;
use crate::metrics::IndexWork;
use crate::request::query::Queried;
use crate::routes::documents::list::ListParameters;
use crate::routes::documents::{CollectionPage, kind_name};
use crate::routes::paging::{self, Part};
use redundancy_engine::index::{Cluster, ClusterMember};
use serde::Serialize;
use utoipa::ToSchema;

/// Documents that are connected by pairs of duplicates.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterData {
    /// How many documents are named.
    size: usize,
    /// The lowest similarity of the links by which its documents were found: its weakest link.
    #[schema(example = 0.83, minimum = 0.0, maximum = 1.0)]
    min_similarity: f64,
    /// Whether all its documents are named: of more than 500 only some are.
    is_complete: bool,
    /// Its documents, in the order in which they were put.
    documents: Vec<MemberData>,
}

/// A document in a cluster.
#[derive(Serialize, ToSchema)]
struct MemberData {
    #[schema(example = "policy-7")]
    document_id: String,
    /// The pair by which it belongs to the others; `null` of the first.
    link: Option<LinkData>,
}

/// A verified pair of duplicates.
#[derive(Serialize, ToSchema)]
struct LinkData {
    /// The other document.
    #[schema(example = "policy-3")]
    document_id: String,
    /// `exact`, `normalized_exact` or `near_duplicate`.
    #[schema(example = "near_duplicate", value_type = String)]
    kind: &'static str,
    /// Jaccard index of the sets of word 5-grams.
    #[schema(example = 0.83, minimum = 0.0, maximum = 1.0)]
    similarity: f64,
}

/// Find documents that are duplicates of each other
///
/// Groups connected by verified pairs: the same bytes, the same words, or a Jaccard similarity of 0.8 and more. They are found
/// anew for each answer, from `collection` (`default` when left out) in the order in which documents were put. An answer looks
/// at a bounded number of documents: it may have fewer clusters than `limit`, even none, while `next_cursor` goes on.
#[utoipa::path(
    get,
    path = "/api/v1/duplicates/clusters",
    operation_id = "list_clusters",
    tag = "Documents",
    params(ListParameters),
    responses((status = 200, description = "A part of the clusters", body = Envelope<PageData<ClusterData>>)),
)]
pub(crate) async fn clusters(
    Here(app): Here,
    Queried(CollectionPage { collection, part: Part { page, list } }): Queried<CollectionPage>,
) -> Result<Envelope<PageData<ClusterData>>, ApiError> {
    let collection = collection.unwrap_or_default();
    let gathering = app.engine().clusters(&collection, page);
    let page = app.metrics().detection().timed(app.clock(), IndexWork::Clusters, gathering).await?;
    Ok(Envelope::ok(paging::answer(list, page.clusters, page.next.as_ref())))
}

impl From<Cluster> for ClusterData {
    fn from(cluster: Cluster) -> Self {
        Self {
            size: cluster.members.len(),
            min_similarity: cluster.min_similarity,
            is_complete: cluster.is_complete,
            documents: cluster.members.into_iter().map(MemberData::from).collect(),
        }
    }
}

impl From<ClusterMember> for MemberData {
    fn from(member: ClusterMember) -> Self {
        let link = member.link.map(|(id, kind, similarity)| LinkData {
            document_id: id.to_string(),
            kind: kind_name(kind),
            similarity,
        });
        Self { document_id: member.document_id.to_string(), link }
    }
}
