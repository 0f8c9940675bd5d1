//! What only the embedded store promises: what is on the disk, and what becomes of it when the process, the disk or the key is
//! not as it was. What every store promises is tested by the suite beside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]
#![allow(missing_docs, reason = "a name says what is tested")]

mod crash;
mod deleting;
mod disk;
#[path = "../webhooks/fixture.rs"]
#[allow(dead_code, reason = "shared with the suite, which uses all of it")]
mod fixture;
mod folder;
mod lanes;
mod lasting;
mod opening;
#[path = "../webhooks/unmoved.rs"]
mod unmoved;
mod victim;
