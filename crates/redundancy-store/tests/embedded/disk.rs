//! A disk that is full for a while.

use crate::fixture::{
    ONE, Store, at, attempts, claim_once, event, ids, publication, register_for, settlement, state,
};
use crate::folder::open;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{PublishError, StoreError, Transition};
use std::path::Path;
use std::process::Command;

/// A small disk in memory. It is taken away when this is dropped.
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    /// `None`, with the reason printed, where nobody may make one.
    fn at(path: &'p Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(path).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(path)),
            Ok(output) => {
                eprintln!("skipped: no disk can be mounted: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("skipped: no disk can be mounted: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn large(second: u64) -> Event {
    Event { body: vec![b'x'; 64 << 10].into(), ..event("a", at(second)) }
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::at(folder.path()) else { return };
    let data = folder.path().join("data");
    let ballast = folder.path().join("ballast");
    let store: Store = open(&data);
    let main = register_for(&store, "main", "a").await;
    std::fs::write(&ballast, vec![7; 1 << 20]).unwrap();
    let mut accepted = Vec::new();
    let refused = loop {
        assert!(accepted.len() < 1_000, "it is never full");
        let event = large(accepted.len() as u64);
        let id = event.id;
        match store.publish(publication(event)).await {
            Ok(_) => accepted.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, PublishError::Store(StoreError::Full(_))), "{refused}");
    assert!(accepted.len() > 5);
    let again = store.publish(publication(large(900))).await;
    assert!(matches!(again, Err(PublishError::Store(StoreError::Full(_)))), "{again:?}");

    // What was accepted goes on; its outcomes are remembered.
    let claimed = claim_once(&store, ONE, 5, at(1_000)).await.deliveries;
    assert_eq!(claimed.len(), 5);
    let retry = Transition::RetryAt(at(5_000));
    let outcomes =
        [Transition::Succeed, Transition::Succeed, Transition::Succeed, retry, Transition::Exhaust];
    let settlements =
        claimed.iter().zip(outcomes).map(|(claimed, outcome)| settlement(claimed, outcome, at(1_001)));
    assert!(store.settle(settlements.collect()).await.unwrap().iter().all(|settled| settled.is_taken()));

    std::fs::remove_file(&ballast).unwrap();
    let last = large(2_000);
    accepted.push(last.id);
    store.publish(publication(last)).await.unwrap();
    drop(store);

    let store: Store = open(&data);
    for event in &accepted {
        assert_eq!(store.event(*event).await.unwrap().map(|(_, count)| count), Some(1));
    }
    let expected = [
        DeliveryState::Succeeded,
        DeliveryState::Succeeded,
        DeliveryState::Succeeded,
        DeliveryState::Pending,
        DeliveryState::Exhausted,
    ];
    for (id, expected) in ids(&claimed).into_iter().zip(expected) {
        assert_eq!((state(&store, id).await, attempts(&store, id).await.len()), (expected, 1));
    }
    let rest = claim_once(&store, ONE, 1_000, at(3_000)).await.deliveries;
    let waiting: Vec<_> = accepted[5..].iter().map(|event| DeliveryId::of(*event, &main)).collect();
    assert_eq!(ids(&rest), waiting);
    drop((store, disk));
}
