//! When it makes sense to look into which partition, and the waiting for that: what this replica did itself, what the others
//! say, and a slow look at everything in case that something was not heard.

use super::key::{self, CHANNEL, Partition, REGISTRY};
use super::link::{FIRST_PAUSE, LONGEST_PAUSE, Link};
use super::registry::Registry;
use futures_util::StreamExt as _;
use redundancy_webhook::clock::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long nothing is heard before everything is looked at. Whoever died cannot say that its leases end.
const POLL: Duration = Duration::from_millis(POLL_MS);
const POLL_MS: u64 = 2000;
/// The same while the others are not heard.
const DEAF_POLL: Duration = Duration::from_millis(500);
/// How often a sign of life goes through Redis.
const BEAT: Duration = Duration::from_secs(2);
/// How long nothing, not even one of them, may come before the subscription counts as lost.
const SILENCE: Duration = Duration::from_secs(8);
/// The sign of life.
const SIGN: &str = "=";
/// Nothing to do, ever.
const NEVER: u64 = u64::MAX;

/// When it makes sense to look into which partition.
pub(super) struct Wake {
    /// In milliseconds since the epoch, by partition; `NEVER` when nothing is known to be there.
    due: Vec<AtomicU64>,
    /// When each partition was last looked into, in the same milliseconds. Whoever has work all the time is never without news,
    /// and would not notice the leases of others that end.
    looked_at: Vec<AtomicU64>,
    /// Counts what arrived.
    arrivals: AtomicU64,
    /// What had arrived when the last claim began.
    seen: AtomicU64,
    arrived: Notify,
    /// Whether the other replicas are heard.
    is_listening: AtomicBool,
    /// Claims that failed in a row.
    failures: AtomicU32,
}

/// Partitions that a claim looks into. What is not known of them at its end counts as due.
pub(super) struct Looked<'w> {
    wake: &'w Wake,
    partitions: Vec<(Partition, u64)>,
}

impl Wake {
    pub(super) fn new() -> Self {
        Self {
            due: Partition::all().map(|_| AtomicU64::new(0)).collect(),
            looked_at: Partition::all().map(|_| AtomicU64::new(0)).collect(),
            arrivals: AtomicU64::new(1),
            seen: AtomicU64::new(0),
            arrived: Notify::new(),
            is_listening: AtomicBool::new(false),
            failures: AtomicU32::new(0),
        }
    }

    /// Something will be due in a partition.
    pub(super) fn arrive(&self, partition: Partition, due: Timestamp) {
        self.not_after(partition, key::millis(due));
        self.announce();
    }

    /// What is known of a partition is out of date, though nothing arrived there.
    pub(super) fn look_into(&self, partition: Partition) {
        self.not_after(partition, 0);
    }

    /// A claim begins: gives the partitions in which something may be due at `now`.
    pub(super) fn look(&self, now: Timestamp) -> Looked<'_> {
        // In this order: what arrives in between is seen by this claim, or noticed after it.
        self.seen.store(self.arrivals.load(Ordering::SeqCst), Ordering::SeqCst);
        let hears = self.is_listening.load(Ordering::SeqCst);
        let now = key::millis(now);
        let known = self.due.iter().zip(&self.looked_at);
        let partitions = Partition::all().zip(known).filter_map(|(partition, (due, looked_at))| {
            let is_old = now.saturating_sub(looked_at.load(Ordering::SeqCst)) >= POLL_MS;
            let is_due = !hears || is_old || due.load(Ordering::SeqCst) <= now;
            is_due.then(|| {
                due.store(NEVER, Ordering::SeqCst);
                looked_at.store(now, Ordering::SeqCst);
                (partition, 0)
            })
        });
        Looked { wake: self, partitions: partitions.collect() }
    }

    /// The earliest moment after `now` in which something is due where nobody looked.
    pub(super) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.due.iter().map(|due| due.load(Ordering::SeqCst));
        due.filter(|&due| due > key::millis(now) && due != NEVER).min().map(Timestamp::from_millis)
    }

    /// A claim ended.
    pub(super) fn claimed(&self, is_success: bool) {
        if is_success {
            self.failures.store(0, Ordering::SeqCst);
        } else {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits until there may be something to claim that the last claim did not know of; while claims fail, for a moment that
    /// grows with each of them.
    pub(super) async fn wait(&self) {
        let failures = self.failures.load(Ordering::SeqCst);
        if failures > 0 {
            let pause = FIRST_PAUSE * 2u32.saturating_pow(failures.min(10) - 1);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            return;
        }
        let mut arrived = std::pin::pin!(self.arrived.notified());
        arrived.as_mut().enable();
        if self.arrivals.load(Ordering::SeqCst) != self.seen.load(Ordering::SeqCst) {
            return;
        }
        let poll = if self.is_listening.load(Ordering::SeqCst) { POLL } else { DEAF_POLL };
        if timeout(poll, arrived).await.is_err() {
            self.look_everywhere();
        }
    }

    /// Listens to the other replicas until `stop`.
    pub(super) async fn listen(&self, link: &Link, registry: &Registry, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = self.hear(link, registry, attempt) => heard,
            };
            self.is_listening.store(false, Ordering::SeqCst);
            pause = if heard { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Listens until the subscription is lost; says whether there was one.
    async fn hear(&self, link: &Link, registry: &Registry, attempt: usize) -> bool {
        let Ok(mut subscription) = link.listen(attempt).await else { return false };
        if !matches!(
            timeout(SILENCE, subscription.subscribe(format!("{}{CHANNEL}", link.namespace()))).await,
            Ok(Ok(()))
        ) {
            return false;
        }
        self.is_listening.store(true, Ordering::SeqCst);
        // What was said before was not heard.
        registry.changed();
        self.look_everywhere();
        self.announce();
        let mut messages = subscription.into_on_message();
        while let Ok(Some(message)) = timeout(SILENCE, messages.next()).await {
            let text = std::str::from_utf8(message.get_payload_bytes()).unwrap_or_default();
            let tag = text.strip_prefix(link.namespace()).unwrap_or_default();
            if tag == REGISTRY {
                registry.changed();
            } else if let Some(partition) = Partition::tagged(tag) {
                self.arrive(partition, Timestamp::default());
            }
        }
        true
    }

    fn not_after(&self, partition: Partition, due: u64) {
        if let Some(known) = self.due.get(partition.index()) {
            known.fetch_min(due, Ordering::SeqCst);
        }
    }

    fn look_everywhere(&self) {
        for due in &self.due {
            due.store(0, Ordering::SeqCst);
        }
    }

    fn announce(&self) {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_waiters();
    }
}

impl Looked<'_> {
    /// The partitions.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        self.partitions.iter().map(|&(partition, _)| partition)
    }

    /// There is nothing to do in `partition` before `next`.
    pub(super) fn nothing_before(&mut self, partition: Partition, next: Option<Timestamp>) {
        if let Some((_, due)) = self.partitions.iter_mut().find(|(looked, _)| *looked == partition) {
            *due = next.map_or(NEVER, Timestamp::as_millis);
        }
    }
}

impl Drop for Looked<'_> {
    fn drop(&mut self) {
        for &(partition, due) in &self.partitions {
            self.wake.not_after(partition, due);
        }
    }
}

/// Keeps the endpoints that this replica knows fresh, and sends signs of life, until `stop`.
pub(super) async fn beat(registry: &Registry, stop: CancellationToken) {
    loop {
        let beat = async {
            // When Redis is away there is nothing to do but to ask again.
            let _ = registry.refresh_and_say(SIGN).await;
            let _ = timeout(BEAT, registry.until_changed()).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = beat => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(wake: &Wake, millis: u64) -> Vec<usize> {
        let mut looked = wake.look(Timestamp::from_millis(millis));
        let all: Vec<Partition> = looked.partitions().collect();
        for partition in &all {
            looked.nothing_before(*partition, None);
        }
        all.iter().map(|partition| partition.index()).collect()
    }

    #[test]
    fn a_partition_without_news_is_looked_into_now_and_then_while_others_have_work() {
        let wake = Wake::new();
        wake.is_listening.store(true, Ordering::SeqCst);
        assert_eq!(looked(&wake, 10_000).len(), Partition::all().count());
        for millis in (10_100..10_000 + POLL_MS).step_by(100) {
            wake.arrive(Partition::of_slot(3), Timestamp::default());
            assert_eq!(looked(&wake, millis), [3]);
        }
        wake.arrive(Partition::of_slot(3), Timestamp::default());
        assert_eq!(looked(&wake, 10_000 + POLL_MS).len(), Partition::all().count());
    }
}
