//! Bearer tokens that the issuer signs with a secret that it shares. What issuers with public keys do is tested with a real one by
//! `scripts/check_tokens.py`, and key by key in the tests of the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::kit::{PASSAGE, Place, Service};

const SECRET: &str = "a secret of thirty-two characters";
/// The year 2100.
const LATER: u64 = 4_102_444_800;

fn service(place: &Place) -> Service {
    place.serve(&[
        ("AUTH_MODE", "jwt"),
        ("JWT_SECRET", SECRET),
        ("JWT_ISSUER", "https://issuer.example"),
        ("JWT_AUDIENCE", "redundancy"),
        ("JWT_TENANT_CLAIM", "org"),
    ])
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": ["other", "redundancy"], "sub": "ann", "exp": LATER, "scope": "openid write"})
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// A token with this header, rightly signed by HS256.
fn signed_with(header: &str, claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(header), part(&claims.to_string()));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

fn with(name: &str, value: Value) -> Value {
    let mut all = claims();
    all[name] = value;
    all
}

#[test]
fn a_token_says_who_its_holder_is_what_it_may_do_and_for_whom() {
    let place = Place::new();
    let service = service(&place);
    let text = json!({"content": PASSAGE});
    let ann = Caller::new(&service, &signed(Algorithm::HS256, SECRET, &claims()));
    ann.done("PUT", "/api/v1/documents/a", Some(&text), 201);
    assert_eq!(ann.get("/api/v1/audit").status, 403);
    let of_org = with("org", json!("acme"));
    let acme = Caller::new(&service, &signed(Algorithm::HS256, SECRET, &of_org));
    assert_eq!(acme.get("/api/v1/documents/a").status, 404);
    let mut admin = of_org;
    admin["scope"] = json!(["redundancy:admin"]);
    let admin = Caller::new(&service, &signed(Algorithm::HS256, SECRET, &admin));
    admin.done("GET", "/api/v1/audit", None, 200);
}

#[test]
fn a_token_that_is_not_for_this_service_or_not_of_its_time_is_refused() {
    let place = Place::new();
    let service = service(&place);
    let status = |token: &str| Caller::new(&service, token).get("/api/v1/stats").status;
    let mut forever = claims();
    forever.as_object_mut().unwrap().remove("exp");
    for (why, claims) in [
        ("expired", with("exp", json!(1_700_000_000))),
        ("without an end", forever),
        ("not yet", with("nbf", json!(LATER - 1))),
        ("odd time", with("exp", json!("tomorrow"))),
        ("other issuer", with("iss", json!("https://other.example"))),
        ("two issuers", with("iss", json!(["https://issuer.example", "https://other.example"]))),
        ("other audience", with("aud", json!("other"))),
        ("no audience", with("aud", Value::Null)),
    ] {
        assert_eq!(status(&signed(Algorithm::HS256, SECRET, &claims)), 401, "{why}");
    }
    for (why, claims) in [
        ("no scope of ours", with("scope", json!("openid profile"))),
        ("a tenant that is none", with("org", json!("../other"))),
        ("a holder of too long a name", with("sub", json!("x".repeat(256)))),
    ] {
        assert_eq!(status(&signed(Algorithm::HS256, SECRET, &claims)), 403, "{why}");
    }
    assert_eq!(status(&signed(Algorithm::HS256, SECRET, &claims())), 200);
    // What an issuer says in one claim of what other services allow takes nothing from another claim.
    let mut several = with("permissions", json!(["read"]));
    several["scope"] = json!("openid profile");
    assert_eq!(status(&signed(Algorithm::HS256, SECRET, &several)), 200);
}

#[test]
fn a_token_with_another_signature_or_none_is_refused() {
    let place = Place::new();
    let service = service(&place);
    let status = |token: &str| Caller::new(&service, token).get("/api/v1/stats").status;
    assert_eq!(status(&signed(Algorithm::HS256, "another secret of thirty-two chars", &claims())), 401);
    // Another algorithm with the right secret is another signature.
    assert_eq!(status(&signed(Algorithm::HS512, SECRET, &claims())), 401);
    let good = signed(Algorithm::HS256, SECRET, &claims());
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none"} and {"alg":"None","typ":"JWT"}
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0"] {
        assert_eq!(status(&format!("{none}.{}.", parts[1])), 401);
        assert_eq!(status(&format!("{none}.{}.{}", parts[1], parts[2])), 401);
    }
    // What must be understood, and is not.
    let critical = r#"{"alg":"HS256","typ":"JWT","crit":["exp"]}"#;
    assert_eq!(status(&signed_with(critical, &claims())), 401);
    for token in ["", "a", "a.b.c", "..", &format!("{}.{}", parts[0], parts[1]), &"x".repeat(20_000)] {
        assert_eq!(status(token), 401);
    }
}

#[test]
fn settings_by_which_no_token_could_be_verified_are_refused() {
    let place = Place::new();
    let none = place.run_with(&[("AUTH_MODE", "jwt")], &["serve"]).ended_with(2);
    assert!(none.err.contains("JWKS_URL") && none.err.contains("JWT_SECRET"), "{}", none.err);
    let both = [("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET), ("JWKS_URL", "https://issuer.example/keys")];
    let both = place.run_with(&both, &["serve"]).ended_with(2);
    assert!(both.err.contains("unset one of them") && !both.err.contains(SECRET), "{}", both.err);
    let short = place.run_with(&[("AUTH_MODE", "jwt"), ("JWT_SECRET", "short")], &["serve"]).ended_with(2);
    assert!(short.err.contains("at least 32 bytes"), "{}", short.err);
}

#[test]
fn a_service_that_takes_tokens_made_for_others_says_so() {
    let place = Place::new();
    let mut service = place.serve(&[("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET)]);
    service.wait_for_log("JWT_AUDIENCE");
}
