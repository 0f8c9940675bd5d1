//! Where the service keeps what it must not forget.

use std::path::PathBuf;

use super::keys;
use super::parse;
use super::reader::Reader;

/// Which store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageType {
    /// The best one that can be had. In this version that is memory.
    Auto,
    /// A file in the data folder.
    Embedded,
    /// A Redis server.
    Redis,
    /// Memory: gone when the program ends.
    Memory,
}

/// Where the service keeps what it must not forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Which store is used.
    pub storage_type: StorageType,
    /// The folder of the embedded store.
    pub data_dir: PathBuf,
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
        let redis_url = parse::address(&["redis", "rediss", "redis+cluster"]);
        reader.optional(&keys::REDIS_URL, redis_url);
        let data_dir = reader.value(&keys::DATA_DIR, parse::text);
        if matches!(storage_type, Some(StorageType::Embedded | StorageType::Redis)) {
            reader.not_available(&keys::WEBHOOK_STORAGE_TYPE);
        }
        reader.not_available(&keys::REDIS_URL);
        Some(Self { storage_type: storage_type?, data_dir: data_dir?.into() })
    }
}
