//! Lists in parts: a cursor goes on with the request it was given for, and with no other.

use crate::documents::DOCUMENTS;
use crate::service::Service;
use crate::webhooks::{self, DEAD_LETTERS, DELIVERIES, ENDPOINTS};
use serde_json::{Value, json};

const CLUSTERS: &str = "/api/v1/duplicates/clusters";
const BATCHES: &str = "/api/v1/batches";

/// A service in which every list has several parts.
async fn service() -> Service {
    let service = Service::new();
    for (id, collection) in
        [("a", "one"), ("b", "one"), ("c", "two"), ("d", "two"), ("e", "one"), ("f", "one")]
    {
        let body = json!({"content": format!("the same words in {collection}"), "collection": collection});
        service.put(&format!("{DOCUMENTS}/{id}"), &body).await.data_with(201);
    }
    let other = json!({"content": "two of another kind", "collection": "one"});
    for id in ["g", "h"] {
        service.put(&format!("{DOCUMENTS}/{id}"), &other).await.data_with(201);
    }
    for id in ["first", "second", "third"] {
        webhooks::register(&service, "http://127.0.0.1:1/", json!({"id": id})).await;
        let batch = json!({"operation": "quality", "items": [{"content": id}]});
        service.post(BATCHES, &batch).await.data_with(202);
    }
    webhooks::publish(&service, "own.kind").await;
    service
}

async fn cursor(service: &Service, path: &str) -> String {
    let page = service.get(path).await.data();
    page["next_cursor"].as_str().unwrap_or_else(|| panic!("{path} has one part: {page}")).to_owned()
}

/// The list goes on there, to its end.
async fn goes_on(service: &Service, path: &str) -> Value {
    service.get(path).await.data()["items"].clone()
}

async fn is_refused(service: &Service, path: &str) {
    let reply = service.get(path).await;
    let error = reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["?cursor"], "{path}");
    assert!(error["message"].as_str().unwrap().contains("begin again without a cursor"), "{error}");
}

#[tokio::test]
async fn a_cursor_of_another_list_or_of_another_choice_is_refused() {
    let service = service().await;
    let lists = [
        format!("{DOCUMENTS}?collection=one&limit=2"),
        format!("{DOCUMENTS}?limit=2"),
        format!("{DOCUMENTS}?collection=two&limit=1"),
        format!("{CLUSTERS}?collection=one&limit=1"),
        format!("{ENDPOINTS}?limit=1"),
        format!("{BATCHES}?limit=1"),
        format!("{DELIVERIES}?limit=1"),
        format!("{DELIVERIES}?limit=1&event_type=own.kind"),
        format!("{DELIVERIES}?limit=1&since=0&event_type=own.kind"),
    ];
    for list in &lists {
        let cursor = cursor(&service, list).await;
        assert!(!goes_on(&service, &format!("{list}&cursor={cursor}")).await.as_array().unwrap().is_empty());
        for other in lists.iter().filter(|other| *other != list) {
            is_refused(&service, &format!("{other}&cursor={cursor}")).await;
        }
        is_refused(&service, &format!("{DEAD_LETTERS}?limit=1&cursor={cursor}")).await;
    }
}

#[tokio::test]
async fn how_many_are_wanted_may_change_from_part_to_part_and_so_may_the_order_of_parameters() {
    let service = service().await;
    let cursor = cursor(&service, &format!("{DOCUMENTS}?collection=one&limit=1")).await;
    let rest = goes_on(&service, &format!("{DOCUMENTS}?cursor={cursor}&limit=200&collection=one")).await;
    let ids: Vec<&str> = rest.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["b", "e", "f", "g", "h"]);
}

#[tokio::test]
async fn a_cursor_that_is_cut_or_changed_is_refused() {
    let service = service().await;
    for list in [DOCUMENTS, ENDPOINTS, BATCHES, DELIVERIES].map(|list| format!("{list}?limit=1")) {
        let cursor = cursor(&service, &list).await;
        for end in 0..cursor.len() {
            is_refused(&service, &format!("{list}&cursor={}", &cursor[..end])).await;
        }
        for changed in [format!("{cursor}0"), format!("0{cursor}"), "%00".to_owned(), "%ff.%ff".to_owned()] {
            is_refused(&service, &format!("{list}&cursor={changed}")).await;
        }
    }
}
