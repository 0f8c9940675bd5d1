//! temp
use crate::fixture::*;
use crate::server::*;
use redundancy_webhook::store::*;
use std::sync::Arc;
use std::time::Instant;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probe() {
    let n: usize = 20000;
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]).await;
    let store: Store = store_at(&server.url()).await;
    for e in 0..10 {
        register_for(&store, &format!("e{e}"), &format!("k{e}")).await;
    }
    let began = Instant::now();
    let published = Arc::new(AtomicUsize::new(0));
    let clock = RealClock::new();
    let mut tasks = Vec::new();
    for t in 0..64usize {
        let (store, published) = (store.clone(), published.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let i = published.fetch_add(1, Ordering::Relaxed);
                if i >= n { break; }
                let _ = t;
                publish(&store, &format!("k{}", i % 10), at(1)).await;
            }
        }));
    }
    let only_publish = std::env::args().any(|_| false);
    let _ = (only_publish, clock);
    let mut done = 0;
    let (mut claims, mut tc, mut ts) = (0, std::time::Duration::ZERO, std::time::Duration::ZERO);
    let mut settling = Vec::new();
    while done < n {
        let b = Instant::now();
        let claimed = claim_once(&store, ONE, 256, at(2)).await.deliveries;
        tc += b.elapsed();
        claims += 1;
        if claimed.is_empty() {
            store.work_arrived().await;
            continue;
        }
        done += claimed.len();
        let b = Instant::now();
        let all: Vec<_> = claimed.iter().map(|one| settlement(one, Transition::Succeed, at(2))).collect();
        let s = store.clone();
        settling.push(tokio::spawn(async move { assert!(s.settle(all).await.unwrap().iter().all(|t| *t)); }));
        if settling.len() > 4 { settling.remove(0).await.unwrap(); }
        ts += b.elapsed();
    }
    for t in tasks { t.await.unwrap(); }
    for t in settling { t.await.unwrap(); }
    let e = began.elapsed();
    eprintln!("{n} in {e:?}: {:.0}/s; claims {claims} {tc:?} settle {ts:?}", n as f64 / e.as_secs_f64());
    let cpu = server.ask("INFO cpu").await;
    eprintln!("{cpu}");
    eprintln!("{}", std::fs::read_to_string("/proc/self/stat").unwrap());
    let m = server.ask("INFO memory").await;
    eprintln!("{:?}", m.lines().find(|l| l.starts_with("used_memory:")));
    let s = server.ask("INFO commandstats").await;
    eprintln!("{s}");
    let began = Instant::now();
    for i in 0..200 { publish(&store, &format!("k{}", i % 10), at(1)).await; }
    eprintln!("serial publish {:?}", began.elapsed() / 200);
}
