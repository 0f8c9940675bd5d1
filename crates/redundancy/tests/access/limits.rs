//! How often callers may ask.

use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use crate::caller::Caller;
use crate::kit::{Answer, PASSAGE, Place};

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[test]
fn answers_tell_what_is_left_and_when_it_is_used_up_when_to_come_again() {
    let place = Place::new();
    let service = place.serve(&[("RATE_LIMIT_REQUESTS", "3"), ("RATE_LIMIT_WINDOW_SECONDS", "3600")]);
    let caller = Caller::anonymous(&service);
    for left in ["2", "1", "0"] {
        let answer = caller.post("/api/v1/analyze", &json!({"content": PASSAGE}));
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, "X-RateLimit-Limit"), Some("3"));
        assert_eq!(header(&answer, "X-RateLimit-Remaining"), Some(left));
        assert_eq!(header(&answer, "RateLimit-Policy"), Some("\"default\";q=3;w=3600"));
        let reset: u64 = header(&answer, "X-RateLimit-Reset").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&reset), "{reset}");
        assert_eq!(header(&answer, "RateLimit"), Some(format!("\"default\";r={left};t={reset}").as_str()));
    }
    let refused = caller.get("/api/v1/stats");
    assert_eq!((refused.status, refused.json()["error"]["type"].as_str()), (429, Some("RateLimited")));
    let wait: u64 = header(&refused, "Retry-After").unwrap().parse().unwrap();
    assert!((1..=1200).contains(&wait), "{wait}");
    assert_eq!(header(&refused, "X-RateLimit-Remaining"), Some("0"));
    // Nobody is shut out from these.
    assert_eq!((caller.get("/health").status, caller.get("/metrics").status), (200, 200));
}

#[test]
fn each_key_has_a_quota_of_its_own_and_heavy_requests_cost_more() {
    let keys = "0123456789abcdef,fedcba9876543210";
    let place = Place::new();
    let service = place.serve(&[
        ("AUTH_MODE", "api_key"),
        ("API_KEYS", keys),
        ("RATE_LIMIT_REQUESTS", "12"),
        ("RATE_LIMIT_WINDOW_SECONDS", "3600"),
    ]);
    let [one, other] =
        keys.split(',').map(|key| Caller::new(&service, key)).collect::<Vec<_>>().try_into().ok().unwrap();
    assert_eq!(header(&one.get("/api/v1/duplicates/clusters"), "X-RateLimit-Remaining"), Some("2"));
    assert_eq!(one.get("/api/v1/duplicates/clusters").status, 429);
    assert_eq!(header(&one.get("/api/v1/documents"), "X-RateLimit-Remaining"), Some("1"));
    assert_eq!(header(&other.get("/api/v1/documents"), "X-RateLimit-Remaining"), Some("11"));
}

#[test]
fn callers_behind_a_trusted_proxy_are_told_apart_and_others_cannot_pretend() {
    let settings = [("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_WINDOW_SECONDS", "3600")];
    let trusting = [&settings[..], &[("TRUSTED_PROXIES", "127.0.0.1")]].concat();
    let statuses = |settings: &[(&str, &str)]| {
        let place = Place::new();
        let service = place.serve(settings);
        ["192.0.2.1", "192.0.2.2", "192.0.2.1"]
            .map(|address| Caller::with(&service, "X-Forwarded-For", address).get("/api/v1/stats").status)
    };
    assert_eq!(statuses(&trusting), [200, 200, 429]);
    assert_eq!(statuses(&settings), [200, 429, 429]);
}

#[test]
fn whoever_tries_credentials_is_held_back() {
    let place = Place::new();
    let service = place.serve(&[("AUTH_MODE", "api_key"), ("API_KEYS", "0123456789abcdef")]);
    let answers: Vec<Answer> = (0..70)
        .map(|number| Caller::new(&service, &format!("guess-{number:012}")).get("/api/v1/stats"))
        .collect();
    // Each is told how many it has left.
    assert_eq!(header(&answers[0], "X-RateLimit-Limit"), Some("60"));
    assert_eq!(header(&answers[0], "X-RateLimit-Remaining"), Some("59"));
    assert_eq!(header(&answers[0], "RateLimit-Policy"), Some("\"failures\";q=60;w=60"));
    assert_eq!(header(&answers[69], "X-RateLimit-Remaining"), Some("0"));
    assert!(header(&answers[69], "Retry-After").is_some());
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses[..60].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses[65..].iter().all(|status| *status == 429), "{statuses:?}");
    // Whoever has a key is not held back by what somebody else at the same address does.
    assert_eq!(Caller::new(&service, "0123456789abcdef").get("/api/v1/stats").status, 200);
}

#[test]
fn it_is_told_once_that_a_caller_asks_too_often() {
    let place = Place::new();
    let service = place.serve(&[
        ("AUTH_MODE", "api_key"),
        ("API_KEYS", "0123456789abcdef,fedcba9876543210"),
        ("RATE_LIMIT_REQUESTS", "4"),
        ("RATE_LIMIT_WINDOW_SECONDS", "3600"),
    ]);
    let [busy, other] = ["0123456789abcdef", "fedcba9876543210"].map(|key| Caller::new(&service, key));
    let endpoint = json!({"id": "e", "url": "https://example.com/", "events": ["rate_limit.exceeded"]});
    assert_eq!(other.post("/api/v1/webhooks/endpoints", &endpoint).status, 201);
    let answers: Vec<_> = (0..8).map(|_| busy.get("/api/v1/stats")).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429, 429, 429]);
    let deliveries = other.done("GET", "/api/v1/webhooks/deliveries", None, 200);
    let told = deliveries["items"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{deliveries}");
    assert_eq!(told[0]["event_type"], "rate_limit.exceeded");
    let event = format!("/api/v1/webhooks/events/{}", told[0]["event_id"].as_str().unwrap());
    let event = other.done("GET", &event, None, 200);
    assert_eq!(event["request_id"], answers[4].json()["error"]["request_id"], "{event}");
}

#[test]
fn one_caller_leaves_places_to_others() {
    let keys = ["0123456789abcdef", "fedcba9876543210"];
    let place = Place::new();
    let service = place.serve(&[
        ("AUTH_MODE", "api_key"),
        ("API_KEYS", &keys.join(",")),
        ("MAX_CONCURRENT_REQUESTS", "4"),
        ("RATE_LIMIT_REQUESTS", "1000000"),
    ]);
    // Each is asked for its body, and so has its place. The body does not come.
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: a\r\nX-Api-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        keys[0]
    );
    let waiting: Vec<BufReader<TcpStream>> = (0..3)
        .map(|_| {
            let mut stream = BufReader::new(service.connect());
            stream.get_mut().write_all(head.as_bytes()).unwrap();
            let mut invitation = String::new();
            stream.read_line(&mut invitation).unwrap();
            assert_eq!(invitation.trim_end(), "HTTP/1.1 100 Continue");
            stream
        })
        .collect();
    let [one, other] = keys.map(|key| Caller::new(&service, key));
    let refused = one.get("/api/v1/documents");
    assert_eq!((refused.status, header(&refused, "Retry-After")), (503, Some("1")));
    assert!(refused.body.contains("of your requests"), "{}", refused.body);
    assert!(header(&refused, "X-RateLimit-Remaining").is_some());
    assert_eq!(other.get("/api/v1/documents").status, 200);
    drop(waiting);
}
