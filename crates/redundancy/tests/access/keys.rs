//! API keys: made on the command line or over HTTP, used in either header, ended by time or by hand.

use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::kit::{PASSAGE, Place, Service};

/// Between two looks whether something has come.
const LOOK: Duration = Duration::from_millis(10);

/// Makes a key on the command line, and gives what is printed of it.
pub(crate) fn made(place: &Place, arguments: &[&str]) -> Value {
    let all = [&["keys", "create", "--json"], arguments].concat();
    place.run(&all).ended_with(0).json()
}

pub(crate) fn key(place: &Place, arguments: &[&str]) -> String {
    made(place, arguments)["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_opens_what_its_scope_allows_and_nothing_else() {
    let place = Place::new();
    let [read, write, admin] =
        ["read", "write", "admin"].map(|scope| key(&place, &["--name", scope, "--scope", scope]));
    let service = place.serve(&[("AUTH_MODE", "api_key")]);
    let text = json!({"content": PASSAGE});
    let status = |credential: &str, method: &str, path: &str, body: Option<&Value>| {
        Caller::new(&service, credential).ask(method, path, body).status
    };
    for credential in [&read, &write, &admin] {
        assert_eq!(status(credential, "POST", "/api/v1/analyze", Some(&text)), 200);
        assert_eq!(status(credential, "GET", "/api/v1/documents", None), 200);
    }
    assert_eq!(status(&read, "PUT", "/api/v1/documents/a", Some(&text)), 403);
    assert_eq!(status(&write, "PUT", "/api/v1/documents/a", Some(&text)), 201);
    assert_eq!(status(&write, "GET", "/api/v1/keys", None), 403);
    assert_eq!(status(&write, "GET", "/api/v1/webhooks/endpoints/none/secret", None), 403);
    assert_eq!(status(&admin, "GET", "/api/v1/webhooks/endpoints/none/secret", None), 404);
    assert_eq!(status(&admin, "GET", "/api/v1/keys", None), 200);
    let refused = Caller::new(&service, &read).ask("DELETE", "/api/v1/documents/a", None);
    assert_eq!(refused.json()["error"]["type"], "Forbidden");
    assert!(
        refused.json()["error"]["message"].as_str().unwrap().contains("the scope write"),
        "{}",
        refused.body
    );
}

/// What a key of the scope read may ask for beside looking: detection changes nothing.
const DETECTION: [&str; 4] =
    ["/api/v1/analyze", "/api/v1/similarity", "/api/v1/quality", "/api/v1/duplicates/search"];

/// Whether a route is an administrator's.
fn is_for_administrators(method: &str, path: &str) -> bool {
    let secret = method == "GET" && path.ends_with("/secret");
    secret
        || ["/api/v1/keys", "/api/v1/audit"].iter().any(|kind| path.starts_with(kind))
        || (method, path) == ("PUT", "/api/v1/log-level")
}

#[test]
fn a_key_is_kept_out_by_its_scope_on_every_path_of_the_documentation() {
    let place = Place::new();
    let [read, write] = ["read", "write"].map(|scope| key(&place, &["--name", scope, "--scope", scope]));
    let service = place.serve(&[("AUTH_MODE", "api_key")]);
    let [read, write] = [&read, &write].map(|credential| Caller::new(&service, credential));
    let document = read.get("/openapi.json").json();
    let mut refused = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().map(|method| method.to_ascii_uppercase()) {
            let is_admins = is_for_administrators(&method, path);
            let changes = method != "GET" && !DETECTION.contains(&path.as_str());
            for (caller, is_refused) in [(&read, is_admins || changes), (&write, is_admins)] {
                let answer = caller.ask(&method, &path.replace("{id}", "none"), None);
                assert_eq!(answer.status == 403, is_refused, "{method} {path}: {}", answer.body);
                refused += u32::from(is_refused);
            }
        }
    }
    assert!(refused >= 30, "{refused}");
}

#[test]
fn without_a_good_key_nothing_is_open_but_health_and_the_documentation() {
    let place = Place::new();
    let good = key(&place, &[]);
    let service = place.serve(&[("AUTH_MODE", "api_key")]);
    let mut wrong = good.clone();
    wrong.replace_range(80..82, if wrong.ends_with("zz") { "yy" } else { "zz" });
    let callers = [
        Caller::anonymous(&service),
        Caller::new(&service, "nonsense"),
        Caller::new(&service, &wrong),
        Caller::with(&service, "Authorization", "Basic YTpi"),
        Caller::with(&service, "X-Api-Key", &wrong),
    ];
    for caller in callers {
        for path in ["/api/v1/documents", "/api/v1/stats", "/api/v1/health/status", "/metrics"] {
            let refused = caller.get(path);
            assert_eq!(
                (refused.status, refused.json()["error"]["type"].as_str()),
                (401, Some("Unauthorized")),
                "{path}"
            );
            assert!(
                refused.head.to_ascii_lowercase().contains("www-authenticate: bearer"),
                "{}",
                refused.head
            );
        }
        assert_eq!(caller.post("/api/v1/analyze", &json!({"content": PASSAGE})).status, 401);
        for path in ["/health", "/health/live", "/health/ready", "/openapi.json", "/docs", "/"] {
            assert_eq!(caller.get(path).status, 200, "{path}");
        }
    }
    for caller in [Caller::new(&service, &good), Caller::with(&service, "X-Api-Key", &good)] {
        for path in ["/api/v1/documents", "/api/v1/health/status", "/metrics"] {
            assert_eq!(caller.get(path).status, 200, "{path}");
        }
    }
}

#[test]
fn keys_are_made_and_ended_while_the_service_runs() {
    let place = Place::new();
    let service = place.serve(&[
        ("AUTH_MODE", "api_key"),
        ("API_KEYS", "0123456789abcdef"),
        ("RATE_LIMIT_REQUESTS", "1000000"),
    ]);
    let admin = Caller::new(&service, "0123456789abcdef");
    // On the command line, beside the service.
    let first = made(&place, &["--scope", "admin"]);
    let by_command = first["key"].as_str().unwrap();
    assert_eq!(Caller::new(&service, by_command).get("/api/v1/stats").status, 200);
    // Over HTTP.
    let body = json!({"name": "shop", "scopes": ["read", "write"], "expires_in_seconds": 3600});
    let second = admin.done("POST", "/api/v1/keys", Some(&body), 201);
    let by_http = second["key"].as_str().unwrap().to_owned();
    assert_eq!(Caller::new(&service, &by_http).get("/api/v1/stats").status, 200);
    let listed = admin.done("GET", "/api/v1/keys", None, 200);
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, ["unnamed", "shop"]);
    assert!(
        !listed.to_string().contains(&by_http[30..]) && !listed.to_string().contains("digest"),
        "{listed}"
    );
    // Either way to end one.
    place.run(&["keys", "revoke", first["id"].as_str().unwrap()]).ended_with(0);
    assert_eq!(Caller::new(&service, &by_http).get("/api/v1/stats").status, 200);
    admin.done("DELETE", &format!("/api/v1/keys/{}", second["id"].as_str().unwrap()), None, 204);
    // Who revokes one over HTTP may rely on it at once, though it was used a moment ago.
    assert_eq!(Caller::new(&service, &by_http).get("/api/v1/stats").status, 401);
    let caller = Caller::new(&service, by_command);
    while caller.get("/api/v1/stats").status != 401 {
        std::thread::sleep(LOOK);
    }
    let list = place.run(&["keys", "list"]).ended_with(0);
    assert_eq!(list.out.matches("revoked").count(), 2, "{}", list.out);
}

#[test]
fn keys_that_were_made_with_the_secret_of_the_service_are_nothing_without_it() {
    let place = Place::new();
    let before = key(&place, &[]);
    let secret = ("WEBHOOK_SECRET_KEY", "0123456789abcdef-of-this-service");
    let by_command =
        place.run_with(&[secret], &["keys", "create", "--scope", "admin", "--json"]).ended_with(0).json();
    let command_id = by_command["id"].as_str().unwrap();
    let by_command = by_command["key"].as_str().unwrap().to_owned();
    let opens = |service: &Service, key: &str| Caller::new(service, key).get("/api/v1/stats").status;

    let service = place.serve(&[("AUTH_MODE", "api_key"), secret]);
    let made = Caller::new(&service, &by_command).done(
        "POST",
        "/api/v1/keys",
        Some(&json!({"name": "k", "scopes": ["read"]})),
        201,
    );
    let by_http = made["key"].as_str().unwrap().to_owned();
    // A key that is older than the secret goes on to be one.
    assert_eq!([&before, &by_command, &by_http].map(|key| opens(&service, key)), [200; 3]);
    drop(service);

    let other = ("WEBHOOK_SECRET_KEY", "0123456789abcdef-of-another-service");
    for settings in [&[("AUTH_MODE", "api_key")][..], &[("AUTH_MODE", "api_key"), other]] {
        let mut service = place.serve(settings);
        assert_eq!([&before, &by_command, &by_http].map(|key| opens(&service, key)), [200, 401, 401]);
        let line = service.wait_for_log("opens nothing without it");
        assert!(line.contains(command_id), "{line}");
        let list = place.run_with(settings, &["keys", "list"]).ended_with(0).out;
        let count = |state| list.matches(state).count();
        assert_eq!((count("good"), count("needs its WEBHOOK_SECRET_KEY")), (1, 2), "{list}");
    }
    let listed = place.run(&["keys", "list", "--json"]).ended_with(0).json();
    let needs: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|key| &key["needs_secret_key"]).collect();
    assert_eq!(needs, [false, true, true]);
    assert_eq!(made["needs_secret_key"], true);
}

#[test]
fn an_expired_key_opens_nothing() {
    let place = Place::new();
    let expired = key(&place, &["--expires", "1s"]);
    std::thread::sleep(Duration::from_millis(1100));
    let service = place.serve(&[("AUTH_MODE", "api_key")]);
    assert_eq!(Caller::new(&service, &expired).get("/api/v1/stats").status, 401);
    assert!(place.run(&["keys", "list"]).ended_with(0).out.contains("expired"));
}

#[test]
fn keys_can_be_given_by_settings_and_by_their_digest_alone() {
    let file = "# for the tests\n\nfedcba9876543210:read\n";
    let place = Place::new().file("keys.txt", file);
    let given = "0123456789abcdef:read+write:acme";
    let service =
        place.serve(&[("AUTH_MODE", "api_key"), ("API_KEYS", given), ("API_KEYS_FILE", "keys.txt")]);
    let status = |key: &str, method: &str| {
        Caller::new(&service, key)
            .ask(method, "/api/v1/documents/a", Some(&json!({"content": PASSAGE})))
            .status
    };
    assert_eq!(status("0123456789abcdef", "PUT"), 201);
    assert_eq!(status("fedcba9876543210", "PUT"), 403);
    // Whose key has no tenant sees nothing of one that has.
    assert_eq!(Caller::new(&service, "fedcba9876543210").get("/api/v1/documents/a").status, 404);
}

#[test]
fn credentials_that_would_be_ignored_are_refused() {
    let place = Place::new();
    let run = place.run_with(&[("API_KEYS", "0123456789abcdef")], &["serve"]).ended_with(2);
    assert!(run.err.contains("API_KEYS") && run.err.contains("AUTH_MODE=api_key"), "{}", run.err);
    assert!(!run.err.contains("0123456789abcdef"), "{}", run.err);
    let short =
        place.run_with(&[("AUTH_MODE", "api_key"), ("API_KEYS", "short:read")], &["serve"]).ended_with(2);
    assert!(short.err.contains("at least 8") && !short.err.contains("short:read"), "{}", short.err);
    let memory = place.run_with(&[("WEBHOOK_STORAGE_TYPE", "memory")], &["keys", "create"]).ended_with(2);
    assert!(memory.err.contains("API_KEYS"), "{}", memory.err);
}
