//! What the commands that talk to a service make of what answers, whatever that is.

use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::kit::{Place, Run};
use crate::stand_in::{Reply, StandIn};

fn list_from(service: &StandIn, variables: &[(&str, &str)]) -> Run {
    Place::new().run_with(variables, &["endpoints", "list", "--url", &service.url()])
}

fn empty() -> Reply {
    Reply::data(200, &json!({"items": [], "next_cursor": null}))
}

#[test]
fn where_nobody_listens_the_user_is_told_how_to_start_the_service() {
    // The port was free a moment ago, and the system does not give it away again so soon.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let run = Place::new().run(&["deliveries", "list", "--url", &url]).ended_with(1);
    assert!(run.err.contains(&format!("cannot connect to {url}")), "{}", run.err);
    assert!(run.err.contains("`redundancy serve`"), "{}", run.err);
}

#[test]
fn the_settings_say_where_the_service_is() {
    let service = StandIn::new(|_| empty());
    let port = service.url().rsplit(':').next().unwrap().to_owned();
    let place = Place::new().file("redundancy.toml", format!("port = {port}"));
    place.run(&["endpoints", "list"]).ended_with(0);
    place.run(&["endpoints", "list", "--port", &port]).ended_with(0);
    assert_eq!(service.lines(), ["GET /api/v1/webhooks/endpoints?limit=200"; 2]);
}

#[test]
fn a_path_before_those_of_the_service_is_kept() {
    let service = StandIn::new(|_| empty());
    let url = format!("{}/base/", service.url());
    Place::new().run(&["endpoints", "list", "--url", &url]).ended_with(0);
    assert_eq!(service.lines(), ["GET /base/api/v1/webhooks/endpoints?limit=200"]);
}

#[test]
fn the_key_goes_to_the_service_and_is_shown_nowhere() {
    let service = StandIn::new(|_| Reply::error(401, "a key is needed", &json!(null)));
    let key = ("REDUNDANCY_API_KEY", "sesame-open");
    let run = list_from(&service, &[key]).ended_with(1);
    assert_eq!(service.asked()[0].header("authorization"), Some("Bearer sesame-open"));
    assert!(
        run.err.contains("a key is needed (401)") && run.err.contains("REDUNDANCY_API_KEY"),
        "{}",
        run.err
    );
    let config = Place::new().run_with(&[key], &["config"]).ended_with(0);
    for said in [&run.out, &run.err, &config.out] {
        assert!(!said.contains("sesame"), "{said}");
    }
    let unfit = list_from(&service, &[("REDUNDANCY_API_KEY", "sesame\n")]).ended_with(2);
    assert!(unfit.err.contains("REDUNDANCY_API_KEY") && !unfit.err.contains("sesame"), "{}", unfit.err);
    list_from(&service, &[]).ended_with(1);
    assert_eq!(service.asked()[1].header("authorization"), None);
}

#[test]
fn what_the_service_says_against_a_request_is_told_field_by_field() {
    let details = json!([
        {"field": "/url", "message": "must begin with https://"},
        {"field": "", "message": "must be an object"},
        {"no": "field"},
    ]);
    let service = StandIn::new(move |_| Reply::error(422, "the request will not do", &details));
    let run = list_from(&service, &[]).ended_with(1);
    assert_eq!(
        run.err,
        "redundancy: the request will not do (422)\n  /url: must begin with https://\n  the request: must be an \
         object\n"
    );
}

#[test]
fn a_failure_of_the_service_is_told_with_the_name_of_the_request() {
    let service = StandIn::new(|_| Reply::error(503, "the store is away", &json!(null)));
    let run = list_from(&service, &[]).ended_with(1);
    assert!(run.err.contains("the store is away (503)") && run.err.contains("request req-7"), "{}", run.err);
}

#[test]
fn what_is_not_this_service_is_told_from_it() {
    let answers: [(&str, &[u8]); 6] = [
        ("is not this service", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        ("is not this service", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        ("is not this service", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ("is not this service", b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"data\":{\"items\": 123}}"),
        ("it says 500 (Internal Server Error)", b"HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\noops"),
        ("it says 302 (Found)", b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"),
    ];
    for (said, answer) in answers {
        let service = StandIn::new(|_| Reply::Raw(answer.to_vec()));
        let run = list_from(&service, &[]).ended_with(1);
        assert!(run.err.contains(said), "{}", run.err);
        assert_eq!(service.lines().len(), 1, "no redirect is followed");
    }
}

#[test]
fn an_answer_that_ends_too_early_is_an_error() {
    for answer in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":"] {
        let service = StandIn::new(|_| Reply::Raw(answer.as_bytes().to_vec()));
        let run = list_from(&service, &[]).ended_with(1);
        assert!(run.err.contains("closed the connection before the answer was whole"), "{}", run.err);
    }
}

#[test]
fn an_answer_without_end_is_given_up() {
    let service = StandIn::new(|_| {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n{\"data\":\"".to_vec();
        answer.resize(20 << 20, b'a');
        Reply::Raw(answer)
    });
    let run = list_from(&service, &[]).ended_with(1);
    assert!(run.err.contains("longer than 16 MiB"), "{}", run.err);
}

#[test]
fn a_service_that_says_nothing_is_given_up() {
    let service = StandIn::new(|_| Reply::Silence);
    let run = Place::new().run(&["health", "--url", &service.url()]).ended_with(1);
    assert!(run.err.contains("nothing came within 5 s"), "{}", run.err);
}

#[test]
fn nothing_that_a_service_says_steers_the_terminal() {
    let hostile = "\u{1b}[2J\u{9b}31m\u{7}\u{202e}x\r\n";
    let endpoint = json!({"id": hostile, "url": hostile, "events": [hostile], "disabled_reason": hostile,
        "description": hostile, "headers": {"a": hostile}, "signature": hostile, "created_at": hostile,
        "circuit": {"state": hostile, "since": hostile}});
    let delivery = json!({"id": hostile, "event_id": hostile, "event_type": hostile, "endpoint_id": hostile,
        "state": hostile, "last_failure": hostile, "created_at": hostile, "due_at": hostile, "attempts": [
            {"number": 1, "started_at": hostile, "failure": hostile, "response_body": hostile}]});
    let service = StandIn::new(move |asked| match asked.line.split('?').next().unwrap() {
        "GET /api/v1/webhooks/endpoints" => Reply::data(200, &json!({"items": [endpoint]})),
        "GET /api/v1/webhooks/endpoints/a" => Reply::data(200, &endpoint),
        "GET /api/v1/webhooks/deliveries" => Reply::data(200, &json!({"items": [delivery]})),
        "GET /api/v1/webhooks/deliveries/a" => Reply::data(200, &delivery),
        _ => Reply::error(422, hostile, &json!([{"field": hostile, "message": hostile}])),
    });
    for (code, arguments) in [
        (0, &["endpoints", "list"][..]),
        (0, &["endpoints", "list", "--json"]),
        (0, &["endpoints", "show", "a"]),
        (0, &["deliveries", "list"]),
        (0, &["deliveries", "show", "a"]),
        (1, &["deliveries", "retry", "a"]),
        (1, &["endpoints", "enable", "a"]),
    ] {
        let url = service.url();
        let run = Place::new().run(&[arguments, &["--url", &url]].concat()).ended_with(code);
        let steering = |c: char| c.is_control() && c != '\n';
        assert!(!run.out.contains(steering) && !run.err.contains(steering), "{:?} {:?}", run.out, run.err);
        if !arguments.contains(&"--json") {
            assert!(!run.out.contains('\u{202e}') && !run.err.contains('\u{202e}'), "{:?}", run.out);
        }
    }
}

/// A server configuration for `localhost`, and the certificate of who signed it.
fn certified() -> (ServerConfig, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ca).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (config, ca.pem())
}

#[test]
fn a_service_is_asked_over_tls_if_this_machine_believes_its_certificate() {
    let (config, ca) = certified();
    let service = StandIn::encrypted(config, |_| empty());
    let place = Place::new().file("ca.pem", ca);
    let arguments = ["endpoints", "list", "--url", &service.url()];
    place.run_with(&[("SSL_CERT_FILE", "ca.pem")], &arguments).ended_with(0);
    assert_eq!(service.lines().len(), 1);
    let stranger = place.file("other.pem", certified().1);
    let run = stranger.run_with(&[("SSL_CERT_FILE", "other.pem")], &arguments).ended_with(1);
    assert!(run.err.contains("no secure connection"), "{}", run.err);
    assert_eq!(service.lines().len(), 1);
}
