//! The audit log.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::kit::{PASSAGE, Place};

#[test]
fn who_changed_what_is_written_down_and_only_administrators_read_it() {
    let place = Place::new();
    let service = place.serve(&[
        ("AUTH_MODE", "api_key"),
        ("API_KEYS", "0123456789abcdef:write,fedcba9876543210:admin,aaaaaaaaaaaaaaaa:admin:acme"),
    ]);
    let [writer, admin, tenant] =
        ["0123456789abcdef", "fedcba9876543210", "aaaaaaaaaaaaaaaa"].map(|key| Caller::new(&service, key));
    let endpoint = json!({"id": "shop", "url": "https://example.com/", "events": ["*"]});
    writer.done("POST", "/api/v1/webhooks/endpoints", Some(&endpoint), 201);
    writer.done(
        "PATCH",
        "/api/v1/webhooks/endpoints/shop",
        Some(&json!({"headers": null, "url": "https://example.com/x"})),
        200,
    );
    admin.done("GET", "/api/v1/webhooks/endpoints/shop/secret", None, 200);
    writer.done("POST", "/api/v1/webhooks/endpoints/shop/rotate-secret", Some(&json!({})), 200);
    // What is not done is not written down.
    assert_eq!(writer.ask("DELETE", "/api/v1/webhooks/endpoints/none", None).status, 404);
    writer.done("DELETE", "/api/v1/webhooks/endpoints/shop", None, 204);
    tenant.done("PUT", "/api/v1/documents/a", Some(&json!({"content": PASSAGE})), 201);
    // Escaped as it may be, it is the same document.
    tenant.done("DELETE", "/api/v1/documents/%61", None, 204);
    admin.done("PUT", "/api/v1/log-level", Some(&json!({"level": "warn"})), 200);
    let theirs = json!({"name": "k", "scopes": ["read"], "tenant": "acme"});
    let theirs = admin.done("POST", "/api/v1/keys", Some(&theirs), 201)["id"].as_str().unwrap().to_owned();
    let key = place.run(&["keys", "create", "--json"]).ended_with(0).json();

    let read = |caller: &Caller<'_>| -> Vec<(String, String, Value)> {
        let log = caller.done("GET", "/api/v1/audit", None, 200);
        let items = log["items"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        items
            .iter()
            .map(|entry| (text(&entry["action"]), text(&entry["target"]), entry["actor"]["id"].clone()))
            .collect()
    };
    let (by_writer, by_admin, by_tenant) = (json!("API_KEYS:1"), json!("API_KEYS:2"), json!("API_KEYS:3"));
    let entry =
        |action: &str, target: &str, actor: &Value| (action.to_owned(), target.to_owned(), actor.clone());
    assert_eq!(
        read(&admin),
        [
            entry("key.created", key["id"].as_str().unwrap(), &Value::Null),
            entry("key.created", &theirs, &by_admin),
            entry("log_level.changed", "warn", &by_admin),
            entry("document.deleted", "a", &by_tenant),
            entry("endpoint.deleted", "shop", &by_writer),
            entry("secret.rotated", "shop", &by_writer),
            entry("secret.shown", "shop", &by_admin),
            entry("endpoint.changed", "shop", &by_writer),
            entry("endpoint.created", "shop", &by_writer),
        ]
    );
    let log = admin.done("GET", "/api/v1/audit", None, 200);
    for entry in log["items"].as_array().unwrap() {
        let fields =
            if entry["action"] == "endpoint.changed" { json!(["url", "headers"]) } else { json!([]) };
        assert_eq!(entry["fields"], fields, "{entry}");
    }
    // A key that somebody else makes for a tenant is that tenant's business.
    let of_tenant = [entry("key.created", &theirs, &by_admin), entry("document.deleted", "a", &by_tenant)];
    assert_eq!(read(&tenant), of_tenant);
    assert_eq!(writer.get("/api/v1/audit").status, 403);
    let newest = admin.done("GET", "/api/v1/audit?limit=4", None, 200)["items"][3].clone();
    assert_eq!((&newest["address"], &newest["tenant"]), (&json!("127.0.0.1"), &json!("acme")), "{newest}");
    assert!(newest["request_id"].is_string() && newest["at"].is_string(), "{newest}");
}
