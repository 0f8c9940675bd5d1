//! The real program, driven as its users drive it: arguments, files, pipes, the environment, signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod bench;
mod client;
mod colours;
mod dedup;
mod deliveries;
mod encryption;
mod endpoints;
mod files;
mod findings;
mod json;
mod kit;
mod monitoring;
mod progress;
mod report;
mod search;
mod send;
mod service;
mod settings;
mod stand_in;
mod verify_webhook;
mod webhooks;
