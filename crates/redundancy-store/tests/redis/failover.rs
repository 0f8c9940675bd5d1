//! A Cluster that loses a master.

use crate::fixture::{self, Store, at, event_in_slot, publication, register_for, sorted};
use crate::server::{Cluster, store_at};
use crate::{deliver_all, retry};
use redundancy_webhook::ids::DeliveryId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_and_what_it_had_is_delivered() {
    let mut cluster = Cluster::start().await;
    let store: Store = store_at(&cluster.url()).await;
    let main = register_for(&store, "main", "a").await;
    // In every partition, so on every master.
    let mut expected = Vec::new();
    for slot in 0..16 {
        let event = event_in_slot("a", at(1), Some(slot));
        expected.push(DeliveryId::of(event.id, &main));
        store.publish(publication(event)).await.unwrap();
    }
    for index in 0..3 {
        cluster.until_replicated(index).await;
    }
    cluster.nodes[0].kill();

    for slot in 0..16 {
        let event = event_in_slot("a", at(2), Some(slot));
        expected.push(DeliveryId::of(event.id, &main));
        // An answer that was lost makes no second delivery: it is the same event.
        retry(async || store.publish(publication(event.clone())).await).await;
    }
    let delivered = retry(async || store.endpoint(&main, at(3)).await).await;
    assert!(delivered.is_some());
    assert_eq!(deliver_all(&store, 3).await, sorted(expected));
    let total = store.queue_stats(at(4)).await.unwrap().total;
    assert_eq!((total.delivered, total.pending, total.in_flight), (32, 0, 0));
    assert!(fixture::claim(&store, at(600)).await.is_empty());
}
