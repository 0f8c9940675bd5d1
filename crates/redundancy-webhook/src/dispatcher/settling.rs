//! Tells the store what came of attempts, many at once, and that those under way are still there.

use super::{Inner, STORE_PAUSE};
use crate::store::{Settled, Settlement, StoreError};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Settlements that are written at once.
const MAX_BATCH: usize = 256;
/// How often leases are extended before they end.
const BEATS_PER_LEASE: u32 = 3;

/// An attempt that ended. It keeps its place until the store knows.
pub(super) struct Ended {
    pub(super) settlement: Settlement,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Starts what settles and what extends leases. Both end when the dispatcher is gone.
pub(super) fn start(inner: &Arc<Inner>, arriving: mpsc::UnboundedReceiver<Ended>) {
    // Not on the tracker of attempts: that one is waited for, and these only end with the dispatcher.
    let background = tokio_util::task::TaskTracker::new();
    background.spawn(settle_all(Arc::downgrade(inner), arriving));
    background.spawn(beat(Arc::downgrade(inner)));
}

async fn settle_all(inner: Weak<Inner>, mut arriving: mpsc::UnboundedReceiver<Ended>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while arriving.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let Some(inner) = inner.upgrade() else { return };
        let (settlements, permits): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Ended { settlement, permit }| (settlement, permit)).unzip();
        settle(&inner, settlements).await;
        drop(permits);
        inner.room.notify_one();
    }
}

/// Tells the store, for as long as it takes: until it knows, the leases are extended and nobody else makes these deliveries.
async fn settle(inner: &Inner, settlements: Vec<Settlement>) {
    let disabling: Vec<_> = settlements
        .iter()
        .map(|settlement| settlement.disables.as_ref().map(|disables| disables.reason))
        .collect();
    let ended: Vec<_> = settlements
        .iter()
        .map(|settlement| (settlement.lease.clone(), settlement.attempt.is_success()))
        .collect();
    let mut is_told = false;
    loop {
        match inner.ports.store.settle(settlements.clone()).await {
            Ok(settled) => {
                for ((settled, reason), (lease, _)) in settled.into_iter().zip(disabling).zip(&ended) {
                    if let (Settled::Disabled, Some(reason)) = (settled, reason) {
                        inner.ports.observer.disabled(&lease.endpoint, reason);
                        tracing::warn!(endpoint = %lease.endpoint, reason = reason.as_str(), "an endpoint is disabled");
                    }
                }
                break;
            }
            Err(error @ StoreError::Unreadable(_)) => {
                tracing::error!(%error, "cannot settle deliveries; they are made again when their leases end");
                break;
            }
            Err(error) => {
                // Once for each batch: a store that is away must not fill the log.
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(%error, "cannot settle deliveries yet");
                }
                tokio::select! {
                    () = tokio::time::sleep(STORE_PAUSE) => {}
                    () = inner.broken_off.cancelled() => break,
                }
            }
        }
    }
    let now = inner.ports.clock.monotonic();
    for (lease, is_success) in &ended {
        inner.flights.end(lease, *is_success, now);
    }
}

async fn beat(inner: Weak<Inner>) {
    let mut is_away = false;
    loop {
        let Some(lease) = inner.upgrade().map(|inner| inner.config.lease) else { return };
        tokio::time::sleep((lease / BEATS_PER_LEASE).max(Duration::from_millis(1))).await;
        let Some(inner) = inner.upgrade() else { return };
        let leases = inner.leases();
        if leases.is_empty() {
            continue;
        }
        let now = inner.ports.clock.now();
        let extended = inner.ports.store.extend(&leases, now, now.plus(lease)).await;
        let was_away = std::mem::replace(&mut is_away, extended.is_err());
        if let Err(error) = extended
            && !was_away
        {
            tracing::warn!(%error, "cannot extend leases");
        }
    }
}
