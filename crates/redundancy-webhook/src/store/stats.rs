//! Counts of deliveries, and how a store does.

use crate::clock::Timestamp;
use crate::delivery::DeliveryState;
use crate::ids::EndpointId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Buckets of a [`LatencyHistogram`]. The last one takes everything from about 100 s on.
const BUCKETS: usize = 48;
/// The upper end of the first bucket, in milliseconds.
const FIRST_MS: f64 = 0.25;
/// Each bucket ends so much higher than the one before: a percentile is off by at most a seventh.
const FACTOR: f64 = 1.32;

/// Counts of the deliveries to one endpoint, or to all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointCounts {
    /// Deliveries that wait.
    pub pending: u64,
    /// Deliveries that are being made.
    pub in_flight: u64,
    /// Deliveries that were given up and are not yet requeued, cancelled or deleted.
    pub dead_letters: u64,
    /// Deliveries that the receiver took, ever.
    pub delivered: u64,
    /// Deliveries that were given up, ever.
    pub failed: u64,
    /// Attempts beyond the first of their delivery, ever.
    pub retried: u64,
    /// How long attempts took that the receiver answered with success.
    pub latency: LatencyHistogram,
}

/// Counts of durations in buckets whose width grows with the duration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LatencyHistogram(Vec<u64>);

/// Counts of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Of all endpoints, those that were deleted included.
    pub total: EndpointCounts,
    /// Of each endpoint, by id.
    pub by_endpoint: Vec<(EndpointId, EndpointCounts)>,
    /// When the pending delivery was accepted that has waited longest.
    pub oldest_pending_at: Option<Timestamp>,
}

/// How a store does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// `memory`, `embedded` or `redis`.
    pub kind: &'static str,
    /// Whether it answers.
    pub is_reachable: bool,
    /// Whether what it keeps outlives the process and a loss of power.
    pub is_durable: bool,
    /// How long it took to answer.
    pub latency: Duration,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

impl EndpointCounts {
    /// Deliveries that the receiver took, as a share of those that ended by themselves; `None` before the first has.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.delivered + self.failed;
        (ended > 0).then(|| self.delivered as f64 / ended as f64)
    }

    /// Takes notice of a delivery that left the state `from` (`None`: it is new) for `to` (`None`: it was deleted).
    pub fn moved(&mut self, from: Option<DeliveryState>, to: Option<DeliveryState>) {
        if let Some(count) = from.and_then(|state| self.current(state)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = to.and_then(|state| self.current(state)) {
            *count += 1;
        }
        match to {
            Some(DeliveryState::Succeeded) => self.delivered += 1,
            Some(DeliveryState::Exhausted) => self.failed += 1,
            Some(DeliveryState::Pending | DeliveryState::InFlight | DeliveryState::Cancelled) | None => {}
        }
    }

    /// Takes notice of an attempt.
    pub fn attempted(&mut self, number: u32, is_success: bool, duration: Duration) {
        self.retried += u64::from(number > 1);
        if is_success {
            self.latency.record(duration);
        }
    }

    /// Adds the counts of another endpoint.
    pub fn add(&mut self, other: &Self) {
        self.pending += other.pending;
        self.in_flight += other.in_flight;
        self.dead_letters += other.dead_letters;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.retried += other.retried;
        self.latency.add(&other.latency);
    }

    fn current(&mut self, state: DeliveryState) -> Option<&mut u64> {
        match state {
            DeliveryState::Pending => Some(&mut self.pending),
            DeliveryState::InFlight => Some(&mut self.in_flight),
            DeliveryState::Exhausted => Some(&mut self.dead_letters),
            DeliveryState::Succeeded | DeliveryState::Cancelled => None,
        }
    }
}

impl LatencyHistogram {
    /// Which bucket `duration` falls into, from 0; the same in every store.
    #[must_use]
    pub fn bucket(duration: Duration) -> usize {
        let millis = duration.as_secs_f64() * 1000.0;
        let (mut bucket, mut end) = (0, FIRST_MS);
        while bucket + 1 < BUCKETS && millis > end {
            bucket += 1;
            end *= FACTOR;
        }
        bucket
    }

    /// Takes notice of `duration`.
    pub fn record(&mut self, duration: Duration) {
        self.record_bucket(Self::bucket(duration), 1);
    }

    /// Takes notice of `count` durations in `bucket`. A bucket that there is not counts as the last one.
    pub fn record_bucket(&mut self, bucket: usize, count: u64) {
        let bucket = bucket.min(BUCKETS - 1);
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        if let Some(counted) = self.0.get_mut(bucket) {
            *counted = counted.saturating_add(count);
        }
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        for (bucket, &count) in other.0.iter().enumerate() {
            self.record_bucket(bucket, count);
        }
    }

    /// The duration that a share of `rank`, 0 to 1, of all does not exceed, in milliseconds and to within a seventh; `None` when
    /// nothing was counted.
    #[must_use]
    pub fn percentile_ms(&self, rank: f64) -> Option<f64> {
        let total: u64 = self.0.iter().sum();
        let wanted = (total as f64 * rank).ceil().max(1.0);
        let (mut seen, mut end) = (0.0, FIRST_MS);
        for &count in &self.0 {
            seen += count as f64;
            if seen >= wanted {
                // The middle of the bucket, by ratio.
                return Some(end / FACTOR.sqrt());
            }
            end *= FACTOR;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_within_a_seventh() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.percentile_ms(0.5), None);
        for millis in 1..=1000 {
            histogram.record(Duration::from_millis(millis));
        }
        for (rank, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = histogram.percentile_ms(rank).unwrap();
            assert!((found / expected).max(expected / found) < 1.17, "{rank}: {found}");
        }
    }

    #[test]
    fn the_longest_times_share_the_last_bucket() {
        assert_eq!(LatencyHistogram::bucket(Duration::MAX), BUCKETS - 1);
        assert!(LatencyHistogram::bucket(Duration::from_mins(1)) < BUCKETS - 1);
        assert_eq!(LatencyHistogram::bucket(Duration::ZERO), 0);
    }

    #[test]
    fn counts_follow_a_delivery_through_its_states() {
        use DeliveryState::{Exhausted, InFlight, Pending, Succeeded};
        let mut counts = EndpointCounts::default();
        counts.moved(None, Some(Pending));
        counts.moved(Some(Pending), Some(InFlight));
        counts.moved(Some(InFlight), Some(Exhausted));
        assert_eq!((counts.pending, counts.in_flight, counts.dead_letters, counts.failed), (0, 0, 1, 1));
        counts.moved(Some(Exhausted), Some(Pending));
        counts.moved(Some(Pending), Some(Succeeded));
        assert_eq!((counts.dead_letters, counts.failed, counts.delivered), (0, 1, 1));
        assert_eq!(counts.success_rate(), Some(0.5));
    }
}
