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

#[tokio::test]
async fn a_cluster_that_is_not_named_whole_says_so_and_is_told_of_once() {
    let service = Service::new();
    let copies: Vec<String> = (0..2500)
        .map(|number| json!({"id": format!("copy-{number}"), "content": text(1, 40)}).to_string())
        .collect();
    let lines = copies.join("\n");
    let headers = [("content-type", "application/x-ndjson")];
    assert_eq!(service.post_bytes("/api/v1/documents/bulk", &headers, lines).await.status, 200);
    put(&service, "other", &text(2, 40)).await;
    put(&service, "like-other", &format!("{} more", text(2, 40))).await;
    let clusters = service.get(CLUSTERS).await.data();
    let items = clusters["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|cluster| (&cluster["size"], &cluster["is_complete"])).collect();
    assert_eq!(told, [(&json!(500), &json!(false)), (&json!(2), &json!(true))]);
    assert_eq!(clusters["next_cursor"], Value::Null);
}

#[tokio::test]
async fn several_sources_of_one_text_are_found_with_the_places_of_what_was_copied() {
    let service = Service::new();
    let (one, two) = (text(1, 2000), text(2, 3000));
    put(&service, "one", &one).await;
    service
        .put(&format!("{DOCUMENTS}/two"), &json!({"content": format!("ñ😀 {two}"), "store_text": false}))
        .await
        .data_with(201);
    put(&service, "other", &text(3, 2000)).await;
    let copied = |seed: u32, from: u32, to: u32| {
        (from..to).map(|word| format!("w{seed}x{word}")).collect::<Vec<_>>().join(" ")
    };
    let (from_one, from_two) = (copied(1, 700, 740), copied(2, 1000, 1013));
    let content = format!("{} ÑÑ {from_one}. {} {from_two}! {}", text(4, 30), text(5, 30), text(6, 30));
    let body = json!({"content": content, "mode": "contained", "offset_unit": "utf16"});
    let found = service.post(SEARCH, &body).await.data();
    assert_eq!(ids(&found), ["one", "two"]);
    let utf16: Vec<u16> = content.encode_utf16().collect();
    let in_query = |span: &Value| {
        let place = |name: &str| usize::try_from(span[name].as_u64().unwrap()).unwrap();
        String::from_utf16(&utf16[place("start")..place("end")]).unwrap()
    };
    for (found, copied, words) in
        [(&found["matches"][0], &from_one, 40), (&found["matches"][1], &from_two, 13)]
    {
        let passages = found["passages"].as_array().unwrap();
        assert_eq!((passages.len(), &found["kind"]), (1, &json!("contained")));
        assert_eq!((&passages[0]["text"], &passages[0]["words"]), (&json!(copied), &json!(words)));
        assert_eq!(&in_query(&passages[0]["query"]), copied);
    }
    let source = format!("ñ😀 {two}");
    let expected = source[..source.find(&from_two).unwrap()].encode_utf16().count();
    assert_eq!(found["matches"][1]["passages"][0]["document"]["start"], expected);

    // Of neither there is half in the other.
    let body = json!({"content": content, "mode": "contained", "threshold": 0.5});
    assert!(ids(&service.post(SEARCH, &body).await.data()).is_empty());
    let body = json!({"content": from_one, "mode": "contained", "threshold": 1});
    let found = service.post(SEARCH, &body).await.data();
    assert_eq!((ids(&found), &found["matches"][0]["kind"]), (vec!["one"], &json!("contained")));
    put(&service, "part", &from_one).await;
    let body = json!({"content": one, "mode": "contained", "threshold": 0.9});
    let found = service.post(SEARCH, &body).await.data();
    assert_eq!((ids(&found), &found["matches"][1]["kind"]), (vec!["one", "part"], &json!("contains")));
    // As a whole they are not alike.
    assert_eq!(ids(&service.post(SEARCH, &json!({"content": one})).await.data()), ["one"]);
}

#[tokio::test]
async fn short_documents_are_found_in_texts_that_hold_them() {
    let service = Service::new();
    let ids_of_all: Vec<String> = (1..=40).map(|number| format!("n{number}")).collect();
    for (seed, id) in (1..).zip(&ids_of_all) {
        put(&service, id, &text(seed, 7)).await;
    }
    for (seed, id) in (1..).zip(&ids_of_all) {
        let content = format!("{} {} {}", text(100 + seed, 60), text(seed, 7), text(200 + seed, 60));
        let found = service
            .post(SEARCH, &json!({"content": content, "mode": "contained", "threshold": 1}))
            .await
            .data();
        assert_eq!((ids(&found), &found["matches"][0]["kind"]), (vec![id.as_str()], &json!("contains")));
    }
}

#[tokio::test]
async fn boilerplate_does_not_drown_the_source() {
    let service = Service::new();
    let footer = text(0, 60);
    let lines = (1..=60)
        .map(|number| {
            json!({"id": format!("d{number}"), "content": format!("{} {footer}", text(number, 200))})
                .to_string()
                + "\n"
        })
        .collect::<Vec<_>>()
        .concat();
    let headers = [("content-type", "application/x-ndjson")];
    assert_eq!(service.post_bytes("/api/v1/documents/bulk", &headers, lines).await.status, 200);
    let body = json!({"content": format!("{} {footer}", text(7, 40)), "mode": "contained"});
    let found = service.post(SEARCH, &body).await.data();
    assert_eq!(ids(&found), ["d7"]);
    assert!(found["common_fingerprints"].as_u64().unwrap() > 0);
    // The footer of the one that was found is still shown.
    assert_eq!(found["matches"][0]["passages"].as_array().unwrap().len(), 2);
}
