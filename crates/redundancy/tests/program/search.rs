//! `redundancy search` against the index of a real service.

use serde_json::json;

use crate::kit::Place;

#[test]
fn what_a_text_shares_with_the_index_is_shown_with_its_places() {
    let words = |from: u32, to: u32| (from..to).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
    let copied = words(40, 70);
    let place = Place::new()
        .file("draft.md", format!("# Título ñ\n\nSomething of its own.\n\n{copied}\n\nAnd something else.\n"))
        .file("other.txt", "Nothing that stands anywhere else, as far as anybody knows.");
    let service = place.serve(&[("WEBHOOK_STORAGE_TYPE", "memory")]);
    let document = json!({"id": "source", "content": words(0, 200), "collection": "press"});
    assert_eq!(service.post("/api/v1/documents", &document).status, 201);
    let search = |more: &[&str]| {
        let url = service.url();
        let common = ["search", "draft.md", "other.txt", "--collection", "press", "--url", &url];
        place.run(&[&common[..], more].concat())
    };
    let shown = search(&["--mode", "contained"]).ended_with(0);
    for part in ["draft.md  1 match", "source in press", "line 5, 30 words", "word40", "other.txt  no match"]
    {
        assert!(shown.out.contains(part), "{part:?} in {}", shown.out);
    }
    let lines = search(&["--mode", "contained", "--json", "--fail-if-found"]).ended_with(1).out;
    let found: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&found["file"], &found["matches"][0]["document_id"]), (&json!("draft.md"), &json!("source")));
    let span = &found["matches"][0]["passages"][0]["query"];
    let at = |end: &str| usize::try_from(span[end].as_u64().unwrap()).unwrap();
    let text: Vec<char> = found["content"].as_str().unwrap().chars().collect();
    assert_eq!(text[at("start")..at("end")].iter().collect::<String>(), copied);
    assert!(search(&[]).ended_with(0).out.contains("draft.md  no match"));
    let url = service.url();
    let refused = place.run(&["search", "draft.md", "--collection", "no such name", "--url", &url]);
    assert!(refused.ended_with(1).err.contains("collection"));
}

#[test]
fn no_more_matches_can_be_asked_for_than_the_service_gives() {
    let place = Place::new().file("draft.txt", "one two three");
    let service = place.serve(&[("WEBHOOK_STORAGE_TYPE", "memory")]);
    let url = service.url();
    place.run(&["search", "draft.txt", "--limit", "100", "--url", &url]).ended_with(0);
    let refused = place.run(&["search", "draft.txt", "--limit", "101", "--url", &url]).ended_with(2);
    assert!(refused.err.contains("1..=100"), "{}", refused.err);
}
