//! What senders sign, receivers believe, and nothing else: published examples, laws, tampering, rotation.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use redundancy_webhook::{
    Headers, InvalidId, PublicKey, Scheme, SigningSecret, Verifier, VerifyError, sign_headers,
};

/// The example that the scheme's reference libraries publish.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: u64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
/// The same in hexadecimal digits, by Python's `hmac`.
const HEX: &str = "sha256=83484cf52b04f8e4cf2531adfed9882ad4b2665137b852442d594d20e2c9d4e1";
/// By Python's `cryptography`, with the key that is derived from the secret.
const V1A: &str =
    "v1a,G4IW/cyOkIMYaPStPJ/G4pPKpM1gFYI0srGySnRh4N472t7n3DketLqy6uQBdOYQ0bxxScsZsu12Rkv2kIcnBg==";
/// The example of the specification, by a key pair that is not derived from a secret of ours.
const PUBLIC_KEY: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const V1A_OF_PUBLIC_KEY: &str =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

fn secret(text: &str) -> SigningSecret {
    text.parse().unwrap()
}

fn holder_of_secrets() -> Verifier {
    Verifier::new(vec![secret("another secret altogether"), secret(SECRET)])
}

fn holder_of_public_key(text: &str) -> Verifier {
    Verifier::default().with_public_keys(vec![text.parse().unwrap()])
}

fn check(verifier: &Verifier, timestamp: &str, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
    verifier.verify(Headers { id: ID, timestamp, signature }, body, TIMESTAMP)
}

#[test]
fn signatures_are_those_of_the_published_example() {
    let signatures = sign_headers(&[&secret(SECRET)], Scheme::V1, ID, TIMESTAMP, BODY).unwrap();
    assert_eq!(signatures.webhook_signature, V1);
    assert_eq!(signatures.hex, HEX);
    assert_eq!(check(&holder_of_secrets(), "1614265330", V1, BODY), Ok(()));
}

#[test]
fn v1a_stands_beside_v1_and_is_what_another_library_signs_with_the_derived_key() {
    let signatures = sign_headers(&[&secret(SECRET)], Scheme::V1a, ID, TIMESTAMP, BODY).unwrap();
    assert_eq!(signatures.webhook_signature, format!("{V1} {V1A}"));
    assert_eq!(signatures.hex, HEX);
    let public_key = secret(SECRET).public_key().to_string();
    assert_eq!(check(&holder_of_public_key(&public_key), "1614265330", V1A, BODY), Ok(()));
}

#[test]
fn the_published_v1a_example_is_believed_with_its_public_key_alone() {
    let verifier = holder_of_public_key(PUBLIC_KEY);
    assert_eq!(check(&verifier, "1614265330", V1A_OF_PUBLIC_KEY, BODY), Ok(()));
    assert_eq!(check(&holder_of_secrets(), "1614265330", V1A_OF_PUBLIC_KEY, BODY), Err(VerifyError::NoMatch));
}

#[test]
fn who_holds_the_secret_believes_v1a_alone_and_who_holds_the_public_key_believes_no_v1() {
    assert_eq!(check(&holder_of_secrets(), "1614265330", V1A, BODY), Ok(()));
    let public_key = secret(SECRET).public_key().to_string();
    assert_eq!(check(&holder_of_public_key(&public_key), "1614265330", V1, BODY), Err(VerifyError::NoMatch));
}

#[test]
fn a_verifier_without_a_key_believes_nobody() {
    let both = format!("{V1} {V1A}");
    assert_eq!(check(&Verifier::default(), "1614265330", &both, BODY), Err(VerifyError::NoMatch));
}

#[test]
fn one_right_signature_among_others_is_enough() {
    for right in [V1, V1A] {
        let several = format!("v1a,abc v2,x  v1,AAAA v1,%% , v1 {right}");
        assert_eq!(check(&holder_of_secrets(), "1614265330", &several, BODY), Ok(()));
    }
}

#[test]
fn a_signature_behind_the_sixteenth_is_not_looked_at() {
    let behind = |others: usize| format!("{}{V1}", "v1,AAAA ".repeat(others));
    assert_eq!(check(&holder_of_secrets(), "1614265330", &behind(15), BODY), Ok(()));
    assert_eq!(check(&holder_of_secrets(), "1614265330", &behind(16), BODY), Err(VerifyError::NoMatch));
}

#[test]
fn a_changed_body_time_id_or_signature_is_refused() {
    let verifier = holder_of_secrets();
    for signature in [V1, V1A] {
        assert_eq!(check(&verifier, "1614265330", signature, b"{}"), Err(VerifyError::NoMatch));
        assert_eq!(check(&verifier, "1614265331", signature, BODY), Err(VerifyError::NoMatch));
        // The same number, written otherwise: what is signed is the text.
        assert_eq!(check(&verifier, "01614265330", signature, BODY), Err(VerifyError::NoMatch));
        let other_id = Headers { id: "msg_2", timestamp: "1614265330", signature };
        assert_eq!(verifier.verify(other_id, BODY, TIMESTAMP), Err(VerifyError::NoMatch));
        let (_, code) = signature.split_once(',').unwrap();
        for wrong in [String::new(), code.to_owned(), format!("v2,{code}"), format!("{signature}=")] {
            assert_eq!(check(&verifier, "1614265330", &wrong, BODY), Err(VerifyError::NoMatch), "{wrong}");
        }
    }
    // Neither scheme stands in for the other.
    for wrong in [V1.replace("v1,", "v1a,"), V1A.replace("v1a,", "v1,"), HEX.to_owned()] {
        assert_eq!(check(&verifier, "1614265330", &wrong, BODY), Err(VerifyError::NoMatch), "{wrong}");
    }
    assert_eq!(check(&verifier, "soon", V1, BODY), Err(VerifyError::InvalidTimestamp));
}

#[test]
fn clocks_may_be_five_minutes_apart_and_no_more() {
    let headers = Headers { id: ID, timestamp: "1614265330", signature: V1 };
    for (now, expected) in [
        (TIMESTAMP + 300, Ok(())),
        (TIMESTAMP + 301, Err(VerifyError::TooOld)),
        (TIMESTAMP - 300, Ok(())),
        (TIMESTAMP - 301, Err(VerifyError::TooNew)),
    ] {
        assert_eq!(holder_of_secrets().verify(headers, BODY, now), expected);
    }
}

#[test]
fn during_a_rotation_the_holder_of_either_secret_or_public_key_believes() {
    let (current, previous) = (secret("the current secret, long enough"), secret(SECRET));
    let signatures = sign_headers(&[&current, &previous], Scheme::V1a, ID, TIMESTAMP, BODY).unwrap();
    let marks: Vec<&str> =
        signatures.webhook_signature.split(' ').filter_map(|each| each.split(',').next()).collect();
    assert_eq!(marks, ["v1", "v1", "v1a", "v1a"]);
    for known in [&current, &previous] {
        let by_public_key = Verifier::default().with_public_keys(vec![known.public_key()]);
        for verifier in [Verifier::new(vec![known.clone()]), by_public_key] {
            assert_eq!(check(&verifier, "1614265330", &signatures.webhook_signature, BODY), Ok(()));
        }
    }
    let alone = sign_headers(&[&current], Scheme::V1, ID, TIMESTAMP, BODY).unwrap();
    assert_eq!(signatures.hex, alone.hex, "X-Webhook-Signature is by the current secret");
    let stranger = Verifier::new(vec![secret("a secret that signed nothing")]);
    assert_eq!(
        check(&stranger, "1614265330", &signatures.webhook_signature, BODY),
        Err(VerifyError::NoMatch)
    );
}

#[test]
fn a_key_longer_than_a_block_is_hashed_first() {
    // RFC 2104, section 2; the hash is by Python's `hashlib`.
    let long = SigningSecret::from_bytes(vec![0xaa; 131]).unwrap();
    let hashed = "whsec_Ra1LN8bi/Aos/MG12lJBMuxwdhXCyuHbvEPJeqUh24E=";
    let sign = |secret: &SigningSecret| sign_headers(&[secret], Scheme::V1, "id", 1, b"body").unwrap();
    assert_eq!(sign(&long), sign(&secret(hashed)));
}

#[test]
fn an_id_with_a_full_stop_is_neither_signed_nor_believed() {
    let secret = secret(SECRET);
    assert_eq!(sign_headers(&[&secret], Scheme::V1, "a.1", 2, b"body"), Err(InvalidId));
    // What stands signed here is also what `a.1` at time 2 with the body `body` would have to be.
    let signature = sign_headers(&[&secret], Scheme::V1a, "a", 1, b"2.body").unwrap().webhook_signature;
    let verifier = Verifier::new(vec![secret]);
    let genuine = Headers { id: "a", timestamp: "1", signature: &signature };
    assert_eq!(verifier.verify(genuine, b"2.body", 1), Ok(()));
    let shifted = Headers { id: "a.1", timestamp: "2", signature: &signature };
    assert_eq!(verifier.verify(shifted, b"body", 2), Err(VerifyError::InvalidId(InvalidId)));
}

proptest! {
    #[test]
    fn whatever_is_signed_verifies_by_secret_and_by_public_key(
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 16..=256), 1..4), which in any::<prop::sample::Index>(),
        id in "[^\\p{C}.]{0,20}", timestamp in any::<u64>(), body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let secrets: Vec<SigningSecret> =
            keys.into_iter().map(|key| SigningSecret::from_bytes(key).unwrap()).collect();
        let lent: Vec<&SigningSecret> = secrets.iter().collect();
        let signatures = sign_headers(&lent, Scheme::V1a, &id, timestamp, &body).unwrap();
        let known = which.get(&secrets);
        let headers =
            Headers { id: &id, timestamp: &timestamp.to_string(), signature: &signatures.webhook_signature };
        prop_assert_eq!(Verifier::new(vec![known.clone()]).verify(headers, &body, timestamp), Ok(()));
        let by_public_key = Verifier::default().with_public_keys(vec![known.public_key()]);
        prop_assert_eq!(by_public_key.verify(headers, &body, timestamp), Ok(()));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused(
        key in prop::collection::vec(any::<u8>(), 16..40), body in prop::collection::vec(any::<u8>(), 1..64),
        at in any::<prop::sample::Index>(), bit in 0..8_u32, scheme in prop_oneof![Just("v1"), Just("v1a")],
    ) {
        let secret = SigningSecret::from_bytes(key).unwrap();
        let signatures = sign_headers(&[&secret], Scheme::V1a, "evt_1", 7, &body).unwrap();
        let signature = signatures.webhook_signature.split(' ')
            .find(|each| each.split(',').next() == Some(scheme)).unwrap();
        let verifier = Verifier::new(vec![secret]);
        let headers = Headers { id: "evt_1", timestamp: "7", signature };
        prop_assert_eq!(verifier.verify(headers, &body, 7), Ok(()));
        let mut changed = body.clone();
        *at.get_mut(&mut changed) ^= 1 << bit;
        prop_assert_eq!(verifier.verify(headers, &changed, 7), Err(VerifyError::NoMatch));
        let mut code = signature.as_bytes().to_vec();
        *at.get_mut(&mut code[scheme.len() + 1..]) ^= 1 << (bit % 7);
        let forged = String::from_utf8(code).unwrap();
        let headers = Headers { signature: &forged, ..headers };
        prop_assert_eq!(verifier.verify(headers, &body, 7), Err(VerifyError::NoMatch));
    }

    #[test]
    fn no_header_makes_a_verifier_panic_or_believe(
        id in "\\PC{0,20}", timestamp in "\\PC{0,20}|[0-9]{1,25}", signature in "\\PC{0,60}|((v1|v1a),[A-Za-z0-9+/=]{0,90} ?){0,20}",
        body in prop::collection::vec(any::<u8>(), 0..64), now in any::<u64>(),
    ) {
        let public_key: PublicKey = PUBLIC_KEY.parse().unwrap();
        let verifier = holder_of_secrets().with_public_keys(vec![public_key]);
        let pairs = [("webhook-id", id.as_str()), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        if let Ok(headers) = Headers::from_pairs(pairs) {
            prop_assert!(verifier.verify(headers, &body, now).is_err());
        }
    }
}
