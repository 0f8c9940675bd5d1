//! What is written reads back, and what is no record is refused.

use super::*;
use crate::clock::Timestamp;
use crate::delivery::{DeliveryFilter, DeliveryState};
use crate::endpoint::{DisabledReason, PreviousSecret};
use crate::failure::FailureReason;
use crate::ids::{EventId, JobId};
use crate::rate_window::RateLimit;
use crate::retry::RetryPolicy;
use crate::signature::Scheme;
use crate::store::{JobKind, JobState};
use proptest::prelude::*;
use std::time::Duration;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PREVIOUS: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_678);

fn endpoint() -> Endpoint {
    Endpoint {
        id: "main-webhook".parse().unwrap(),
        url: "https://user:hidden@example.com/hook".parse().unwrap(),
        events: vec!["analysis.*".parse().unwrap()],
        secret: SECRET.parse().unwrap(),
        previous_secrets: vec![PreviousSecret { secret: PREVIOUS.parse().unwrap(), expires_at: NOW }],
        scheme: Scheme::V1,
        description: Some("The main one".to_owned()),
        headers: [("X-Team".to_owned(), "content".to_owned())].into(),
        timeout: Duration::from_secs(30),
        retry: RetryPolicy::default(),
        rate_limit: Some(RateLimit { requests: 10, per_seconds: 1 }),
        max_in_flight: 32,
        is_active: false,
        disabled_reason: Some(DisabledReason::Gone),
        metadata: serde_json::Map::new(),
        created_at: NOW,
        updated_at: NOW,
        revision: 3,
    }
}

fn cipher(setting: &str) -> SecretCipher {
    SecretCipher::new(setting).unwrap()
}

#[test]
fn an_endpoint_reads_back_with_and_without_encryption() {
    for cipher in [None, Some(cipher("a key of sixteen bytes or more"))] {
        let record = write_endpoint(&endpoint(), cipher.as_ref(), 7);
        let again = read_endpoint(&record, cipher.as_ref()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{:?}", endpoint()));
        assert_eq!(again.headers, endpoint().headers);
        assert_eq!((again.secret.reveal(), again.url.as_str()), (SECRET.to_owned(), endpoint().url.as_str()));
        assert_eq!(again.previous_secrets[0].secret.reveal(), PREVIOUS);
        assert_eq!(has_plain_secret(&record), cipher.is_none());
    }
}

#[test]
fn headers_that_were_stored_in_clear_are_read_and_count_as_plain_secrets() {
    let key = cipher("a key of sixteen bytes or more");
    let mut record: serde_json::Value =
        serde_json::from_slice(&write_endpoint(&endpoint(), Some(&key), 7)).unwrap();
    assert!(record["headers"]["sealed_headers"]["encrypted"].is_string(), "{record}");
    record["headers"] = serde_json::json!({"X-Team": "content", "sealed_headers": "a name like any other"});
    let record = serde_json::to_vec(&record).unwrap();
    assert!(has_plain_secret(&record));
    let headers = read_endpoint(&record, Some(&key)).unwrap().headers;
    assert_eq!((headers.len(), &*headers["X-Team"]), (2, "content"));
}

#[test]
fn what_is_logged_of_an_endpoint_shows_none_of_its_secrets() {
    let shown = format!("{:?}", endpoint());
    for hidden in [SECRET, &SECRET[6..], PREVIOUS, "hidden", "content"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(shown.contains("X-Team") && shown.contains("main-webhook"), "{shown}");
}

#[test]
fn with_a_key_no_secret_stands_in_the_record_and_no_other_key_opens_it() {
    let record = write_endpoint(&endpoint(), Some(&cipher("a key of sixteen bytes or more")), 7);
    let text = String::from_utf8(record.clone()).unwrap();
    for hidden in [SECRET, &SECRET[6..], PREVIOUS, "hidden", "X-Team", "content"] {
        assert!(!text.contains(hidden), "{text}");
    }
    for other in [None, Some(cipher("another key of sixteen bytes"))] {
        assert_eq!(read_endpoint(&record, other.as_ref()).unwrap_err(), UnreadableRecord::Key);
    }
    // Put under another name it does not open either.
    let moved = text.replace("main-webhook", "other");
    let key = cipher("a key of sixteen bytes or more");
    assert_eq!(read_endpoint(moved.as_bytes(), Some(&key)).unwrap_err(), UnreadableRecord::Key);
}

#[test]
fn deliveries_attempts_and_jobs_read_back() {
    let endpoint_id: crate::ids::EndpointId = "main-webhook".parse().unwrap();
    let mut delivery = Delivery::new(
        EventId::from_number(5),
        "analysis.completed".parse().unwrap(),
        endpoint_id.clone(),
        NOW,
    );
    delivery.last_failure = Some(FailureReason::Timeout);
    assert_eq!(read_delivery(&write_delivery(&delivery)), Ok(delivery));
    let attempt = Attempt {
        number: 2,
        started_at: NOW,
        duration: Duration::from_micros(1234),
        status: Some(503),
        failure: Some(FailureReason::Status),
        response_headers: vec![("retry-after".to_owned(), "2".to_owned())],
        response_body: "später".to_owned(),
    };
    assert_eq!(read_attempt(&write_attempt(&attempt)), Ok(attempt));
    let replay = JobKind::Replay {
        endpoint_id,
        since: NOW,
        until: NOW,
        states: vec![DeliveryState::Exhausted],
        events: vec!["*".parse().unwrap()],
    };
    let filter =
        DeliveryFilter { state: Some(DeliveryState::Exhausted), since: Some(NOW), ..Default::default() };
    for kind in [replay, JobKind::Requeue { filter, until: NOW }] {
        let job = Job {
            id: JobId::from_number(1),
            kind,
            state: JobState::Running,
            queued: 1,
            examined: 2,
            cursor: Some(u128::MAX),
            created_at: NOW,
            updated_at: NOW,
            revision: 4,
        };
        assert_eq!(read_job(&write_job(&job)), Ok(job));
    }
}

#[test]
fn records_of_another_version_and_damaged_ones_are_told_apart() {
    let record = String::from_utf8(write_endpoint(&endpoint(), None, 0)).unwrap();
    let newer = record.replacen("\"v\":1", "\"v\":2", 1);
    assert_eq!(read_endpoint(newer.as_bytes(), None).unwrap_err(), UnreadableRecord::Version(2));
    assert_eq!(read_endpoint(&record.as_bytes()[1..], None).unwrap_err(), UnreadableRecord::Damaged);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\{\"v\":1,\\PC{0,80}\\}") {
        for bytes in [&bytes, text.as_bytes()] {
            let _ = (read_endpoint(bytes, None), read_delivery(bytes), read_attempt(bytes), read_job(bytes));
        }
    }
}
