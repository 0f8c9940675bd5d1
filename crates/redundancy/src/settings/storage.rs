//! Where the service keeps what it must not forget.

use std::path::PathBuf;

use super::keys;
use super::parse;
use super::reader::Reader;

/// With less, parts of the index are so small that there are too many of them.
const MIN_INDEX_MEMORY_BYTES: usize = 16 << 20;
/// More would not be used.
const MAX_INDEX_MEMORY_BYTES: usize = 64 << 30;

/// Which store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageType {
    /// Redis if there is an address of one, else a file in the data folder.
    Auto,
    /// A file in the data folder.
    Embedded,
    /// A Redis server.
    Redis,
    /// Memory: gone when the program ends.
    Memory,
}

/// Where the service keeps what it must not forget.
#[derive(Clone, PartialEq, Eq)]
pub struct Storage {
    /// Which store is used.
    pub storage_type: StorageType,
    /// The folder of the embedded store.
    pub data_dir: PathBuf,
    /// Bytes of memory that the index of documents of the embedded store takes at most.
    pub index_memory_bytes: usize,
    /// Where Redis is.
    pub redis_url: Option<String>,
}

impl std::fmt::Debug for Storage {
    /// Without the address of Redis, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("storage_type", &self.storage_type).finish_non_exhaustive()
    }
}

impl Storage {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let choices = [
            ("auto", StorageType::Auto),
            ("embedded", StorageType::Embedded),
            ("redis", StorageType::Redis),
            ("memory", StorageType::Memory),
        ];
        let storage_type = reader.value(&keys::WEBHOOK_STORAGE_TYPE, parse::one_of(&choices));
        let redis_url = parse::address(&["redis", "rediss", "redis+cluster", "rediss+cluster"]);
        let redis_url = reader.optional(&keys::REDIS_URL, redis_url);
        let data_dir = reader.value(&keys::DATA_DIR, parse::text);
        let index_memory = reader.value(&keys::INDEX_MEMORY_BYTES, parse::bytes(MAX_INDEX_MEMORY_BYTES));
        if index_memory.is_some_and(|bytes| bytes < MIN_INDEX_MEMORY_BYTES) {
            reader.refuse(&keys::INDEX_MEMORY_BYTES, "must be at least 16 MiB");
        }
        if storage_type == Some(StorageType::Redis) && !reader.is_given(&keys::REDIS_URL) {
            reader.refuse(&keys::REDIS_URL, "is needed for the store redis, such as redis://127.0.0.1:6379");
        }
        let storage_type = match (storage_type?, &redis_url) {
            (StorageType::Auto, Some(_)) => StorageType::Redis,
            (StorageType::Auto, None) => StorageType::Embedded,
            (chosen, _) => chosen,
        };
        Some(Self { storage_type, data_dir: data_dir?.into(), index_memory_bytes: index_memory?, redis_url })
    }
}
