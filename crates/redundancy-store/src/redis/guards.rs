//! The guards of endpoints: read, changed by pure code, and written back only if nobody else wrote them meanwhile.
//!
//! What cannot be written because Redis is away is owed, and made good with the next change of that guard: else places of
//! deliveries that ended would stay taken for as long as this replica lives.

use super::key;
use super::link::Link;
use super::reply;
use super::script::{self, Call};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::guard::{Admission, AttemptEnd, Guard, Limits, ReplicaId};
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::store::StoreError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often a change is tried again because somebody else was quicker.
const TRIES: usize = 16;
/// Changes of one guard that are owed at most. More than deliveries can be under way.
const MOST_OWED: usize = 4096;
/// Guards whose text is remembered at most.
const MOST_REMEMBERED: usize = 16_384;

/// The guards of all endpoints.
pub(super) struct Guards {
    link: Arc<Link>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// What each guard will be when everything that was sent is done; a wrong one costs a round trip.
    texts: HashMap<EndpointId, String>,
    owed: HashMap<EndpointId, Vec<Change>>,
}

/// A change of a guard: a call of one of its methods.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Admit { replica: ReplicaId, limits: Limits, wanted: u32, until: Timestamp },
    GiveBack { replica: ReplicaId, unused: u32 },
    Settle { replica: ReplicaId, end: Option<AttemptEnd>, limits: Limits, now: Timestamp },
    Extend { replica: ReplicaId, until: Timestamp },
    Reset,
}

/// Changes of one guard, made together.
pub(super) struct Changes {
    pub(super) endpoint: EndpointId,
    pub(super) list: Vec<Change>,
    /// What became of them, once they are written.
    pub(super) outcome: Option<Outcome>,
}

/// A guard after its changes.
pub(super) struct Outcome {
    pub(super) guard: Guard,
    /// The answer to the last `Admit`.
    pub(super) admission: Option<Admission>,
}

impl Guards {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, notes: Mutex::default() }
    }

    /// Makes changes, each guard for itself. Those that have no outcome afterwards were not made, and are owed.
    pub(super) async fn change(&self, all: &mut [Changes], now: Timestamp) -> Result<(), StoreError> {
        let mut result = Ok(());
        for _ in 0..TRIES {
            let mut open: Vec<&mut Changes> =
                all.iter_mut().filter(|changes| changes.outcome.is_none()).collect();
            if open.is_empty() {
                return Ok(());
            }
            result = self.try_once(&mut open, now).await;
            if result.is_err() {
                break;
            }
        }
        self.owe(all.iter().filter(|changes| changes.outcome.is_none()));
        result
    }

    /// Makes good for these with the next change of their guards. What was not let through is not owed.
    pub(super) fn owe(&self, all: impl Iterator<Item = impl std::borrow::Borrow<Changes>>) {
        let mut notes = self.notes();
        for changes in all {
            let changes: &Changes = changes.borrow();
            let owed = notes.owed.entry(changes.endpoint.clone()).or_default();
            let lasting = changes.list.iter().filter(|change| !matches!(change, Change::Admit { .. }));
            owed.extend(lasting);
            let surplus = owed.len().saturating_sub(MOST_OWED);
            owed.drain(..surplus);
        }
    }

    /// Reads guards.
    pub(super) async fn read(
        &self,
        endpoints: &[&EndpointId],
        now: Timestamp,
    ) -> Result<Vec<Guard>, StoreError> {
        let get = |id: &&EndpointId| redis::cmd("GET").arg(key::guard(id)).clone();
        let values = self.link.send_each(endpoints.iter().map(get).collect()).await?;
        let read =
            |value| Ok(reply::bytes(value)?.map_or_else(|| Guard::new(now), |bytes| parse(&bytes, now)));
        values.into_iter().map(read).collect()
    }

    /// Forgets an endpoint that was deleted, or is new.
    pub(super) fn forget(&self, endpoint: &EndpointId) {
        let mut notes = self.notes();
        notes.texts.remove(endpoint);
        notes.owed.remove(endpoint);
    }

    async fn try_once(&self, open: &mut [&mut Changes], now: Timestamp) -> Result<(), StoreError> {
        let mut calls = Vec::with_capacity(open.len());
        let mut tried = Vec::with_capacity(open.len());
        {
            let mut notes = self.notes();
            for changes in open.iter() {
                let before = notes.texts.get(&changes.endpoint).cloned().unwrap_or_default();
                let owed = notes.owed.remove(&changes.endpoint).unwrap_or_default();
                let mut guard =
                    if before.is_empty() { Guard::new(now) } else { parse(before.as_bytes(), now) };
                let mut admission = None;
                for change in owed.iter().chain(&changes.list) {
                    admission = change.apply(&mut guard, now).or(admission);
                }
                // Numbers and names: that cannot fail.
                let after = serde_json::to_string(&guard).unwrap_or_default();
                // At once: who changes this guard next does not wait for the answer, and comes behind this change.
                notes.texts.insert(changes.endpoint.clone(), after.clone());
                calls.push(Call::new(&script::GUARD, &key::guard(&changes.endpoint)).arg(before).arg(&after));
                tried.push((owed, Outcome { guard, admission }));
            }
        }
        let results = match self.link.call_all(calls).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); open.len()],
        };
        let mut worst = Ok(());
        let mut notes = self.notes();
        if notes.texts.len() > MOST_REMEMBERED {
            notes.texts.clear();
        }
        for ((changes, (owed, outcome)), result) in open.iter_mut().zip(tried).zip(results) {
            let endpoint = changes.endpoint.clone();
            let current = result.and_then(reply::bytes);
            match current {
                Ok(None) => {
                    changes.outcome = Some(outcome);
                    continue;
                }
                Ok(Some(current)) => {
                    notes.texts.insert(endpoint.clone(), String::from_utf8(current).unwrap_or_default());
                }
                Err(error) => worst = Err(error),
            }
            if !owed.is_empty() {
                notes.owed.entry(endpoint).or_default().extend(owed);
            }
        }
        worst
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing under the lock can panic.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    pub(super) const fn new(endpoint: EndpointId, list: Vec<Change>) -> Self {
        Self { endpoint, list, outcome: None }
    }
}

impl Change {
    fn apply(&self, guard: &mut Guard, at: Timestamp) -> Option<Admission> {
        match *self {
            Self::Admit { replica, ref limits, wanted, until } => {
                return Some(guard.admit(replica, limits, wanted, at, until));
            }
            Self::GiveBack { replica, unused } => guard.give_back(replica, unused),
            Self::Settle { replica, end, ref limits, now } => {
                guard.settle(replica, end, limits, now);
            }
            Self::Extend { replica, until } => guard.extend(replica, until),
            Self::Reset => guard.reset(at),
        }
        None
    }
}

/// A guard that cannot be read protects nobody: it begins anew rather than stop deliveries for ever.
fn parse(bytes: &[u8], now: Timestamp) -> Guard {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Guard::new(now))
}
