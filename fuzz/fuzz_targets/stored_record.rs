//! Records as they may be found in a store that was damaged, or written by others: nothing panics, and what can be read is
//! written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::record::{
    SecretCipher, has_plain_secret, read_attempt, read_delivery, read_endpoint, read_job, write_attempt,
    write_delivery, write_endpoint, write_job,
};
use redundancy_webhook::retry::RetryPolicy;
use std::sync::LazyLock;

const NONCE: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

static CIPHER: LazyLock<SecretCipher> =
    LazyLock::new(|| SecretCipher::new("a key of sixteen bytes or more").expect("it is long enough"));

fuzz_target!(|input: &[u8]| {
    if let Ok(delivery) = read_delivery(input) {
        assert_eq!(read_delivery(&write_delivery(&delivery)), Ok(delivery));
    }
    if let Ok(attempt) = read_attempt(input) {
        assert_eq!(read_attempt(&write_attempt(&attempt)), Ok(attempt));
    }
    if let Ok(job) = read_job(input) {
        assert_eq!(read_job(&write_job(&job)), Ok(job));
    }
    let _ = has_plain_secret(input);
    for cipher in [None, Some(&*CIPHER)] {
        if let Ok(endpoint) = read_endpoint(input, cipher) {
            reads_back(&endpoint, cipher);
        }
    }
});

/// Encrypted or not, an endpoint is the same after it was written.
fn reads_back(endpoint: &Endpoint, cipher: Option<&SecretCipher>) {
    let record = write_endpoint(endpoint, cipher, NONCE);
    assert_eq!(has_plain_secret(&record), cipher.is_none());
    let again = read_endpoint(&record, cipher).expect("what was written can be read");
    assert_eq!(plain(again), plain(endpoint.clone()));
}

/// All of an endpoint, secrets included, but for fractions: their last digit may change when JSON is read.
fn plain(mut endpoint: Endpoint) -> String {
    endpoint.metadata.clear();
    endpoint.retry = RetryPolicy::default();
    String::from_utf8(write_endpoint(&endpoint, None, NONCE)).expect("JSON is UTF-8")
}
