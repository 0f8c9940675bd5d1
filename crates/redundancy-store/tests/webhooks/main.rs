//! One suite for every store of webhooks: what delivery may rely on, whatever is behind the port. The doc of each method of
//! [`WebhookStore`](redundancy_webhook::store::WebhookStore) is the contract. Time is only a number that is passed in.
//!
//! The suite runs on its own reference first, `model`: what the suite demands can be done. Another store joins with an
//! implementation of `stores::Stores` and one line, `conforms!(its_name, ItsStores)`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]
#![allow(missing_docs, reason = "a name says what is tested")]

#[path = "../catalog/suite.rs"]
mod suite;
#[macro_use]
mod stores;

mod agreement;
mod changing;
mod claiming;
mod counting;
mod disabling;
mod endpoints;
mod fixture;
mod guards;
mod leases;
mod listing;
mod model;
mod publishing;
mod real;
mod redis;
mod replicas;
mod settling;
mod unmoved;
mod upkeep;

#[path = "../redis/server.rs"]
#[allow(dead_code, reason = "the tests of faults use all of it")]
mod server;

conforms!(the_model, crate::model::Models);
conforms!(memory, crate::real::MemoryStores);
conforms!(embedded, crate::real::EmbeddedStores::default());
conforms!(redis_single, crate::redis::Single::default());
conforms!(redis_of_a_tenant, crate::redis::Tenants::default());
