//! Who may open the file, with which key, and which files are none of ours.

use crate::fixture::{Store, at, endpoint, record, register};
use crate::folder::{KEY, ask, config, database, holds, open, refusal};
use redundancy_store::EmbeddedStore;
use redundancy_webhook::endpoint::{Endpoint, PreviousSecret};
use redundancy_webhook::store::StoreError;

/// What is in the signing secrets of these tests.
const SECRETS: [&str; 2] = ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "QWxsIHRoYXQgaXMgc2VjcmV0IGhlcmUu"];

/// Registers an endpoint with two secrets and changes it a few times.
async fn register_with_secrets(store: &Store) {
    let previous =
        PreviousSecret { secret: format!("whsec_{}", SECRETS[1]).parse().unwrap(), expires_at: at(99) };
    let with_secrets = Endpoint {
        secret: format!("whsec_{}", SECRETS[0]).parse().unwrap(),
        previous_secrets: vec![previous],
        ..endpoint("main", &["a"])
    };
    register(store, with_secrets.clone()).await;
    for revision in 1..4 {
        let description = Some("changed ".repeat(usize::try_from(revision).unwrap()));
        let changed = Endpoint { revision, description, ..with_secrets.clone() };
        store.replace_endpoint(changed, false, at(revision)).await.unwrap();
    }
}

/// Checks that the secrets are what they were.
async fn assert_readable(store: &Store) {
    let kept = record(store, &"main".parse().unwrap(), at(9)).await.endpoint;
    assert_eq!(kept.secret.reveal(), format!("whsec_{}", SECRETS[0]));
    assert_eq!(kept.previous_secrets[0].secret.reveal(), format!("whsec_{}", SECRETS[1]));
}

#[test]
fn a_second_process_is_told_the_folder_and_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let message = refusal(folder.path(), Some(KEY)).to_string();
    assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
    assert!(message.contains("DATA_DIR"), "{message}");
    drop(first);
    open(folder.path());
}

#[tokio::test]
async fn secrets_are_in_no_file_when_there_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    register_with_secrets(&store).await;
    // Now they would be in the log, later in the database.
    assert!(SECRETS.iter().all(|secret| !holds(folder.path(), secret.as_bytes())));
    drop(store);
    assert!(SECRETS.iter().all(|secret| !holds(folder.path(), secret.as_bytes())));
    assert_readable(&(open(folder.path()) as Store)).await;
}

#[tokio::test]
async fn another_key_or_none_is_refused_with_the_name_of_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    register_with_secrets(&store).await;
    drop(store);
    for key in [None, Some("another key for the tests of stores")] {
        let message = refusal(folder.path(), key).to_string();
        assert!(message.contains("WEBHOOK_SECRET_KEY"), "{message}");
    }
    assert_readable(&(open(folder.path()) as Store)).await;
}

#[tokio::test]
async fn plain_secrets_are_encrypted_without_a_trace_once_there_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = EmbeddedStore::open(config(folder.path(), None)).unwrap();
    register_with_secrets(&store).await;
    drop(store);
    // This also shows that the search finds what is there.
    assert!(SECRETS.iter().all(|secret| holds(folder.path(), secret.as_bytes())));
    let store: Store = open(folder.path());
    assert!(SECRETS.iter().all(|secret| !holds(folder.path(), secret.as_bytes())));
    assert_readable(&store).await;
    drop(store);
    assert!(refusal(folder.path(), None).to_string().contains("WEBHOOK_SECRET_KEY"));
    assert_readable(&(open(folder.path()) as Store)).await;
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let connection = rusqlite::Connection::open(database(folder.path())).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = refusal(folder.path(), Some(KEY));
    assert!(matches!(refused, StoreError::Unreadable(_)), "{refused}");
    let message = refused.to_string();
    assert!(message.contains("format 99") && message.contains("newer"), "{message}");
    assert_eq!(ask::<i64>(folder.path(), "PRAGMA user_version"), 99);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(database(folder.path())).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (7)").unwrap();
    drop(connection);
    let before = std::fs::read(database(folder.path())).unwrap();
    let refused = refusal(folder.path(), Some(KEY));
    assert!(matches!(&refused, StoreError::Unreadable(why) if why.contains("another program")), "{refused}");
    assert!(std::fs::read(database(folder.path())).unwrap() == before);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(200);
    std::fs::write(database(folder.path()), &text).unwrap();
    let refused = refusal(folder.path(), Some(KEY));
    assert!(matches!(&refused, StoreError::Unreadable(why) if why.contains("no database")), "{refused}");
    assert!(std::fs::read_to_string(database(folder.path())).unwrap() == text);
}
