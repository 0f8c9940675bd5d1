//! What is promised of deliveries and of batches, proved from outside: the real program as processes that are killed, starved and told to
//! end, under load, on each store that keeps what it is given.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod batches;
mod chance;
mod crash;
mod disk_full;
mod documents;
mod http;
mod load;
mod receivers;
mod redis_away;
mod redis_server;
mod replicas;
mod rotel;
mod secrets_in_logs;
mod service;
mod shutdown;
mod sink;
mod traces;

#[path = "../program/stand_in.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod stand_in;
