//! What the three analyses answer, held against values worked out by hand.

use crate::service::Service;
use serde_json::{Value, json};

const PASSAGE: &str = "the quick brown fox jumps over the lazy dog while seven wizards quietly judge my vow";
const OTHER: &str =
    "every other sentence here carries something new and quite different from what came before it today";

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn assert_close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[tokio::test]
async fn analyze_answers_with_every_field_of_the_contract() {
    let text = format!("{PASSAGE}.\n\n{OTHER}.\n\n{PASSAGE}.");
    let data = Service::new().post("/api/v1/analyze", &json!({"content": text})).await.data();
    let (all, repeated) = (words(&text), words(PASSAGE));
    assert!(data["analysis_id"].as_str().unwrap().starts_with("ana_"));
    assert_eq!(data["language"]["code"], "en");
    assert_eq!(data["counts"]["words"], all);
    assert_eq!(data["counts"]["characters"], text.len());
    assert_eq!(data["counts"]["sentences"], 3);
    assert_eq!(data["counts"]["paragraphs"], 3);
    assert_close(&data["redundancy_score"], repeated as f64 / all as f64);
    let unique = data["counts"]["unique_words"].as_f64().unwrap();
    assert_close(&data["lexical_redundancy"], 1.0 - unique / all as f64);
    assert!(data["compression_ratio"].as_f64().unwrap() > 1.0);
    assert_eq!(data["repeated_passages"].as_array().unwrap().len(), 1);
    assert_eq!(data["repeated_passages"][0]["words"], repeated);
    assert_eq!(data["repeated_passages"][0]["text"], PASSAGE);
    let second = PASSAGE.len() + OTHER.len() + 2 * ".\n\n".len();
    let spans = json!([{"start": 0, "end": PASSAGE.len()}, {"start": second, "end": second + PASSAGE.len()}]);
    assert_eq!(data["repeated_passages"][0]["occurrences"], spans);
    assert_eq!(data["repeated_phrases"], json!([]));
    assert_eq!(data["duplicate_sentences"][0]["occurrences"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_content_hash_is_blake3_of_the_exact_bytes() {
    let service = Service::new();
    // As `b3sum` prints it.
    let data = service.post("/api/v1/analyze", &json!({"content": "abc"})).await.data();
    let expected = "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    assert_eq!(data["content_hash"], expected);
    assert_eq!(data["normalized_hash"], expected);
    let louder = service.post("/api/v1/analyze", &json!({"content": "ABC!"})).await.data();
    assert_ne!(louder["content_hash"], expected);
    assert_eq!(louder["normalized_hash"], expected);
}

#[tokio::test]
async fn spans_count_what_the_caller_asks_for() {
    let service = Service::new();
    let text = format!("¡Qué día! 😀 {PASSAGE} — ñandú 😀 {PASSAGE}");
    let start = text.find(PASSAGE).unwrap();
    let before = &text[..start];
    let expected =
        [("chars", before.chars().count()), ("bytes", start), ("utf16", before.encode_utf16().count())];
    for (unit, start) in expected {
        let data =
            service.post("/api/v1/analyze", &json!({"content": text, "offset_unit": unit})).await.data();
        let first = &data["repeated_passages"][0]["occurrences"][0];
        assert_eq!(first, &json!({"start": start, "end": start + PASSAGE.len()}), "{unit}");
    }
}

#[tokio::test]
async fn options_reach_the_analysis() {
    let service = Service::new();
    let passages = async |min_passage_words: usize| {
        let body = json!({"content": "one two three four. one two three four.", "min_passage_words": min_passage_words});
        service.post("/api/v1/analyze", &body).await.data()["repeated_passages"].as_array().unwrap().len()
    };
    assert_eq!((passages(4).await, passages(5).await), (1, 0));
    for path in ["/api/v1/analyze", "/api/v1/quality"] {
        let data =
            service.post(path, &json!({"content": "El gato duerme.", "language": "FR-ca"})).await.data();
        assert_eq!(data["language"], json!({"code": "fr", "confidence": 1.0}), "{path}");
    }
}

#[tokio::test]
async fn similarity_measures_what_two_texts_share() {
    let service = Service::new();
    let compare = async |text1: &str, text2: &str| {
        service.post("/api/v1/similarity", &json!({"text1": text1, "text2": text2})).await.data()
    };
    let same = compare(PASSAGE, &PASSAGE.to_uppercase()).await;
    assert_eq!(same["similarity_score"], 1.0);
    assert_eq!(same["is_similar"], true);
    assert_eq!(same["threshold"], 0.8);
    assert_eq!(same["jaccard"], 1.0);
    assert_eq!(same["matches"][0]["text1"], json!({"start": 0, "end": PASSAGE.len()}));
    let nothing = compare(PASSAGE, OTHER).await;
    assert_eq!(nothing["similarity_score"], 0.0);
    assert_eq!(nothing["is_similar"], false);
    assert_eq!(nothing["matches"], json!([]));
    let part = compare(&format!("{OTHER} {PASSAGE}"), PASSAGE).await;
    let (shared, all) = (words(PASSAGE), 2 * words(PASSAGE) + words(OTHER));
    assert_close(&part["similarity_score"], 2.0 * shared as f64 / all as f64);
    assert_eq!(part["containment"]["text2_in_text1"], 1.0);
    assert!(part["common_words"].as_array().unwrap().contains(&"fox".into()));
}

#[tokio::test]
async fn the_threshold_decides_what_counts_as_similar() {
    let service = Service::new();
    let body = |threshold: f64| json!({"text1": format!("{OTHER} {PASSAGE}"), "text2": PASSAGE, "threshold": threshold});
    for (threshold, is_similar) in [(0.0, true), (0.6, true), (0.7, false), (1.0, false)] {
        let data = service.post("/api/v1/similarity", &body(threshold)).await.data();
        assert_eq!(
            (&data["is_similar"], &data["threshold"]),
            (&is_similar.into(), &threshold.into()),
            "{data}"
        );
    }
}

#[tokio::test]
async fn quality_uses_the_formulas_of_the_language() {
    let service = Service::new();
    let judge =
        async |content: &str| service.post("/api/v1/quality", &json!({"content": content})).await.data();
    let english = judge("The cat sat on the mat. The dog ran to the red barn. We all had fun.").await;
    assert_eq!(english["language"]["code"], "en");
    assert_eq!(english["quality_rating"], "Excellent");
    assert!(english["metrics"]["flesch_reading_ease"].is_number());
    assert!(english["metrics"]["lix"].is_number());
    assert!(english["lexical_diversity"]["mtld"].is_number());
    assert_eq!(english["redundancy_score"], 0.0);
    let spanish =
        judge("El gato duerme en la casa. La niña come pan con su madre. Hoy hace sol y vamos al mar.").await;
    assert_eq!(spanish["language"]["code"], "es");
    assert!(spanish["metrics"]["fernandez_huerta"].is_number());
    assert!(spanish["metrics"]["inflesz"].is_string());
}

#[tokio::test]
async fn suggestions_point_at_their_place_in_the_unit_asked_for() {
    let text = format!("😀 Short. {}.", ["This goes on and on without an end in sight"; 8].join(" and "));
    let body = json!({"content": text, "offset_unit": "utf16", "language": "en"});
    let data = Service::new().post("/api/v1/quality", &body).await.data();
    let suggestions = data["suggestions"].as_array().unwrap();
    let units: Vec<u16> = text.encode_utf16().collect();
    let spans: Vec<String> = suggestions
        .iter()
        .filter(|suggestion| suggestion["code"] == "long_sentence")
        .map(|suggestion| {
            let position = |name: &str| usize::try_from(suggestion["span"][name].as_u64().unwrap()).unwrap();
            String::from_utf16(&units[position("start")..position("end")]).unwrap()
        })
        .collect();
    assert_eq!(spans.len(), 1, "{suggestions:?}");
    assert!(spans[0].starts_with("This goes on"), "{spans:?}");
}

#[tokio::test]
async fn a_user_id_is_taken_from_the_body_or_the_header() {
    let service = Service::new();
    service.post("/api/v1/analyze", &json!({"content": "a text", "user_id": "José 1"})).await.data();
    let headers = [("content-type", "application/json"), ("x-user-id", "u-1")];
    service.post_bytes("/api/v1/analyze", &headers, r#"{"content": "a text"}"#).await.data();
    service
        .post("/api/v1/analyze", &json!({"content": "a text", "user_id": null, "language": null}))
        .await
        .data();
}
