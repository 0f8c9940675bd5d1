//! Issuers of tokens that publish their keys: where those are had, which of them counts, and what happens while they are not to be had.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::kit::{Answer, Place, Service};
use crate::stand_in::{Reply, StandIn};

/// A key of an issuer.
struct Key {
    pair: KeyPair,
    algorithm: Algorithm,
}

impl Key {
    fn ed25519() -> Self {
        Self { pair: KeyPair::generate_for(&PKCS_ED25519).unwrap(), algorithm: Algorithm::EdDSA }
    }

    fn p256() -> Self {
        Self { pair: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), algorithm: Algorithm::ES256 }
    }

    /// Its public part as it is published, with these parameters beside those of its kind.
    fn published(&self, parameters: &Value) -> Value {
        let raw = self.pair.der_bytes();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = if self.algorithm == Algorithm::EdDSA {
            json!({"kty": "OKP", "crv": "Ed25519", "x": part(raw)})
        } else {
            json!({"kty": "EC", "crv": "P-256", "x": part(&raw[1..33]), "y": part(&raw[33..])})
        };
        key.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        key
    }

    /// A token that it has signed, whose header says this.
    fn token(&self, algorithm: &str, id: &str) -> String {
        let header = json!({"alg": algorithm, "kid": id});
        let claims = json!({"sub": "ann", "aud": "redundancy", "exp": 4_102_444_800_u64, "scope": "read"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let der = self.pair.serialize_der();
        let is_edwards = self.algorithm == Algorithm::EdDSA;
        let key = if is_edwards { EncodingKey::from_ed_der(&der) } else { EncodingKey::from_ec_der(&der) };
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

fn found(body: &Value) -> Reply {
    let body = body.to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Reply::Raw(format!("{head}{body}").into_bytes())
}

/// An issuer that publishes these keys.
fn issuer_with(keys: Value) -> StandIn {
    StandIn::new(move |_| found(&json!({"keys": keys})))
}

fn settings(url: &str) -> [(&str, &str); 4] {
    let monitoring = ("METRICS_LISTEN", "127.0.0.1:0");
    [("AUTH_MODE", "jwt"), ("JWT_AUDIENCE", "redundancy"), ("JWKS_URL", url), monitoring]
}

/// What the status page says of the service, and of the issuer.
fn shown(service: &Service) -> (Value, Value) {
    let data = service.get_monitoring("/api/v1/health/status").json()["data"].clone();
    (data["status"].clone(), data["parts"]["issuer"].clone())
}

#[track_caller]
fn assert_says(answer: &Answer, status: u16, words: &str) {
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, status, "{message}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn keys_are_had_from_an_address_with_a_final_slash_and_a_query() {
    let key = Key::ed25519();
    let issuer = issuer_with(json!([key.published(&json!({"kid": "a"}))]));
    let url = format!("{}/keys/?appid=1&p=b2c_1", issuer.url());
    let place = Place::new();
    let service = place.serve(&settings(&url));
    let (_, issuer_before) = shown(&service);
    assert_eq!((&issuer_before["state"], &issuer_before["keys"]), (&json!("ok"), &json!(0)));
    assert!(issuer_before["latency_ms"].is_null(), "{issuer_before}");
    assert_eq!(Caller::new(&service, &key.token("EdDSA", "a")).get("/api/v1/stats").status, 200);
    assert_eq!(issuer.lines(), ["GET /keys/?appid=1&p=b2c_1"]);
    let (status, issuer_now) = shown(&service);
    assert_eq!((&status, &issuer_now["state"], &issuer_now["keys"]), (&json!("ok"), &json!("ok"), &json!(1)));
    assert!(service.get_monitoring("/metrics").body.contains("\ntoken_issuer_up 1"));
    for field in ["latency_ms", "keys_age_seconds"] {
        assert!(issuer_now[field].as_f64().is_some_and(|figure| figure >= 0.0), "{issuer_now}");
    }
}

/// An issuer that tells where its keys are, and calls itself by its address and `suffix`.
fn telling(keys: Value, suffix: &'static str) -> StandIn {
    StandIn::new(move |asked| {
        let host = asked.headers.iter().find(|(name, _)| name == "host").unwrap().1.clone();
        if asked.line.contains("/.well-known/") {
            let issuer = format!("http://{host}{suffix}");
            found(&json!({"issuer": issuer, "jwks_uri": format!("http://{host}/keys?appid=1")}))
        } else {
            found(&json!({"keys": keys}))
        }
    })
}

#[test]
fn an_issuer_may_tell_an_address_with_a_query() {
    let key = Key::p256();
    let issuer = telling(json!([key.published(&json!({"kid": "a"}))]), "");
    let place = Place::new();
    let url = issuer.url();
    let service = place.serve(&[("AUTH_MODE", "jwt"), ("JWT_ISSUER", &url)]);
    // That the token is another issuer's shows only when its signature was good.
    assert_eq!(Caller::new(&service, &key.token("ES256", "a")).get("/api/v1/stats").status, 401);
    assert_eq!(issuer.lines(), ["GET /.well-known/openid-configuration", "GET /keys?appid=1"]);
}

#[test]
fn an_issuer_that_calls_itself_otherwise_is_not_believed() {
    for suffix in ["/other", "/"] {
        let key = Key::p256();
        let issuer = telling(json!([key.published(&json!({"kid": "a"}))]), suffix);
        let place = Place::new();
        let url = issuer.url();
        let mut service = place.serve(&[("AUTH_MODE", "jwt"), ("JWT_ISSUER", &url)]);
        assert_eq!(Caller::new(&service, &key.token("ES256", "a")).get("/api/v1/stats").status, 503);
        assert_eq!(issuer.lines(), ["GET /.well-known/openid-configuration"]);
        let line = service.wait_for_log("which is not JWT_ISSUER to the letter");
        assert!(line.contains(&format!("{url}{suffix}")), "{line}");
    }
}

#[test]
fn a_set_without_keys_is_no_set() {
    let (key, place) = (Key::p256(), Place::new());
    let issuer = issuer_with(json!([key.published(&json!({"kid": "a", "use": "enc"}))]));
    let url = issuer.url();
    let mut service = place.serve(&settings(&url));
    assert_says(&Caller::new(&service, &key.token("ES256", "a")).get("/api/v1/stats"), 503, "cannot be had");
    assert_eq!(shown(&service).1["state"], "degraded");
    service.wait_for_log("there is no key for signatures in the set");
}

#[test]
fn who_cannot_be_checked_is_told_that_the_keys_of_the_issuer_cannot_be_had() {
    let key = Key::p256();
    let issuer =
        StandIn::new(|_| Reply::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let url = format!("{}/keys?secret=hunter2", issuer.url());
    let place = Place::new();
    let mut service = place.serve(&settings(&url));
    let answer = Caller::new(&service, &key.token("ES256", "a")).get("/api/v1/stats");
    assert_says(&answer, 503, "The keys of the issuer of tokens cannot be had");
    assert!(answer.head.to_ascii_lowercase().contains("retry-after: 10"), "{}", answer.head);
    let (status, issuer) = shown(&service);
    assert_eq!(
        (status, &issuer["state"], &issuer["keys"]),
        (json!("degraded"), &json!("degraded"), &json!(0))
    );
    assert!(service.get_monitoring("/metrics").body.contains("\ntoken_issuer_up 0"));
    let line = service.wait_for_log("could not be fetched");
    assert!(line.contains("/keys answers 404") && !line.contains("hunter2"), "{line}");
}

#[test]
fn of_keys_with_one_name_the_one_counts_that_verifies_what_the_token_says() {
    let (edwards, p256, sealing) = (Key::ed25519(), Key::p256(), Key::p256());
    let issuer = issuer_with(json!([
        sealing.published(&json!({"kid": "a", "use": "enc"})),
        sealing.published(&json!({"kid": "a", "key_ops": ["deriveKey"]})),
        edwards.published(&json!({"kid": "a", "use": "sig"})),
        p256.published(&json!({"kid": "a", "use": "sig"})),
        sealing.published(&json!({"kid": "sealing", "use": "enc"})),
    ]));
    let place = Place::new();
    let url = issuer.url();
    let service = place.serve(&settings(&url));
    let status = |token: &str| Caller::new(&service, token).get("/api/v1/stats").status;
    assert_eq!(status(&p256.token("ES256", "a")), 200);
    assert_eq!(status(&edwards.token("EdDSA", "a")), 200);
    // A key is not taken for what it is not.
    assert_eq!(status(&p256.token("EdDSA", "a")), 401);
    assert_eq!(status(&p256.token("HS256", "a")), 401);
    assert_eq!(status(&sealing.token("ES256", "a")), 401);
    assert_eq!(status(&sealing.token("ES256", "sealing")), 401);
}

#[test]
fn ed25519_is_taken_for_eddsa_in_keys_and_in_tokens() {
    let key = Key::ed25519();
    let issuer = issuer_with(json!([key.published(&json!({"kid": "a", "alg": "Ed25519"}))]));
    let place = Place::new();
    let url = issuer.url();
    let service = place.serve(&settings(&url));
    for algorithm in ["EdDSA", "Ed25519"] {
        let token = key.token(algorithm, "a");
        assert_eq!(Caller::new(&service, &token).get("/api/v1/stats").status, 200, "{algorithm}");
        // Not with another signature.
        let other = Key::ed25519().token(algorithm, "a");
        assert_eq!(Caller::new(&service, &other).get("/api/v1/stats").status, 401, "{algorithm}");
    }
}

#[test]
fn an_issuer_whose_keys_could_never_be_had_is_refused_before_it_starts() {
    let place = Place::new();
    for (variables, said) in [
        (
            [("JWT_ISSUER", "acme"), ("AUTH_MODE", "jwt")],
            "JWT_ISSUER = \"acme\" (environment): must be an address",
        ),
        ([("JWKS_URL", "https://a/keys#x"), ("AUTH_MODE", "jwt")], "must be an address such as"),
        (
            [("JWKS_URL", "https://me:hunter2@a/keys"), ("AUTH_MODE", "jwt")],
            "JWKS_URL = \"https://****@a/keys\"",
        ),
        ([("JWT_ISSUER", "https://me:hunter2@a"), ("AUTH_MODE", "jwt")], "JWT_ISSUER = \"https://****@a\""),
    ] {
        for command in ["serve", "config"] {
            let run = place.run_with(&variables, &[command]).ended_with(2);
            assert!(run.err.contains(said) && !run.err.contains("hunter2"), "{}\nlacks {said}", run.err);
        }
    }
}
