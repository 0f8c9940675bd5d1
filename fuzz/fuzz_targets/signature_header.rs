//! Headers and keys as anybody may send them: nothing panics, no signature is believed that was not made with the key, and
//! what is signed is believed.
//!
//! The input is lines of `name: value`, an empty line, and the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redundancy_webhook::{Headers, PublicKey, Scheme, SigningSecret, Verifier, sign_headers};
use std::sync::LazyLock;

const NOW: u64 = 1_700_000_000;

static SECRET: LazyLock<SigningSecret> = LazyLock::new(|| SigningSecret::generate([7; 24]));
/// It knows the key by which nothing that the fuzzer can say is signed.
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(vec![SECRET.clone()]).with_public_keys(vec![SECRET.public_key()]));

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let pairs = head.lines().filter_map(|line| line.split_once(':'));
    for (_, value) in pairs.clone() {
        read_keys(value.trim_start());
    }
    if let Ok(headers) = Headers::from_pairs(pairs) {
        assert!(VERIFIER.verify(headers, body.as_bytes(), NOW).is_err(), "believed: {headers:?}");
        believes_what_is_signed(headers.id, body.as_bytes());
    }
});

/// What is read as a key reads back as the same key.
fn read_keys(text: &str) {
    if let Ok(secret) = text.parse::<SigningSecret>() {
        let shown = secret.reveal();
        assert_eq!(shown.parse::<SigningSecret>().map(|again| again.reveal()), Ok(shown));
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
}

/// Whatever the id and the body, a signature holds, unless the id is refused.
fn believes_what_is_signed(id: &str, body: &[u8]) {
    let Ok(signed) = sign_headers(&[&SECRET], Scheme::V1a, id, NOW, body) else {
        assert!(id.contains('.'), "{id:?}");
        return;
    };
    let timestamp = NOW.to_string();
    for signature in signed.webhook_signature.split(' ') {
        let headers = Headers { id, timestamp: &timestamp, signature };
        assert_eq!(VERIFIER.verify(headers, body, NOW), Ok(()));
    }
}
