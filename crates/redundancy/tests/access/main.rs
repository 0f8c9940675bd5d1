//! Who may use the service, from outside: keys, tokens, tenants, limits and the audit log of the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod audit;
mod caller;
mod issuer;
mod keys;
mod limits;
mod tenants;
mod tokens;

#[path = "../program/kit.rs"]
#[allow(dead_code, reason = "the tests of commands use all of it")]
mod kit;
#[path = "../deliveries/redis_server.rs"]
#[allow(dead_code, reason = "the tests of deliveries use all of it")]
mod redis_server;
#[path = "../program/stand_in.rs"]
#[allow(dead_code, reason = "the tests of commands use all of it")]
mod stand_in;
