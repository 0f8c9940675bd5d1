//! Makes deliveries: claims what is due, attempts it, and tells the store what came of it.
//!
//! [`Dispatcher::deliver_due`] is one bounded step, for functions, cron and tests; [`Dispatcher::run`] goes on until it is told
//! to stop, woken by the store when something arrives. Any number of dispatchers may share a store: each delivery is claimed
//! under a lease by one of them, and the lease of one that died ends by itself.
//!
//! Not for deciding: [`crate::retry`] says what becomes of a delivery, and the store asks [`crate::guard`] whether an endpoint
//! may be called.

mod attempt;
mod flights;
mod follow_ups;
mod request;
mod settling;
mod spans;

use crate::breaker::BreakerConfig;
use crate::clock::{Clock, IdSource, Timestamp};
use crate::guard::ReplicaId;
use crate::observer::Observer;
use crate::store::{Claim, ClaimedDelivery, Lease, StoreError, WebhookStore};
use crate::trace::Tracer;
use crate::transport::Transport;
use flights::Flights;
use settling::Ended;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

pub(crate) use attempt::call;

/// How long the dispatcher waits before it asks a store again that did not answer.
const STORE_PAUSE: Duration = Duration::from_millis(250);
/// How often it looks for work when nothing wakes it: a wake-up can be lost with the connection that should bring it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long the end waits for outcomes to get into the store, after the last attempt was broken off.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(500);
/// Deliveries claimed at once: enough to make a claim cheap for each, few enough that a lost reply costs little.
const MAX_CLAIM: usize = 256;

/// How a dispatcher works.
#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// Attempts under way at the same time, at least 1.
    pub max_in_flight: usize,
    /// How long a claimed delivery is left to a dispatcher that is not heard of. It says three times as often that it is there.
    pub lease: Duration,
    /// When breakers open and close.
    pub breaker: BreakerConfig,
    /// What receivers see in `User-Agent`.
    pub user_agent: String,
    /// How long attempts may go on after a shutdown began.
    pub drain_timeout: Duration,
}

impl Default for DispatcherConfig {
    /// 1,000 attempts at the same time, leases of 6 s, 10 s to drain.
    fn default() -> Self {
        Self {
            max_in_flight: 1000,
            lease: Duration::from_secs(6),
            breaker: BreakerConfig::default(),
            user_agent: concat!("content-redundancy-detector/", env!("CARGO_PKG_VERSION")).to_owned(),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// What a dispatcher needs.
#[derive(Clone)]
pub struct Ports {
    /// Where deliveries are.
    pub store: Arc<dyn WebhookStore>,
    /// How receivers are called.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub ids: Arc<dyn IdSource>,
    /// Who takes notice.
    pub observer: Arc<dyn Observer>,
    /// Ties attempts to the traces of their events.
    pub tracer: Arc<dyn Tracer>,
}

/// How much [`Dispatcher::deliver_due`] may do.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Attempts at most.
    pub attempts: usize,
    /// Time at most; attempts under way when it is over go on, and are settled, in the background.
    pub time: Duration,
}

/// What [`Dispatcher::deliver_due`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Attempts that it began.
    pub attempted: usize,
    /// Whether all of them have ended and are settled.
    pub is_settled: bool,
    /// When the next delivery is due, as far as that is known.
    pub next_at: Option<Timestamp>,
}

/// How a dispatcher ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatcherEnd {
    /// Attempts that had to be broken off. Their deliveries were given back and are made again.
    pub broken_off: usize,
}

/// Makes the deliveries of a store. Cheap to clone: clones share one state.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    ports: Ports,
    config: DispatcherConfig,
    replica: ReplicaId,
    places: Arc<Semaphore>,
    flights: Flights,
    /// Attempts under way.
    tasks: TaskTracker,
    /// Attempts that ended, on their way to the store.
    ended: mpsc::UnboundedSender<Ended>,
    /// Something ended, so that there may be room for more.
    room: Notify,
    /// Ends attempts at once.
    broken_off: CancellationToken,
}

/// An attempt under way. Should it panic, nobody would settle it: then it is forgotten, and its lease ends by itself.
struct Flight<'i> {
    inner: &'i Inner,
    lease: Option<Lease>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(lease) = &self.lease {
            self.inner.flights.end(lease, false, self.inner.ports.clock.monotonic());
        }
    }
}

/// What was begun.
struct Begun {
    count: usize,
    next_at: Option<Timestamp>,
    /// Whether there may be more that is due.
    is_full: bool,
}

impl Dispatcher {
    /// A dispatcher with nothing under way. Must be used inside a tokio runtime; it settles attempts and extends leases on a task
    /// of its own for as long as it lives.
    #[must_use]
    pub fn new(ports: Ports, config: DispatcherConfig) -> Self {
        // Truncated on purpose: a replica needs 64 bits of it.
        let [low @ .., _, _, _, _, _, _, _, _] = ports.ids.random_128().to_le_bytes();
        let replica = ReplicaId(u64::from_le_bytes(low));
        let places = Arc::new(Semaphore::new(config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        let (ended, arriving) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            ports,
            config,
            replica,
            places,
            flights: Flights::default(),
            tasks: TaskTracker::new(),
            ended,
            room: Notify::new(),
            broken_off: CancellationToken::new(),
        });
        settling::start(&inner, arriving);
        Self(inner)
    }

    /// The number under which it holds leases.
    pub(crate) fn replica(&self) -> ReplicaId {
        self.0.replica
    }

    /// Attempts under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.flights.count()
    }

    /// Makes what is due now, within `budget`, and waits for it to end.
    pub async fn deliver_due(&self, budget: Budget) -> Result<Progress, StoreError> {
        // Outside of what is dropped when the time is over.
        let attempted = AtomicUsize::new(0);
        let step = async {
            let mut next_at = None;
            while let left @ 1.. = budget.attempts.saturating_sub(attempted.load(Ordering::Relaxed)) {
                let begun = self.0.begin_due(left).await?;
                attempted.fetch_add(begun.count, Ordering::Relaxed);
                next_at = begun.next_at;
                if begun.count == 0 {
                    let is_more_now = next_at.is_some_and(|next_at| next_at <= self.0.ports.clock.now());
                    if self.0.flights.count() == 0 && !is_more_now {
                        break;
                    }
                    // What ends may make room for more of the same endpoint, and what arrives is not to wait for one that hangs.
                    self.0.wait_for_work(next_at).await;
                }
            }
            self.0.flights.wait_until_none().await;
            self.0.ports.store.sync().await?;
            Ok(next_at)
        };
        let in_time = tokio::time::timeout(budget.time, step).await;
        let attempted = || attempted.load(Ordering::Relaxed);
        match in_time {
            Ok(Ok(next_at)) => Ok(Progress { attempted: attempted(), is_settled: true, next_at }),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Progress { attempted: attempted(), is_settled: false, next_at: None }),
        }
    }

    /// Makes deliveries until `shutdown` is done, then lets attempts under way end for up to the drain time-out, and gives
    /// back what is left.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> DispatcherEnd {
        let go_on = async {
            // Told when it begins and when it ends: a store that is away must not fill the log.
            let mut is_away = false;
            loop {
                let begun = self.0.begin_due(MAX_CLAIM).await;
                if begun.is_err() != is_away {
                    is_away = !is_away;
                    if let Err(error) = &begun {
                        tracing::warn!(%error, "cannot claim deliveries");
                    } else {
                        tracing::info!("deliveries are claimed again");
                    }
                }
                match begun {
                    Ok(begun) if begun.is_full => {}
                    Ok(begun) => self.0.wait_for_work(begun.next_at).await,
                    Err(_) => tokio::time::sleep(STORE_PAUSE).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = go_on => {}
        }
        self.drain().await
    }

    /// Begins nothing more, waits for what is under way up to the drain time-out, and gives back what is left.
    pub async fn drain(&self) -> DispatcherEnd {
        let timeout = self.0.config.drain_timeout;
        let in_time = tokio::time::timeout(timeout, self.0.flights.wait_until_none()).await;
        if in_time.is_ok() {
            self.0.sync().await;
            return DispatcherEnd { broken_off: 0 };
        }
        self.0.broken_off.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        // What has ended is on its way to the store, and need not be made again.
        let _ = tokio::time::timeout(SETTLE_TIMEOUT, self.0.flights.wait_until_none()).await;
        let left = self.0.flights.leases();
        let broken_off = left.len();
        if let Err(error) = self.0.ports.store.release(left, self.0.ports.clock.now()).await {
            tracing::warn!(%error, "cannot give deliveries back; their leases end by themselves");
        }
        self.0.sync().await;
        DispatcherEnd { broken_off }
    }
}

impl Inner {
    /// Claims up to `limit` deliveries that are due and begins to attempt them. Waits for a free place first.
    async fn begin_due(self: &Arc<Self>, limit: usize) -> Result<Begun, StoreError> {
        let Ok(mut places) = Arc::clone(&self.places).acquire_owned().await else {
            return Ok(Begun { count: 0, next_at: None, is_full: false });
        };
        let more = self.places.available_permits().min(limit.min(MAX_CLAIM).saturating_sub(1));
        // Others may have been quicker; then the next round takes what is left.
        if let Ok(more) = Arc::clone(&self.places).try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
            places.merge(more);
        }
        let now = self.ports.clock.now();
        let room = self.flights.room(self.ports.clock.monotonic());
        let wanted = places.num_permits();
        let claim = Claim {
            replica: self.replica,
            limit: wanted,
            room: &room,
            breaker: self.config.breaker,
            now,
            until: now.plus(self.config.lease),
        };
        let claimed = self.ports.store.claim(claim).await?;
        let count = claimed.deliveries.len();
        let round = if count == 0 { Span::none() } else { spans::worker(self.replica, count) };
        for delivery in claimed.deliveries {
            // A store gives no more than it was asked for.
            let Some(permit) = places.split(1) else { break };
            self.start(delivery, permit, round.clone());
        }
        Ok(Begun { count, next_at: claimed.next_at, is_full: count == wanted })
    }

    /// Attempts a delivery on a task of its own. The span of the `round` it was claimed in lasts until it has ended.
    fn start(self: &Arc<Self>, claimed: ClaimedDelivery, permit: OwnedSemaphorePermit, round: Span) {
        self.flights.begin(&claimed.lease, self.ports.clock.monotonic());
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            let mut flight = Flight { inner: &inner, lease: Some(claimed.lease.clone()) };
            let settlement = tokio::select! {
                settlement = attempt::make(&inner, &claimed, &round) => settlement,
                () = inner.broken_off.cancelled() => {
                    // Whoever breaks off gives the lease back.
                    flight.lease = None;
                    return;
                }
            };
            flight.lease = None;
            // Gone only when the dispatcher is, and then nobody waits for it.
            let _ = inner.ended.send(Ended { settlement, permit });
        });
    }

    /// Waits until there may be something to claim.
    async fn wait_for_work(&self, next_at: Option<Timestamp>) {
        let now = self.ports.clock.now();
        let wait = next_at.map_or(LONGEST_WAIT, |next_at| next_at.since(now).min(LONGEST_WAIT));
        tokio::select! {
            () = self.ports.store.work_arrived() => {}
            () = self.room.notified() => {}
            // The timer counts milliseconds as the clock does, but not from the same moment.
            () = tokio::time::sleep(wait + Duration::from_millis(1)) => {}
        }
    }

    /// Makes sure that outcomes outlive the process.
    async fn sync(&self) {
        if let Err(error) = self.ports.store.sync().await {
            tracing::warn!(%error, "outcomes could not be written; their deliveries are made again");
        }
    }

    /// The leases of everything under way.
    fn leases(&self) -> Vec<Lease> {
        self.flights.leases()
    }
}
