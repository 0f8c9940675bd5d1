//! Counts of deliveries, endpoints with their counts, and how Redis does.

use super::RedisStore;
use super::key::Partition;
use super::key::REGISTRY;
use super::reply::Items;
use super::script::{self, Call};
use redis::{Value, cmd};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::store::{EndpointCounts, EndpointRecord, QueueStats, StoreError, StoreHealth};
use std::sync::Arc;

/// Endpoints whose counts are read at once.
const AT_ONCE: usize = 64;

impl RedisStore {
    /// Endpoints with how their deliveries go.
    pub(super) async fn records(
        &self,
        endpoints: &[Arc<Endpoint>],
        now: Timestamp,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        let ids: Vec<&EndpointId> = endpoints.iter().map(|endpoint| &endpoint.id).collect();
        let guards = self.guards.read(&ids, now).await?;
        let (counts, _) = self.counts(&ids).await?;
        let rest = endpoints.iter().zip(guards).zip(counts);
        let record = |((endpoint, guard), counts): ((&Arc<Endpoint>, _), _)| EndpointRecord {
            endpoint: Endpoint::clone(endpoint),
            guard,
            counts,
        };
        Ok(rest.map(record).collect())
    }

    pub(super) async fn count_all(&self) -> Result<QueueStats, StoreError> {
        let endpoints = self.registry.refresh().await?;
        let ids: Vec<&EndpointId> = endpoints.after(None).map(|endpoint| &endpoint.id).collect();
        let (_, mut total) = self.counts(&[]).await?;
        let mut by_endpoint = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            for (id, counts) in ids.iter().zip(self.counts(ids).await?.0) {
                total.add(&counts);
                by_endpoint.push(((*id).clone(), counts));
            }
        }
        Ok(QueueStats { total, by_endpoint, oldest_pending_at: self.oldest_pending().await? })
    }

    /// How Redis does.
    pub(super) async fn ask_health(&self) -> StoreHealth {
        let began = self.clock.monotonic();
        let ping = self.link.send(cmd("PING")).await;
        let latency = self.clock.monotonic().saturating_sub(began);
        let mut health = StoreHealth {
            kind: "redis",
            is_reachable: ping.is_ok(),
            is_durable: false,
            latency,
            warnings: Vec::new(),
        };
        if let Err(error) = ping {
            health.warnings.push(error.to_string());
            return health;
        }
        match self.link.call(Call::new(&script::HEALTH, REGISTRY)).await.and_then(info) {
            Ok(info) => judge(&info, &mut health),
            Err(_) => health.warnings.push(
                "whether Redis keeps data on disk is unknown: it does not allow INFO. It should have appendonly yes and \
                 maxmemory-policy noeviction"
                    .to_owned(),
            ),
        }
        if self.registry.keeps_plain_secrets() {
            health
                .warnings
                .push("signing secrets are not encrypted at rest: set WEBHOOK_SECRET_KEY".to_owned());
        }
        health
    }

    /// Counts of endpoints, and those of all that were deleted.
    async fn counts(&self, ids: &[&EndpointId]) -> Result<(Vec<EndpointCounts>, EndpointCounts), StoreError> {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let call = |partition: Partition| Call::new(&script::COUNTS, &partition.tag()).arg(&ids);
        let mut sums: Vec<Sum> = ids.iter().map(|_| Sum::default()).collect();
        let mut gone = Sum::default();
        for reply in self.link.call_all(Partition::all().map(call).collect()).await? {
            let mut items = Items::of(reply?)?;
            for sum in sums.iter_mut().chain([&mut gone]) {
                sum.add(items.items()?)?;
            }
        }
        Ok((sums.into_iter().map(Sum::counts).collect(), gone.counts()))
    }
}

/// Counts of several partitions, summed before anything below zero is cut off: a deletion may be counted elsewhere.
#[derive(Default)]
struct Sum {
    pending: i64,
    in_flight: i64,
    dead_letters: i64,
    failed: i64,
    retried: i64,
    /// By bucket.
    latency: Vec<(usize, i64)>,
}

impl Sum {
    fn add(&mut self, mut items: Items) -> Result<(), StoreError> {
        self.pending += items.integer()?;
        let mut items = items.items()?;
        while !items.is_empty() {
            let (name, count) = (items.text()?.unwrap_or_default(), items.integer()?);
            let place = match name.as_str() {
                "f" => &mut self.in_flight,
                "x" => &mut self.dead_letters,
                "X" => &mut self.failed,
                "R" => &mut self.retried,
                _ => {
                    if let Some(Ok(bucket)) = name.strip_prefix('l').map(str::parse) {
                        self.latency.push((bucket, count));
                    }
                    continue;
                }
            };
            *place += count;
        }
        Ok(())
    }

    fn counts(self) -> EndpointCounts {
        let positive = |count: i64| u64::try_from(count).unwrap_or(0);
        let mut counts = EndpointCounts {
            pending: positive(self.pending),
            in_flight: positive(self.in_flight),
            dead_letters: positive(self.dead_letters),
            failed: positive(self.failed),
            retried: positive(self.retried),
            ..EndpointCounts::default()
        };
        for (bucket, count) in self.latency {
            counts.delivered += positive(count);
            counts.latency.record_bucket(bucket, positive(count));
        }
        counts
    }
}

fn info(value: Value) -> Result<String, StoreError> {
    let mut items = Items::of(value)?;
    let mut all = String::new();
    while !items.is_empty() {
        all.push_str(&String::from_utf8_lossy(&items.bytes()?.unwrap_or_default()));
    }
    Ok(all)
}

/// Judges what the server says of itself.
fn judge(info: &str, health: &mut StoreHealth) {
    let value =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    health.is_durable = value("aof_enabled") == Some("1");
    let warnings = &mut health.warnings;
    if !health.is_durable {
        warnings.push("Redis does not write each change to disk: what it loses in a restart is lost. Set appendonly yes".to_owned());
    }
    if value("aof_last_write_status") == Some("err") {
        warnings.push("Redis could not write its append-only file".to_owned());
    }
    let policy = value("maxmemory_policy").filter(|policy| *policy != "noeviction");
    if let Some(policy) = policy {
        warnings
            .push(format!("Redis drops data when it is full ({policy}). Set maxmemory-policy noeviction"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_server_that_forgets_or_evicts_is_warned_of_and_a_good_one_is_not() {
        let judged = |info: &str| {
            let latency = Duration::ZERO;
            let mut health = StoreHealth {
                kind: "redis",
                is_reachable: true,
                is_durable: false,
                latency,
                warnings: vec![],
            };
            judge(info, &mut health);
            (health.is_durable, health.warnings.len())
        };
        assert_eq!(judged("# Persistence\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"), (true, 0));
        assert_eq!(judged("aof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n"), (false, 2));
        assert_eq!(judged("aof_enabled:1\r\naof_last_write_status:err\r\n"), (true, 1));
    }
}
