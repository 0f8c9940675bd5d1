//! How endpoints, events, deliveries, attempts and jobs are written down: JSON with the version of its format in front. A
//! newer program reads what an older one wrote, or says that it cannot.
//!
//! Not for wire formats: what callers and receivers see is made elsewhere.

mod cipher;
mod delivery;
mod endpoint;
mod job;

use crate::delivery::{Attempt, Delivery};
use crate::endpoint::Endpoint;
use crate::store::{Job, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use cipher::{InvalidKey, SecretCipher};

/// The version of every record that this program writes.
const VERSION: u32 = 1;

/// A record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// It is of a format that this version of the program does not know.
    #[error(
        "it has format {0}, and this version reads format {VERSION}: use the version of the program that wrote it"
    )]
    Version(u32),
    /// It is damaged, or none of ours.
    #[error("it is damaged or was not written by this program")]
    Damaged,
    /// Its secrets are encrypted with another key, or no key is set.
    #[error(
        "its secrets cannot be decrypted: WEBHOOK_SECRET_KEY is missing or not the one they were encrypted with"
    )]
    Key,
}

/// A record with its version.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    record: T,
}

/// Only the version of a record.
#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}

impl From<UnreadableRecord> for StoreError {
    fn from(error: UnreadableRecord) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Writes an endpoint. Its secrets are encrypted if there is a `cipher`; `nonce` is random.
#[must_use]
pub fn write_endpoint(endpoint: &Endpoint, cipher: Option<&SecretCipher>, nonce: u128) -> Vec<u8> {
    write(endpoint::EndpointRecord::new(endpoint, cipher, nonce))
}

/// Reads what [`write_endpoint`] wrote, with or without encryption.
pub fn read_endpoint(bytes: &[u8], cipher: Option<&SecretCipher>) -> Result<Endpoint, UnreadableRecord> {
    read::<endpoint::EndpointRecord>(bytes)?.into_endpoint(cipher)
}

/// Whether a record of an endpoint holds a secret that is not encrypted.
#[must_use]
pub fn has_plain_secret(bytes: &[u8]) -> bool {
    read::<endpoint::EndpointRecord>(bytes).is_ok_and(|record| record.has_plain_secret())
}

/// Writes a delivery.
#[must_use]
pub fn write_delivery(delivery: &Delivery) -> Vec<u8> {
    write(delivery::DeliveryRecord::from(delivery))
}

/// Reads what [`write_delivery`] wrote.
pub fn read_delivery(bytes: &[u8]) -> Result<Delivery, UnreadableRecord> {
    read::<delivery::DeliveryRecord>(bytes)?.into_delivery()
}

/// Writes an attempt.
#[must_use]
pub fn write_attempt(attempt: &Attempt) -> Vec<u8> {
    write(delivery::AttemptRecord::from(attempt))
}

/// Reads what [`write_attempt`] wrote.
pub fn read_attempt(bytes: &[u8]) -> Result<Attempt, UnreadableRecord> {
    read::<delivery::AttemptRecord>(bytes)?.into_attempt()
}

/// Writes a job.
#[must_use]
pub fn write_job(job: &Job) -> Vec<u8> {
    write(job::JobRecord::from(job))
}

/// Reads what [`write_job`] wrote.
pub fn read_job(bytes: &[u8]) -> Result<Job, UnreadableRecord> {
    read::<job::JobRecord>(bytes)?.into_job()
}

fn write(record: impl Serialize) -> Vec<u8> {
    // Structs of strings and numbers: that cannot fail.
    serde_json::to_vec(&Versioned { v: VERSION, record }).unwrap_or_default()
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, UnreadableRecord> {
    let OnlyVersion { v } = serde_json::from_slice(bytes).map_err(|_| UnreadableRecord::Damaged)?;
    if v != VERSION {
        return Err(UnreadableRecord::Version(v));
    }
    serde_json::from_slice::<Versioned<T>>(bytes)
        .map(|versioned| versioned.record)
        .map_err(|_| UnreadableRecord::Damaged)
}

#[cfg(test)]
mod tests;
