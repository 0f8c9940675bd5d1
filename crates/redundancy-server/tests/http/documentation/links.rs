//! The links of the `OpenAPI` document: what they name is there, and what they take stands in the answer.

use super::{document, operations, resolved};
use serde_json::Value;

/// The schema of what stands at `pointer` in a body.
fn at<'d>(document: &'d Value, schema: &'d Value, pointer: &str) -> Option<&'d Value> {
    pointer.split('/').skip(1).try_fold(schema, |schema, step| {
        let schema = resolved(document, schema);
        if step == "0" {
            return schema.get("items");
        }
        let parts = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
        parts.into_iter().find_map(|part| resolved(document, part)["properties"].get(step))
    })
}

#[tokio::test]
async fn every_link_takes_what_is_in_the_answer_to_a_parameter_of_an_operation() {
    let document = document().await;
    let all = operations(&document);
    let mut followed = 0;
    for (method, path, operation) in &all {
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (name, link) in response["links"].as_object().into_iter().flatten() {
                let place = format!("{method} {path} {status} {name}");
                let target = all.iter().find(|(_, _, target)| target["operationId"] == link["operationId"]);
                let (_, _, target) = target.unwrap_or_else(|| panic!("{place}: {link}"));
                for (parameter, expression) in link["parameters"].as_object().unwrap() {
                    let mut parameters = target["parameters"].as_array().unwrap().iter();
                    assert!(parameters.any(|known| known["name"] == **parameter), "{place}: {parameter}");
                    let pointer = expression.as_str().unwrap().strip_prefix("$response.body#").unwrap();
                    let schema = &response["content"]["application/json"]["schema"];
                    assert!(at(&document, schema, pointer).is_some(), "{place}: {pointer}");
                    followed += 1;
                }
            }
        }
    }
    assert!(followed > 0);
}

#[tokio::test]
async fn every_list_that_has_a_cursor_leads_on() {
    let document = document().await;
    for (method, path, operation) in operations(&document) {
        let mut parameters = operation["parameters"].as_array().unwrap().iter();
        let goes_on = parameters.any(|parameter| parameter["name"] == "cursor");
        let next = &operation["responses"]["200"]["links"]["next"];
        assert_eq!(goes_on, next["operationId"] == operation["operationId"], "{method} {path}");
    }
}
