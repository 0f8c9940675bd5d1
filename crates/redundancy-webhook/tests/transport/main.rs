//! The transport against real sockets: what it refuses to call, and how it stands receivers that misbehave.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod addresses;
mod answers;
mod encryption;
mod names;
mod receiver;
mod requests;
mod reuse;
mod urls;
