//! The thread that writes: many changes in one transaction, one fsync for all of them.

use super::checkpoint::Rest;
use super::index::IndexChange;
use super::names::EventTypes;
use super::{Shared, State, execute};
use crate::schedule::{Key, WINDOW};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Settlement, StoreError};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

use super::settling::Ended;

/// Changes in one transaction at most.
const MAX_BATCH: usize = 512;
/// How long outcomes of attempts wait for something urgent to share a commit with.
const LAZY_FOR: Duration = Duration::from_millis(20);
/// More outcomes than this do not wait: after a crash so many deliveries are made again beside those under way.
const MAX_LAZY: usize = 32;
/// With so many changes at once there are more on their way: a commit costs about the same for few and for many, so waiting a
/// moment for them costs less than it saves.
const BUSY: usize = 4;
/// How long that moment is.
const GATHER_FOR: Duration = Duration::from_millis(1);
/// Between two tries to write outcomes that could not be written.
const PAUSE: Duration = Duration::from_millis(100);

/// A change on its way to the writing thread.
pub(super) enum Write {
    /// Somebody waits for it to be on the disk.
    Urgent(Box<dyn Urgent>),
    /// Outcomes of attempts: they are kept until they are on the disk, and nobody waits.
    Lazy(Vec<Ended>),
}

/// A change that somebody waits for.
pub(super) trait Urgent: Send {
    /// Makes the change in the open transaction; again in another one when the first was undone.
    fn apply(&mut self, writer: &mut Writer<'_>) -> Result<(), StoreError>;

    /// Says what came of it: `Ok` when it is on the disk.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiting<F, T> {
    apply: F,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Urgent for Waiting<F, T>
where
    F: FnMut(&mut Writer<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn apply(&mut self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        self.done = None;
        self.done = Some((self.apply)(writer)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { done, answer, .. } = *self;
        let closed = || StoreError::Unavailable("the change was not made".to_owned());
        // Whoever asked may have gone.
        let _ = answer.send(committed.and_then(|()| done.ok_or_else(closed)));
    }
}

impl Write {
    pub(super) fn urgent<T: Send + 'static>(
        apply: impl FnMut(&mut Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Self::Urgent(Box::new(Waiting { apply, done: None, answer })), answered)
    }
}

/// Sends changes to the thread, which ends when this is dropped and everything is written.
pub(super) struct Writes {
    queue: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
}

impl Writes {
    pub(super) fn start(
        connection: Connection,
        registry: BTreeMap<EndpointId, Registered>,
        next_document: u32,
        shared: Arc<Shared>,
        rest: Arc<Rest>,
    ) -> Result<Self, StoreError> {
        let (queue, arriving) = channel();
        let thread = thread::Builder::new()
            .name("store-write".to_owned())
            .spawn(move || Thread::new(&connection, registry, next_document, &shared, &rest).work(&arriving))
            .map_err(|error| StoreError::Unavailable(format!("no thread could be started: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Whether the thread is there. It ends early only by a defect.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    pub(super) fn send(&self, write: Write) -> Result<(), StoreError> {
        let sent = self.queue.as_ref().map(|queue| queue.send(write).is_ok());
        if sent == Some(true) {
            Ok(())
        } else {
            Err(StoreError::Unavailable("the store is closed".to_owned()))
        }
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An endpoint as the writer knows it.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) key: i64,
    pub(super) endpoint: Arc<Endpoint>,
}

/// What happens in memory once a transaction is on the disk.
#[derive(Debug)]
pub(super) enum Effect {
    /// A delivery waits; a new one comes with its event, another one may have `left` another place.
    Wait { delivery: Delivery, event: Option<Arc<Event>>, from: Option<DeliveryState>, left: Option<Key> },
    /// A delivery got from one state into another, or was deleted. It has `left` its place, if it had one.
    Moved { endpoint: EndpointId, from: DeliveryState, to: Option<DeliveryState>, left: Option<Key> },
    /// A success came after the end of its lease, for a delivery that is due again then.
    SettledLate { settlement: Box<Settlement>, due: Option<Timestamp> },
    /// An endpoint is new or was changed.
    Endpoint { endpoint: Arc<Endpoint>, forgives: bool, now: Timestamp },
    /// An endpoint was deleted.
    EndpointGone(EndpointId),
    /// The index of documents changes.
    Index(IndexChange),
    /// A lane gets more of what waits for it, behind `from`.
    Refill { endpoint: EndpointId, from: Option<Key>, keys: Vec<Key>, is_all: bool, dropped: u64, lost: u64 },
}

/// What is done in memory before it is on the disk, because nobody may come in between. It is undone should that fail.
#[derive(Debug)]
pub(super) enum Held {
    /// A delivery was taken out of its lane.
    Place(EndpointId, Key),
    /// A delivery is made in vain.
    Lease(DeliveryId),
}

/// One open transaction, and what the writer knows.
pub(super) struct Writer<'t> {
    pub(super) connection: &'t Connection,
    pub(super) shared: &'t Shared,
    pub(super) registry: &'t mut BTreeMap<EndpointId, Registered>,
    pub(super) next_document: &'t mut u32,
    pub(super) types: &'t mut EventTypes,
    pub(super) effects: Vec<Effect>,
    /// What was done in memory already.
    pub(super) held: &'t mut Vec<Held>,
    /// Endpoints whose guard and counts are written at the end.
    pub(super) touched: BTreeSet<EndpointId>,
}

struct Thread<'t> {
    connection: &'t Connection,
    shared: &'t Shared,
    rest: &'t Rest,
    registry: BTreeMap<EndpointId, Registered>,
    /// The number of the next document. Those of transactions that were undone are not used again.
    next_document: u32,
    /// Whether a transaction that may have changed the registry was undone.
    is_registry_stale: bool,
    types: EventTypes,
    held: Vec<Held>,
    /// Outcomes that are not on the disk yet.
    lazy: Vec<Ended>,
    lazy_since: Option<Instant>,
    /// Whether one of the changes failed, and not the transaction.
    is_spoilt: bool,
    /// Changes that failed for themselves, by their place.
    refused: BTreeMap<usize, StoreError>,
}

impl<'t> Thread<'t> {
    fn new(
        connection: &'t Connection,
        registry: BTreeMap<EndpointId, Registered>,
        next_document: u32,
        shared: &'t Shared,
        rest: &'t Rest,
    ) -> Self {
        Self {
            connection,
            shared,
            rest,
            registry,
            next_document,
            is_registry_stale: false,
            types: EventTypes::default(),
            held: Vec::new(),
            lazy: Vec::new(),
            lazy_since: None,
            is_spoilt: false,
            refused: BTreeMap::new(),
        }
    }

    fn work(mut self, arriving: &Receiver<Write>) {
        let mut urgent = Vec::new();
        loop {
            let is_open = self.gather(arriving, &mut urgent);
            if urgent.is_empty() && self.lazy.is_empty() {
                if is_open {
                    continue;
                }
                return;
            }
            let outcome = self.commit(&mut urgent);
            let is_written = outcome.is_ok();
            for (place, write) in urgent.drain(..).enumerate() {
                write.answer(self.refused.remove(&place).map_or_else(|| outcome.clone(), Err));
            }
            if let Err(error) = outcome {
                tracing::warn!(%error, "a transaction could not be written");
                if !is_open {
                    return;
                }
                thread::sleep(PAUSE);
            }
            if is_written {
                self.rest.move_if_due(self.connection);
            }
        }
    }

    /// Waits for something to write and takes what else is there. Outcomes alone wait for company for a while. Says whether more
    /// may come.
    fn gather(&mut self, arriving: &Receiver<Write>, urgent: &mut Vec<Box<dyn Urgent>>) -> bool {
        let mut has_waited = false;
        while urgent.len() < MAX_BATCH {
            let next = if !urgent.is_empty() {
                match arriving.try_recv() {
                    Ok(next) => next,
                    Err(_) if urgent.len() >= BUSY && !has_waited => {
                        // Asleep and not waiting on the queue: whoever adds to it then need not wake anybody.
                        thread::sleep(GATHER_FOR);
                        has_waited = true;
                        continue;
                    }
                    Err(_) => return true,
                }
            } else if let Some(since) = self.lazy_since {
                let left = LAZY_FOR.saturating_sub(since.elapsed());
                match arriving.recv_timeout(left) {
                    Ok(next) => next,
                    Err(RecvTimeoutError::Timeout) => return true,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            } else {
                match arriving.recv() {
                    Ok(next) => next,
                    Err(_) => return false,
                }
            };
            match next {
                Write::Urgent(write) => urgent.push(write),
                Write::Lazy(ended) => {
                    self.lazy_since.get_or_insert_with(Instant::now);
                    super::settling::received(self.shared, &ended);
                    self.lazy.extend(ended);
                    if self.lazy.len() >= MAX_LAZY && urgent.is_empty() {
                        return true;
                    }
                }
            }
        }
        true
    }

    /// Writes everything in one transaction. On failure nothing was changed, and outcomes are kept for the next try.
    ///
    /// Should one of several changes fail, all of them are made once more, so that only that one is undone: what each of them
    /// needs for that would cost more time than the second try ever does.
    fn commit(&mut self, urgent: &mut [Box<dyn Urgent>]) -> Result<(), StoreError> {
        let mut written = self.try_commit(urgent, false);
        let is_single = urgent.len() == 1 && self.lazy.is_empty();
        if std::mem::take(&mut self.is_spoilt) && !is_single {
            self.undo();
            written = self.try_commit(urgent, true);
        }
        let is_full = |error: &&StoreError| matches!(error, StoreError::Full(_));
        let fault = written.as_ref().err().or_else(|| self.refused.values().find(is_full)).cloned();
        *self.shared.write_fault() = fault;
        if written.is_ok() {
            let flushed = self.lazy.len() as u64;
            self.lazy.clear();
            self.lazy_since = None;
            self.held.clear();
            self.shared.unflushed.fetch_sub(flushed, Ordering::AcqRel);
        } else {
            self.undo();
        }
        written
    }

    /// Makes memory again what it was before a transaction that failed.
    fn undo(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.types.forget();
        self.is_registry_stale = true;
        let mut state = self.shared.state();
        for held in self.held.drain(..) {
            state.undo(held);
        }
        // Claims ask again for what was to be read.
        state.schedule.forget_refills();
        drop(state);
        self.shared.work.notify_one();
        self.lazy_since = (!self.lazy.is_empty()).then(Instant::now);
    }

    fn try_commit(&mut self, urgent: &mut [Box<dyn Urgent>], is_each_alone: bool) -> Result<(), StoreError> {
        self.is_spoilt = false;
        if self.is_registry_stale {
            self.registry = super::endpoints::registry(self.connection, self.shared)?;
            self.is_registry_stale = false;
        }
        execute(self.connection, "BEGIN IMMEDIATE", [])?;
        let mut writer = Writer {
            connection: self.connection,
            shared: self.shared,
            registry: &mut self.registry,
            next_document: &mut self.next_document,
            types: &mut self.types,
            effects: Vec::new(),
            held: &mut self.held,
            touched: BTreeSet::new(),
        };
        for ended in &self.lazy {
            if !is_each_alone {
                writer.settle(ended).inspect_err(|_| self.is_spoilt = true)?;
                continue;
            }
            match writer.alone(|writer| writer.settle(ended))? {
                // It would fail again each time, and nothing would ever be written: the delivery is made once more instead.
                Err(error @ StoreError::Unreadable(_)) => {
                    tracing::error!(%error, delivery = %ended.delivery, "an outcome cannot be written");
                }
                other => other?,
            }
        }
        for (place, write) in urgent.iter_mut().enumerate() {
            if !is_each_alone {
                write.apply(&mut writer).inspect_err(|_| self.is_spoilt = true)?;
            } else if let Err(error) = writer.alone(|writer| write.apply(writer))? {
                tracing::warn!(%error, "a change could not be written");
                self.refused.insert(place, error);
            }
        }
        writer.write_touched()?;
        let effects = writer.effects;
        execute(self.connection, "COMMIT", [])?;
        let mut state = self.shared.state();
        let is_work = !effects.is_empty();
        for effect in effects {
            if let Effect::Index(change) = effect {
                self.shared.index.apply(change);
            } else {
                state.take_effect(effect);
            }
        }
        drop(state);
        if is_work {
            self.shared.work.notify_one();
        }
        Ok(())
    }
}

impl State {
    /// Undoes what was done too early.
    pub(super) fn undo(&mut self, held: Held) {
        match held {
            Held::Place(endpoint, (due, id)) => self.schedule.add(&endpoint, due, id),
            Held::Lease(id) => self.schedule.make_again(id),
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Wait { delivery, event, from, left } => {
                self.leave(&delivery.endpoint_id, left);
                self.schedule.moved(&delivery.endpoint_id, from, Some(DeliveryState::Pending));
                let due = delivery.due_at.unwrap_or_default();
                self.schedule.add(&delivery.endpoint_id, due, delivery.id);
                if let Some(event) = event {
                    self.recent.put(delivery, event);
                }
            }
            Effect::Moved { endpoint, from, to, left } => {
                self.leave(&endpoint, left);
                self.schedule.moved(&endpoint, Some(from), to);
            }
            // That is not among what is known here.
            Effect::Index(_) => {}
            Effect::SettledLate { settlement, due } => self.schedule.settle_late(&settlement, due),
            Effect::EndpointGone(id) => {
                self.schedule.remove_endpoint(&id);
            }
            Effect::Endpoint { endpoint, forgives, now } => {
                let id = endpoint.id.clone();
                self.schedule.put_endpoint(endpoint, now);
                if let Some(lane) = self.schedule.lane_mut(&id) {
                    lane.window = Some(WINDOW);
                }
                if forgives {
                    self.schedule.forgive(&id, now);
                }
            }
            Effect::Refill { endpoint, from, keys, is_all, dropped, lost } => {
                // Else the lane has not noted what it missed since it asked.
                if lost == self.schedule.refills_lost {
                    self.schedule.refill(&endpoint, from, &keys, is_all, dropped);
                }
            }
        }
    }

    /// A delivery does not wait any more where it did. It may have got there by an earlier change of the same transaction.
    fn leave(&mut self, endpoint: &EndpointId, left: Option<Key>) {
        if let Some((due, id)) = left {
            self.schedule.remove(endpoint, due, id);
        }
    }
}

/// The bytes of an id, in the order in which ids sort.
pub(super) fn bytes(id: DeliveryId) -> [u8; 16] {
    id.number().to_be_bytes()
}
