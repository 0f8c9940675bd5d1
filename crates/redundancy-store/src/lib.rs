//! The engine's storage ports, implemented: [`memory`] keeps everything in the process.
//!
//! What a store keeps and for how long is decided here; what is kept, and why, is the engine's business.

#![forbid(unsafe_code)]

pub mod embedded;
pub mod memory;
pub mod redis;
mod schedule;

pub use embedded::{EmbeddedConfig, EmbeddedStore};
pub use memory::MemoryStore;
pub use redis::RedisStore;
