//! A lane that holds a window, over a store that writes behind it: whatever the order of things, every delivery gets its turn.

use super::{Key, Lease, Schedule, at, claim, endpoint, id};
use proptest::prelude::*;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::ids::DeliveryId;
use std::collections::{BTreeMap, VecDeque};

/// Few, so that short sequences cross every border. A lane asks for more with fewer than an eighth of its window.
const WINDOW: usize = 16;
const PART: usize = 5;
/// Longer than leases last.
const FOREVER: u64 = 1_000;

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    /// Events are accepted.
    Publish(u8),
    /// Deliveries are claimed, so many at most.
    Claim(u8),
    /// One of those under way ends: `None` when it is done, else it is due again after so many seconds.
    End(u8, Option<u8>),
    /// The writing thread takes so many changes and makes them.
    Write(u8),
    /// They get onto the disk, and memory hears of it.
    Commit,
    /// They do not.
    Fail,
    /// Time passes.
    Wait(u8),
}

/// A change on its way to the writing thread.
#[derive(Debug, Clone)]
enum Change {
    Publish(Key),
    Outcome { id: DeliveryId, token: u64, due: Option<Timestamp> },
    Refill { lost: u64 },
}

/// What memory hears with a commit.
#[derive(Debug)]
enum Effect {
    Wait(Key),
    Refill { from: Option<Key>, keys: Vec<Key>, is_all: bool, dropped: u64, lost: u64 },
}

/// Where a delivery really is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Waits,
    UnderWay { until: Timestamp },
    Done,
}

/// The store around a schedule, as far as windows see it.
struct Store {
    schedule: Schedule,
    now: u64,
    number: u128,
    queue: VecDeque<Change>,
    /// Outcomes that the writing thread holds until they are on the disk.
    outcomes: Vec<(DeliveryId, Option<Timestamp>)>,
    /// What waits, as the disk says.
    disk: BTreeMap<DeliveryId, Timestamp>,
    /// The open transaction: the disk as it will be, and what memory will hear.
    open: Option<(BTreeMap<DeliveryId, Timestamp>, Vec<Effect>)>,
    under_way: Vec<Lease>,
    truth: BTreeMap<DeliveryId, Place>,
}

impl Store {
    fn new() -> Self {
        let mut schedule = Schedule::default();
        schedule.put_endpoint(endpoint("a", u32::MAX), at(0));
        schedule.lane_mut(&id("a")).unwrap().window = Some(WINDOW);
        Self {
            schedule,
            now: 1,
            number: 0,
            queue: VecDeque::new(),
            outcomes: Vec::new(),
            disk: BTreeMap::new(),
            open: None,
            under_way: Vec::new(),
            truth: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish(count) => (0..count).for_each(|_| self.publish()),
            Step::Claim(limit) => drop(self.claim(limit.into())),
            Step::End(index, again) => self.end(index.into(), again.map(u64::from)),
            Step::Write(count) => self.write(count.into()),
            Step::Commit => self.commit(),
            Step::Fail => self.fail(),
            Step::Wait(seconds) => self.now += u64::from(seconds),
        }
    }

    fn publish(&mut self) {
        self.number += 1;
        self.queue.push_back(Change::Publish((at(self.now), DeliveryId::from_number(self.number))));
    }

    fn claim(&mut self, limit: usize) -> usize {
        let now = at(self.now);
        for place in self.truth.values_mut() {
            if matches!(place, Place::UnderWay { until } if *until <= now) {
                *place = Place::Waits;
            }
        }
        let taking = claim(&mut self.schedule, limit, now);
        let lost = self.schedule.refills_lost;
        self.queue.extend(taking.hungry.iter().map(|_| Change::Refill { lost }));
        for taken in &taking.taken {
            let id = taken.lease.delivery;
            let place = Place::UnderWay { until: now.plus(std::time::Duration::from_secs(30)) };
            let before = self.truth.insert(id, place);
            assert_eq!(before, Some(Place::Waits), "{id} was handed out");
            self.under_way.push(taken.lease.clone());
        }
        taking.taken.len()
    }

    fn end(&mut self, index: usize, again: Option<u64>) {
        if self.under_way.is_empty() {
            return;
        }
        let lease = self.under_way.swap_remove(index % self.under_way.len());
        let (id, token) = (lease.delivery, lease.token);
        if self.schedule.give_back(&lease, at(self.now)).is_none() {
            return;
        }
        let due = again.map(|seconds| at(self.now + seconds));
        self.queue.push_back(Change::Outcome { id, token, due });
        if let Some(due) = due {
            self.schedule.add(&lease.endpoint, due, id);
        }
        self.truth.insert(id, if again.is_some() { Place::Waits } else { Place::Done });
    }

    fn write(&mut self, count: usize) {
        if self.open.is_some() {
            return;
        }
        let mut urgent = Vec::new();
        for _ in 0..count {
            match self.queue.pop_front() {
                Some(Change::Outcome { id, token, due }) => {
                    self.schedule.settled(id, token);
                    self.outcomes.push((id, due));
                }
                Some(change) => urgent.push(change),
                None => break,
            }
        }
        let (mut disk, mut effects) = (self.disk.clone(), Vec::new());
        for (id, due) in &self.outcomes {
            match due {
                Some(due) => drop(disk.insert(*id, *due)),
                None => drop(disk.remove(id)),
            }
        }
        for change in urgent {
            match change {
                Change::Publish(key) => {
                    disk.insert(key.1, key.0);
                    effects.push(Effect::Wait(key));
                }
                Change::Refill { lost } if lost == self.schedule.refills_lost => {
                    effects.push(self.refill(&disk, lost));
                }
                Change::Refill { .. } | Change::Outcome { .. } => {}
            }
        }
        self.open = Some((disk, effects));
    }

    fn refill(&self, disk: &BTreeMap<DeliveryId, Timestamp>, lost: u64) -> Effect {
        let lane = self.schedule.lane(&id("a")).unwrap();
        let mut keys: Vec<Key> = disk.iter().map(|(id, due)| (*due, *id)).collect();
        keys.sort_unstable();
        keys.retain(|key| lane.horizon.is_none_or(|horizon| *key > horizon));
        let is_all = keys.len() < PART;
        keys.truncate(PART);
        Effect::Refill { from: lane.horizon, keys, is_all, dropped: lane.dropped, lost }
    }

    fn commit(&mut self) {
        let Some((disk, effects)) = self.open.take() else { return };
        self.disk = disk;
        self.outcomes.clear();
        for effect in effects {
            match effect {
                Effect::Wait((due, delivery)) => {
                    self.truth.insert(delivery, Place::Waits);
                    self.schedule.add(&id("a"), due, delivery);
                }
                Effect::Refill { from, keys, is_all, dropped, lost } => {
                    if lost == self.schedule.refills_lost {
                        self.schedule.refill(&id("a"), from, &keys, is_all, dropped);
                    }
                }
            }
        }
    }

    fn fail(&mut self) {
        if self.open.take().is_some() {
            self.schedule.forget_refills();
        }
    }

    /// Delivers everything, as a service that is left alone does.
    fn finish(&mut self) {
        self.commit();
        self.now += FOREVER;
        let mut idle = 0;
        while idle < 3 {
            let claimed = self.claim(usize::MAX);
            while !self.under_way.is_empty() {
                self.end(0, None);
            }
            let is_quiet = claimed == 0 && self.queue.is_empty();
            idle = if is_quiet { idle + 1 } else { 0 };
            self.write(usize::MAX);
            self.commit();
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..30_u8).prop_map(Step::Publish),
        4 => (1..20_u8).prop_map(Step::Claim),
        8 => (any::<u8>(), proptest::option::weighted(0.6, 0..60_u8)).prop_map(|(index, again)| Step::End(index, again)),
        4 => (1..40_u8).prop_map(Step::Write),
        4 => Just(Step::Commit),
        1 => Just(Step::Fail),
        2 => (1..40_u8).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_the_order_every_delivery_is_handed_out_until_it_is_done(steps in proptest::collection::vec(step(), 1..120)) {
        let mut store = Store::new();
        for step in &steps {
            store.step(step);
        }
        store.finish();
        let left: Vec<_> = store.truth.iter().filter(|(_, place)| **place != Place::Done).collect();
        prop_assert!(left.is_empty(), "never handed out: {left:?}");
    }
}
