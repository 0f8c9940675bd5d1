//! The storage ports of the engine and of delivery, implemented three times: [`memory`] keeps everything in the process,
//! [`embedded`] in a file of `SQLite`, [`redis`] in Redis 7 for any number of replicas.
//!
//! What a store keeps and for how long is decided here; what is kept, and why, is the engine's business.

#![forbid(unsafe_code)]

mod batches;
pub mod embedded;
pub mod memory;
mod rates;
pub mod redis;
mod schedule;

pub use embedded::access::EmbeddedAccess;
pub use embedded::{EmbeddedConfig, EmbeddedStore, IndexOptions};
pub use memory::MemoryStore;
pub use memory::access::MemoryAccess;
pub use rates::LocalRates;
pub use redis::access::RedisAccess;
pub use redis::{RedisAddress, RedisConfig, RedisStore};
