//! How long it takes to sign and to verify one attempt, with a body as long as a usual event.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use divan::Bencher;
use redundancy_webhook::{Headers, Scheme, SigningSecret, Verifier, sign_headers};

const BODY_BYTES: usize = 1024;
const SCHEMES: [Scheme; 2] = [Scheme::V1, Scheme::V1a];

fn main() {
    divan::main();
}

#[divan::bench(args = SCHEMES)]
fn sign(bencher: Bencher, scheme: Scheme) {
    let secret = SigningSecret::generate([7; 24]);
    let body = vec![b'a'; BODY_BYTES];
    bencher.bench(|| sign_headers(&[&secret], scheme, "evt_1", 1_700_000_000, &body));
}

#[divan::bench(args = SCHEMES)]
fn verify(bencher: Bencher, scheme: Scheme) {
    let secret = SigningSecret::generate([7; 24]);
    let body = vec![b'a'; BODY_BYTES];
    let signatures = sign_headers(&[&secret], scheme, "evt_1", 1_700_000_000, &body).unwrap();
    let headers = Headers { id: "evt_1", timestamp: "1700000000", signature: &signatures.webhook_signature };
    let verifier = match scheme {
        Scheme::V1 => Verifier::new(vec![secret]),
        Scheme::V1a => Verifier::default().with_public_keys(vec![secret.public_key()]),
    };
    bencher.bench(|| verifier.verify(headers, &body, 1_700_000_000));
}
