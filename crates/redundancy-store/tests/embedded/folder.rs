//! Stores in folders, and what is in the files there.

use redundancy_store::{EmbeddedConfig, EmbeddedStore};
use redundancy_webhook::event::Event;
use redundancy_webhook::record::SecretCipher;
use redundancy_webhook::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::fixture::{Store, publication};
use crate::unmoved::{Counted, NoTime};

/// A key for secrets.
pub(crate) const KEY: &str = "a key for the tests of stores";
/// Tasks that publish at the same time.
const PUBLISHERS: usize = 64;

/// The configuration of the store in `folder`.
pub(crate) fn config(folder: &Path, key: Option<&str>) -> EmbeddedConfig {
    EmbeddedConfig {
        folder: folder.to_owned(),
        cipher: key.map(|key| SecretCipher::new(key).unwrap()),
        clock: Arc::new(NoTime),
        ids: Arc::new(Counted::default()),
    }
}

/// Opens the store in `folder`.
pub(crate) fn open(folder: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(config(folder, Some(KEY))).unwrap()
}

/// Why the store in `folder` cannot be opened.
pub(crate) fn refusal(folder: &Path, key: Option<&str>) -> StoreError {
    match EmbeddedStore::open(config(folder, key)) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

/// The database in `folder`.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("redundancy.db")
}

/// The answer to a question about the database in `folder`, which nobody has open.
pub(crate) fn ask<T: rusqlite::types::FromSql>(folder: &Path, question: &str) -> T {
    let connection = rusqlite::Connection::open(database(folder)).unwrap();
    connection.query_row(question, [], |row| row.get(0)).unwrap()
}

/// Whether `text` is in any file of `folder`.
pub(crate) fn holds(folder: &Path, text: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

/// Publishes all of `events`, many at the same time.
pub(crate) async fn publish_all(store: &Store, events: Vec<Event>) {
    let mut tasks = JoinSet::new();
    for events in events.chunks(events.len().div_ceil(PUBLISHERS).max(1)).map(<[Event]>::to_vec) {
        let store = store.clone();
        tasks.spawn(async move {
            for event in events {
                store.publish(publication(event)).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}
