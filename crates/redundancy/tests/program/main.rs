//! The real program, driven as its users drive it: arguments, files, pipes, the environment, signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod colours;
mod files;
mod findings;
mod json;
mod kit;
mod progress;
mod report;
mod service;
mod settings;
mod verify_webhook;
