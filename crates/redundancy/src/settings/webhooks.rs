//! How events are delivered. This version checks these settings and delivers nothing yet.

use super::keys;
use super::parse;
use super::platform::Profile;
use super::reader::Reader;

const MOST_WORKERS: u32 = 10_000;

/// Reads the settings of delivery, so that one that will not do is noted.
pub(super) fn read(reader: &mut Reader, profile: Profile) {
    // A function has little memory, and lives for one request at a time.
    let (workers, pool_size) = match profile {
        Profile::Server => ("10", "100"),
        Profile::Function(_) => ("2", "5"),
    };
    let count = parse::number(1..=MOST_WORKERS);
    reader.value_or(&keys::WEBHOOK_WORKERS, workers, &count);
    reader.value_or(&keys::WEBHOOK_POOL_SIZE, pool_size, &count);
    reader.optional(&keys::WEBHOOK_ALLOWED_NETWORKS, parse::networks);
    reader.value(&keys::WEBHOOK_HTTPS_ONLY, parse::flag);
    reader.optional(&keys::WEBHOOK_SECRET_KEY, parse::text);
    reader.value(&keys::CIRCUIT_BREAKER_FAILURE_THRESHOLD, parse::number(1..=1_000_000_u32));
    reader.value(&keys::CIRCUIT_BREAKER_TIMEOUT_SECONDS, parse::seconds(1..=86_400));
    reader.value(&keys::WEBHOOK_RETENTION_DAYS, parse::number(1..=36_500_u32));
}
