//! Searching the index, and the clusters in it.

use crate::documents::{DOCUMENTS, text};
use crate::service::Service;
use serde_json::{Value, json};

const SEARCH: &str = "/api/v1/duplicates/search";
const CLUSTERS: &str = "/api/v1/duplicates/clusters";

async fn put(service: &Service, id: &str, content: &str) {
    service.put(&format!("{DOCUMENTS}/{id}"), &json!({"content": content})).await.data_with(201);
}

fn ids(data: &Value) -> Vec<&str> {
    data["matches"].as_array().unwrap().iter().map(|found| found["document_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_best_match_comes_first_and_figures_are_exact() {
    let service = Service::new();
    let original = text(1, 104);
    put(&service, "same", &original).await;
    put(&service, "near", &original.replace("w1x50 ", "other ")).await;
    put(&service, "words", &original.to_uppercase()).await;
    put(&service, "else", &text(2, 104)).await;
    let found = service.post(SEARCH, &json!({"content": original})).await.data();
    assert_eq!(ids(&found), ["same", "words", "near"]);
    // 100 shingles each, 5 of which hold the changed word.
    let near = &found["matches"][2];
    assert_eq!(near["similarity"].as_f64().unwrap().to_bits(), (95.0_f64 / 105.0).to_bits());
    assert_eq!(near["containment"], json!({"query_in_document": 0.95, "document_in_query": 0.95}));
    let found = service.post(SEARCH, &json!({"content": original, "threshold": 0.95})).await.data();
    assert_eq!(ids(&found), ["same", "words"]);
    let found = service.post(SEARCH, &json!({"content": original, "limit": 1})).await.data();
    assert_eq!(ids(&found), ["same"]);
    let found = service.post(SEARCH, &json!({"content": original, "collection": "other"})).await.data();
    assert!(ids(&found).is_empty());
}

#[tokio::test]
async fn every_fault_of_a_search_is_named() {
    let body = json!({"content": "", "collection": "a b", "threshold": 2, "mode": "far", "limit": 0, "offset_unit": "x"});
    let error = Service::new().post(SEARCH, &body).await.error(422, "ValidationError");
    assert_eq!(error["details"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn clusters_hang_together_by_pairs_and_name_their_weakest_link() {
    let service = Service::new();
    let words: Vec<String> = (0..104).map(|word| format!("w{word}")).collect();
    let with = |changed: &[usize]| {
        let mut words = words.clone();
        for place in changed {
            words[*place] = format!("other{place}");
        }
        words.join(" ")
    };
    // Each is like its neighbour, the ends are not like each other.
    put(&service, "a", &with(&[])).await;
    put(&service, "lone", &text(9, 50)).await;
    put(&service, "b", &with(&[20, 60])).await;
    put(&service, "x", &text(8, 50)).await;
    put(&service, "c", &with(&[20, 60, 80, 95])).await;
    put(&service, "y", &text(8, 50)).await;
    let clusters = service.get(CLUSTERS).await.data();
    let members = |cluster: &Value| {
        let documents = cluster["documents"].as_array().unwrap().iter();
        documents.map(|member| member["document_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let items = clusters["items"].as_array().unwrap();
    assert_eq!(items.iter().map(members).collect::<Vec<_>>(), [vec!["a", "b", "c"], vec!["x", "y"]]);
    assert_eq!(items[0]["min_similarity"].as_f64().unwrap().to_bits(), (90.0_f64 / 110.0).to_bits());
    assert_eq!(items[1]["min_similarity"], 1.0);

    let first = service.get(&format!("{CLUSTERS}?limit=1")).await.data();
    assert_eq!(members(&first["items"][0]), ["a", "b", "c"]);
    let rest = format!("{CLUSTERS}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(members(&service.get(&rest).await.data()["items"][0]), ["x", "y"]);
}
