//! What the answer of one operation is good for in another: the links of the `OpenAPI` document, in one table.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::Operation;

/// A value of an answer that is a parameter of other operations.
struct Way {
    /// The operation that answers it.
    from: &'static str,
    /// With which statuses it does.
    statuses: &'static [&'static str],
    /// Where the value stands in the body, as a JSON pointer.
    pointer: &'static str,
    /// The parameter that takes it.
    parameter: &'static str,
    /// The operations that have this parameter.
    to: &'static [&'static str],
}

const fn way(
    from: &'static str,
    statuses: &'static [&'static str],
    pointer: &'static str,
    parameter: &'static str,
    to: &'static [&'static str],
) -> Way {
    Way { from, statuses, pointer, parameter, to }
}

const OF_BATCH: &[&str] = &["show_batch", "cancel_batch", "get_batch_results"];
const OF_DOCUMENT: &[&str] = &["show_document", "put_document", "delete_document"];
const OF_ENDPOINT: &[&str] = &[
    "show_endpoint",
    "change_endpoint",
    "delete_endpoint",
    "replay",
    "rotate_secret",
    "show_secret",
    "test_endpoint",
];
const BY_ENDPOINT: &[&str] = &["list_deliveries", "list_dead_letters"];
const OF_DELIVERY: &[&str] = &["show_delivery", "cancel_delivery", "retry_delivery"];
const OF_DEAD_LETTER: &[&str] = &["requeue_dead_letter", "delete_dead_letter", "show_delivery"];

const OK: &[&str] = &["200"];
const PUT: &[&str] = &["200", "201"];
const CREATED: &[&str] = &["201"];
const ACCEPTED: &[&str] = &["202"];

const WAYS: [Way; 19] = [
    way("analyze", ACCEPTED, "/data/analysis_id", "id", &["analysis"]),
    way("similarity", ACCEPTED, "/data/analysis_id", "id", &["analysis"]),
    way("quality", ACCEPTED, "/data/analysis_id", "id", &["analysis"]),
    way("create_batch", ACCEPTED, "/data/batch_id", "id", OF_BATCH),
    way("list_batches", OK, "/data/items/0/batch_id", "id", OF_BATCH),
    way("add_document", PUT, "/data/document/id", "id", OF_DOCUMENT),
    way("put_document", PUT, "/data/document/id", "id", OF_DOCUMENT),
    way("list_documents", OK, "/data/items/0/id", "id", &["show_document", "delete_document"]),
    way("search_duplicates", OK, "/data/matches/0/document_id", "id", &["show_document"]),
    way("create_key", CREATED, "/data/id", "id", &["revoke_key"]),
    way("register_endpoint", CREATED, "/data/id", "id", OF_ENDPOINT),
    way("register_endpoint", CREATED, "/data/id", "endpoint_id", BY_ENDPOINT),
    way("publish_event", ACCEPTED, "/data/event_id", "id", &["show_event"]),
    way("publish_event", ACCEPTED, "/data/event_id", "event_id", &["list_deliveries"]),
    way("list_deliveries", OK, "/data/items/0/id", "id", OF_DELIVERY),
    way("list_dead_letters", OK, "/data/items/0/id", "id", OF_DEAD_LETTER),
    way("replay", ACCEPTED, "/data/id", "id", &["show_webhook_job"]),
    way("requeue_dead_letters", ACCEPTED, "/data/id", "id", &["show_webhook_job"]),
    way("list_endpoints", OK, "/data/items/0/id", "id", &["show_endpoint"]),
];

/// Lists that go on behind a cursor, each by itself.
const LISTS: [&str; 8] = [
    "list_audit",
    "list_batches",
    "list_clusters",
    "list_dead_letters",
    "list_deliveries",
    "list_documents",
    "list_endpoints",
    "list_keys",
];

/// Adds to `operation` what its answers are good for.
pub(super) fn add_to(operation: &mut Operation) {
    let Some(id) = operation.operation_id.clone() else { return };
    for Way { statuses, pointer, parameter, to, .. } in WAYS.iter().filter(|way| way.from == id) {
        for target in *to {
            add(operation, statuses, target, &link(target, parameter, pointer));
        }
    }
    if LISTS.contains(&id.as_str()) {
        add(operation, OK, "next", &link(&id, "cursor", "/data/next_cursor"));
    }
}

fn link(target: &str, parameter: &str, pointer: &str) -> Link {
    let expression = format!("$response.body#{pointer}");
    LinkBuilder::new().operation_id(target).parameter(parameter, expression).build()
}

fn add(operation: &mut Operation, statuses: &[&str], name: &str, link: &Link) {
    for status in statuses {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(*status) {
            response.links.insert(name.to_owned(), RefOr::T(link.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_stands_in_the_document() {
        let document = serde_json::to_value(crate::openapi::document("1")).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations: Vec<_> = items.flat_map(|item| item.as_object().unwrap().values()).collect();
        let links = |id: &str, status: &str| {
            let operation = operations.iter().find(|operation| operation["operationId"] == id);
            operation.unwrap_or_else(|| panic!("{id}"))["responses"][status]["links"].clone()
        };
        for Way { from, statuses, to, .. } in WAYS {
            for (status, target) in statuses.iter().flat_map(|status| to.iter().map(move |to| (status, to))) {
                assert!(links(from, status)[target].is_object(), "{from} {status} {target}");
            }
        }
        for list in LISTS {
            assert!(links(list, "200")["next"].is_object(), "{list}");
        }
    }
}
