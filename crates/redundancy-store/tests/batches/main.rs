//! One suite for every store of batches: what the engine may rely on, whatever is behind the port. The doc of each method of
//! [`BatchStore`](redundancy_engine::BatchStore) is the contract.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]
#![allow(missing_docs, reason = "a name says what is tested")]

#[macro_use]
#[path = "../catalog/suite.rs"]
mod suite;
#[macro_use]
mod stores;

mod behaviours;
mod crash;
mod fixture;
mod model;
mod real;
mod redis;
mod running;

#[path = "../redis/server.rs"]
#[allow(dead_code, reason = "the tests of faults use all of it")]
mod server;
#[path = "../webhooks/unmoved.rs"]
mod unmoved;
#[path = "../embedded/victim.rs"]
mod victim;

conforms!(embedded, crate::real::EmbeddedStores::default());
conforms!(memory, crate::real::MemoryStores);
conforms!(redis_single, crate::redis::Single::default());
conforms!(redis_of_a_tenant, crate::redis::Tenants::default());
