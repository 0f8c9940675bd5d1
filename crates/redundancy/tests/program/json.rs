//! JSON of the command line: the fields of the API, one line a result.

use serde_json::{Value, json};

use crate::kit::{PASSAGE, Place, Service};

/// A text in which everything is found: passages, phrases, sentences, suggestions.
fn text() -> String {
    format!("¡Qué día! 😀 {PASSAGE} The keeper slept. Then he he woke. {PASSAGE} The keeper slept. Ñandú 😀.")
}

/// What the service answers, without what only the service has.
fn answered(service: &Service, path: &str, body: &Value) -> Value {
    let mut data = service.post(path, body).json()["data"].take();
    assert!(data.as_object_mut().unwrap().remove("analysis_id").is_some());
    data
}

/// What the program prints, without what only the program has.
fn printed(place: &Place, arguments: &[&str]) -> Value {
    let mut found = place.run(arguments).ended_with(0).json();
    found.as_object_mut().unwrap().retain(|field, _| !field.starts_with("file"));
    found
}

#[test]
fn the_command_line_prints_what_the_service_answers() {
    let place = Place::new().file("a.txt", text()).file("b.txt", PASSAGE);
    let service = place.serve(&[]);
    for unit in ["chars", "bytes", "utf16"] {
        assert_eq!(
            printed(&place, &["analyze", "--json", "--offset-unit", unit, "a.txt"]),
            answered(&service, "/api/v1/analyze", &json!({"content": text(), "offset_unit": unit})),
        );
        assert_eq!(
            printed(&place, &["compare", "--json", "--offset-unit", unit, "a.txt", "b.txt"]),
            answered(
                &service,
                "/api/v1/similarity",
                &json!({"text1": text(), "text2": PASSAGE, "offset_unit": unit})
            ),
        );
        assert_eq!(
            printed(&place, &["quality", "--json", "--offset-unit", unit, "a.txt"]),
            answered(&service, "/api/v1/quality", &json!({"content": text(), "offset_unit": unit})),
        );
    }
}

#[test]
fn options_mean_what_they_mean_to_the_service() {
    let place = Place::new().file("a.txt", text()).file("b.txt", PASSAGE);
    let service = place.serve(&[]);
    assert_eq!(
        printed(&place, &["analyze", "--json", "--min-words", "3", "--language", "es-MX", "a.txt"]),
        answered(
            &service,
            "/api/v1/analyze",
            &json!({"content": text(), "min_passage_words": 3, "language": "es-MX"})
        ),
    );
    assert_eq!(
        printed(&place, &["compare", "--json", "--min-words", "12", "--threshold", "0.1", "a.txt", "b.txt"]),
        answered(
            &service,
            "/api/v1/similarity",
            &json!({"text1": text(), "text2": PASSAGE, "min_passage_words": 12, "threshold": 0.1})
        ),
    );
    assert_eq!(
        printed(&place, &["quality", "--json", "--language", "es", "a.txt"]),
        answered(&service, "/api/v1/quality", &json!({"content": text(), "language": "es"})),
    );
}

#[test]
fn several_files_are_several_lines_that_name_them() {
    let place = Place::new().file("a.txt", "one").file("b.txt", "two");
    for command in ["analyze", "quality"] {
        let run = place.run(&[command, "--json", "b.txt", "a.txt"]).ended_with(0);
        let names: Vec<Value> =
            run.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["file"].take()).collect();
        assert_eq!(names, ["b.txt", "a.txt"]);
    }
}
