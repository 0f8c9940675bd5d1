//! The HTTP adapter from outside: through its router where a request in memory says enough, and over sockets where the bytes
//! on the wire or their timing matter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "everything here belongs to tests, which fail by panicking"
)]

mod analyses;
mod authority;
mod batches;
mod bodies;
mod browsers;
mod connections;
mod detection;
mod documentation;
mod documents;
mod duplicates;
mod encryption;
mod faults;
mod http2;
mod limits;
mod lists;
mod logs;
mod monitoring;
mod new_keys;
mod service;
mod shutdown;
mod socket;
mod streams;
mod webhooks;
