//! A store of keys that several processes use at once.

use crate::behaviours::key;
use redundancy_engine::access::AccessStore as _;
use redundancy_store::EmbeddedAccess;
use redundancy_webhook::clock::Timestamp;

#[tokio::test]
async fn what_one_process_changes_another_sees() {
    let folder = tempfile::tempdir().unwrap();
    let (service, operator) =
        (EmbeddedAccess::open(folder.path()).unwrap(), EmbeddedAccess::open(folder.path()).unwrap());
    operator.put_key(key(1, None)).await.unwrap();
    assert_eq!(service.key(key(1, None).id).await.unwrap(), Some(key(1, None)));
    operator.revoke_key(key(1, None).id, Timestamp::from_millis(7)).await.unwrap();
    let seen = service.key(key(1, None).id).await.unwrap().unwrap();
    assert_eq!(seen.revoked_at, Some(Timestamp::from_millis(7)));
}

#[tokio::test]
async fn nothing_removes_or_changes_an_entry_of_the_log_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    drop(EmbeddedAccess::open(folder.path()).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("access.db")).unwrap();
    file.execute("INSERT INTO audit (id, record) VALUES (x'01', '{}')", []).unwrap();
    for statement in ["DELETE FROM audit", "UPDATE audit SET record = '[]'"] {
        let refused = file.execute(statement, []).unwrap_err();
        assert!(refused.to_string().contains("only grows"), "{refused}");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    drop(EmbeddedAccess::open(folder.path()).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("access.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let refused = EmbeddedAccess::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("version 99") && refused.contains("newer"), "{refused}");
}
