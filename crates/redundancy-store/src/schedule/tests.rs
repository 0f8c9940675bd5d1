//! Turns, shares, rooms and windows.

use super::{Key, Schedule};
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::ReplicaId;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::retry::RetryPolicy;
use redundancy_webhook::store::{Claim, Lease, Room};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::claiming::Taking;

mod windows;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn id(name: &str) -> EndpointId {
    name.parse().unwrap()
}

fn endpoint(name: &str, max_in_flight: u32) -> Arc<Endpoint> {
    Arc::new(Endpoint {
        id: id(name),
        url: "https://receiver.example/hook".parse().unwrap(),
        events: vec!["*".parse().unwrap()],
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap(),
        previous_secrets: Vec::new(),
        scheme: redundancy_webhook::Scheme::V1,
        description: None,
        headers: BTreeMap::new(),
        timeout: Duration::from_secs(30),
        retry: RetryPolicy::default(),
        rate_limit: None,
        max_in_flight,
        is_active: true,
        disabled_reason: None,
        metadata: serde_json::Map::new(),
        created_at: at(0),
        updated_at: at(0),
        revision: 0,
    })
}

/// A schedule with endpoints and so many deliveries for each of them, due at 1, 2, 3 ... seconds.
fn schedule(endpoints: &[(&str, u64)]) -> Schedule {
    let mut schedule = Schedule::default();
    for (name, count) in endpoints {
        schedule.put_endpoint(endpoint(name, u32::MAX), at(0));
        for number in 1..=*count {
            add(&mut schedule, name, number);
        }
    }
    schedule
}

fn add(schedule: &mut Schedule, name: &str, number: u64) {
    schedule.moved(&id(name), None, Some(DeliveryState::Pending));
    schedule.add(&id(name), at(number), DeliveryId::from_number(u128::from(number)));
}

fn claim_in(schedule: &mut Schedule, limit: usize, room: &Room, now: Timestamp) -> Taking {
    let until = now.plus(Duration::from_secs(30));
    let (replica, breaker) = (ReplicaId(1), BreakerConfig::default());
    schedule.claim(&Claim { replica, limit, room, breaker, now, until })
}

fn claim(schedule: &mut Schedule, limit: usize, now: Timestamp) -> Taking {
    claim_in(schedule, limit, &Room { usual: u32::MAX, ..Room::default() }, now)
}

/// How many of each endpoint were taken.
fn counts(taking: &Taking) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for taken in &taking.taken {
        *counts.entry(taken.lease.endpoint.as_str()).or_default() += 1;
    }
    counts
}

fn leases(taking: &Taking) -> Vec<Lease> {
    taking.taken.iter().map(|taken| taken.lease.clone()).collect()
}

fn numbers(taking: &Taking) -> Vec<u128> {
    taking.taken.iter().map(|taken| taken.lease.delivery.number()).collect()
}

#[test]
fn lanes_share_a_claim_and_what_one_cannot_use_goes_to_the_others() {
    // Ids differ by endpoint here: the schedule goes by them.
    let mut schedule = Schedule::default();
    for (place, (name, count)) in [("a", 100), ("b", 2), ("c", 100)].into_iter().enumerate() {
        schedule.put_endpoint(endpoint(name, u32::MAX), at(0));
        for number in 0..count {
            let number = (place as u128) << 32 | number;
            schedule.add(&id(name), at(1), DeliveryId::from_number(number));
        }
    }
    let taking = claim(&mut schedule, 30, at(2));
    let counts = counts(&taking);
    assert_eq!(counts.values().sum::<usize>(), 30);
    assert_eq!(counts["b"], 2);
    assert!(counts["a"] >= 10 && counts["c"] >= 10, "{counts:?}");
}

#[test]
fn with_fewer_places_than_lanes_each_has_its_turn() {
    let names = ["a", "b", "c", "d", "e"];
    let mut schedule = Schedule::default();
    for (place, name) in names.iter().enumerate() {
        schedule.put_endpoint(endpoint(name, u32::MAX), at(0));
        for number in 0..10 {
            let number = (place as u128) << 32 | number;
            schedule.add(&id(name), at(1), DeliveryId::from_number(number));
        }
    }
    let mut served = BTreeMap::new();
    for _ in 0..5 {
        for (name, count) in counts(&claim(&mut schedule, 2, at(2))) {
            *served.entry(name.to_owned()).or_insert(0) += count;
        }
    }
    assert_eq!(served.len(), 5, "{served:?}");
    assert!(served.values().all(|count| *count == 2), "{served:?}");
}

#[test]
fn a_lane_without_room_waits_without_a_time_and_comes_when_there_is_room() {
    let mut schedule = schedule(&[("a", 5)]);
    let none = Room { usual: u32::MAX, exceptions: HashMap::from([(id("a"), 0)]) };
    for _ in 0..2 {
        let taking = claim_in(&mut schedule, 10, &none, at(9));
        assert_eq!((taking.taken.len(), taking.next_at), (0, None));
    }
    let two = Room { usual: 2, ..Room::default() };
    assert_eq!(numbers(&claim_in(&mut schedule, 10, &two, at(9))), [1, 2]);
    assert_eq!(numbers(&claim(&mut schedule, 10, at(9))), [3, 4, 5]);
}

#[test]
fn a_full_lane_has_its_turn_when_a_place_is_free() {
    let mut schedule = Schedule::default();
    schedule.put_endpoint(endpoint("a", 2), at(0));
    for number in 1..=4 {
        add(&mut schedule, "a", number);
    }
    let first = claim(&mut schedule, 10, at(9));
    assert_eq!(numbers(&first), [1, 2]);
    let held = claim(&mut schedule, 10, at(10));
    assert_eq!((held.taken.len(), held.next_at), (0, Some(at(39))));
    schedule.discard(&leases(&first)[0]);
    assert_eq!(numbers(&claim(&mut schedule, 10, at(11))), [3]);
    // The other one is not heard of again: it is the longest due.
    assert_eq!(numbers(&claim(&mut schedule, 1, at(39))), [2]);
}

#[test]
fn what_is_put_back_counts_as_if_it_had_not_been_taken() {
    let mut schedule = schedule(&[("a", 3)]);
    let taking = claim(&mut schedule, 2, at(9));
    let lane = schedule.lane(&id("a")).unwrap();
    assert_eq!((lane.counts.pending, lane.counts.in_flight, lane.guard.in_flight(at(9))), (1, 2, 2));
    schedule.put_back(&taking.taken);
    let lane = schedule.lane(&id("a")).unwrap();
    assert_eq!((lane.counts.pending, lane.counts.in_flight, lane.guard.in_flight(at(9))), (3, 0, 0));
    assert_eq!(numbers(&claim(&mut schedule, 10, at(9))), [1, 2, 3]);
}

/// A lane that holds a window only, with `count` deliveries.
fn windowed(count: u64) -> Schedule {
    let mut schedule = schedule(&[("a", 0)]);
    schedule.lane_mut(&id("a")).unwrap().window = Some(super::WINDOW);
    for number in 1..=count {
        add(&mut schedule, "a", number);
    }
    schedule
}

/// Its horizon, how many were left to the store, and how many it holds.
fn window(schedule: &Schedule) -> (Option<Key>, u64, u64) {
    let lane = schedule.lane(&id("a")).unwrap();
    (lane.horizon, lane.dropped, lane.waiting.len() as u64)
}

fn keys(numbers: std::ops::RangeInclusive<u64>) -> Vec<Key> {
    numbers.map(|number| (at(number), DeliveryId::from_number(u128::from(number)))).collect()
}

#[test]
fn a_window_keeps_the_earliest_and_asks_once_for_the_rest() {
    let mut schedule = windowed(5_000);
    let (horizon, dropped, held) = window(&schedule);
    assert_eq!(dropped, 5_000 - held);
    assert_eq!(horizon, keys(held..=held).pop());
    let first = claim(&mut schedule, usize::MAX, at(9_999));
    assert_eq!((first.taken.len() as u64, first.hungry.len()), (held, 1));
    // Until the rest is brought there is nothing to hand out, and nothing to ask for.
    let second = claim(&mut schedule, 10, at(9_999));
    assert_eq!((second.taken.len(), second.hungry.len(), second.next_at), (0, 0, Some(at(9_999 + 30))));
    schedule.refill(&id("a"), horizon, &keys(held + 1..=5_000), true, dropped);
    let rest = claim(&mut schedule, usize::MAX, at(9_999));
    assert_eq!(rest.taken.len() as u64, 5_000 - held);
    assert_eq!(schedule.lane(&id("a")).unwrap().horizon, None);
}

#[test]
fn what_came_while_the_rest_was_read_is_not_missed() {
    let mut schedule = windowed(5_000);
    let (horizon, dropped, held) = window(&schedule);
    claim(&mut schedule, usize::MAX, at(9_999));
    add(&mut schedule, "a", 5_001);
    // The store had read all there was before.
    schedule.refill(&id("a"), horizon, &keys(held + 1..=5_000), true, dropped);
    let rest = claim(&mut schedule, usize::MAX, at(9_999));
    assert_eq!((rest.taken.len() as u64, rest.hungry.len()), (5_000 - held, 1));
    let (horizon, dropped) = (keys(5_000..=5_000).pop(), dropped + 1);
    schedule.refill(&id("a"), horizon, &keys(5_001..=5_001), true, dropped);
    assert_eq!(numbers(&claim(&mut schedule, 10, at(9_999))), [5_001]);
}

#[test]
fn a_retry_that_came_between_what_the_store_was_reading_is_not_passed_over() {
    for is_all in [false, true] {
        let mut schedule = windowed(5_000);
        let (horizon, dropped, held) = window(&schedule);
        claim(&mut schedule, usize::MAX, at(9_999));
        // The store has read its rows before this one was due at this time.
        add(&mut schedule, "a", held + 10);
        let mut brought = keys(held + 1..=5_000);
        brought.remove(9);
        schedule.refill(&id("a"), horizon, &brought, is_all, dropped);
        let rest = claim(&mut schedule, usize::MAX, at(9_999));
        assert!(numbers(&rest).contains(&u128::from(held + 10)), "{is_all}");
    }
}

#[test]
fn a_delivery_given_back_while_the_rest_was_read_waits_once_where_it_is_due_now() {
    let mut schedule = windowed(5_000);
    let (horizon, dropped, held) = window(&schedule);
    let taking = claim(&mut schedule, usize::MAX, at(9_999));
    // As the outcome of an attempt that is tried again: not on the disk yet, and due behind the horizon.
    let lease = leases(&taking)[0].clone();
    schedule.give_back(&lease, at(10_000)).unwrap();
    schedule.add(&id("a"), at(held + 10), lease.delivery);
    schedule.refill(&id("a"), horizon, &keys(held + 1..=5_000), true, dropped);
    schedule.settled(lease.delivery, lease.token);
    let rest = numbers(&claim(&mut schedule, usize::MAX, at(9_999)));
    let times = rest.iter().filter(|number| **number == lease.delivery.number()).count();
    assert_eq!((rest.len() as u64, times), (5_000 - held + 1, 1));
}

#[test]
fn what_was_read_behind_another_horizon_is_read_again() {
    let mut schedule = windowed(5_000);
    let lane = schedule.lane(&id("a")).unwrap();
    let (dropped, held) = (lane.dropped, lane.waiting.len());
    claim(&mut schedule, held - 10, at(9_999));
    schedule.refill(&id("a"), keys(7..=7).pop(), &keys(4_999..=5_000), true, dropped);
    let taking = claim(&mut schedule, usize::MAX, at(9_999));
    assert_eq!((taking.taken.len(), taking.hungry.len()), (10, 1));
}

#[test]
fn what_is_being_made_or_written_is_not_brought_again() {
    let mut schedule = windowed(5_000);
    let (horizon, dropped, held) = window(&schedule);
    let taking = claim(&mut schedule, usize::MAX, at(9_999));
    let last = &leases(&taking)[taking.taken.len() - 1];
    schedule.give_back(last, at(10_000)).unwrap();
    // Both are in what the store has read before.
    schedule.refill(&id("a"), horizon, &keys(held - 1..=5_000), true, dropped);
    assert_eq!(schedule.lane(&id("a")).unwrap().waiting.len() as u64, 5_000 - held);
    schedule.settled(last.delivery, last.token);
    assert!(!schedule.is_settling(last.delivery));
}

#[test]
fn a_lane_asks_again_when_what_it_asked_for_did_not_come() {
    let mut schedule = windowed(5_000);
    assert_eq!(claim(&mut schedule, usize::MAX, at(9_999)).hungry.len(), 1);
    assert_eq!(claim(&mut schedule, usize::MAX, at(9_999)).hungry.len(), 0);
    schedule.forget_refills();
    assert_eq!(claim(&mut schedule, usize::MAX, at(9_999)).hungry, [id("a")]);
}

#[test]
fn a_lease_to_a_deleted_endpoint_ends_as_cancelled_whoever_has_its_name() {
    let mut schedule = schedule(&[("a", 2)]);
    let taking = claim(&mut schedule, 10, at(9));
    schedule.remove_endpoint(&id("a")).unwrap();
    schedule.put_endpoint(endpoint("a", u32::MAX), at(10));
    assert_eq!(schedule.total().in_flight, 2);
    let given_back = schedule.give_back(&leases(&taking)[0], at(11));
    assert_eq!(given_back, Some(super::GivenBack::Cancelled));
    let cancelled = claim(&mut schedule, 10, at(100)).cancelled;
    assert_eq!(cancelled, [leases(&taking)[1].clone()]);
    assert_eq!((schedule.total().pending, schedule.total().in_flight), (0, 0));
    assert!(schedule.lane(&id("a")).unwrap().waiting.is_empty());
}
