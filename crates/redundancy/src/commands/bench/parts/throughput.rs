//! How many events a second are accepted and delivered at full speed, and what that costs.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::{Bench, Stage};
use crate::cli::bench::{Part, Store};
use crate::commands::bench::driver::OnBreak;
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit};
use crate::commands::bench::sink::Manner;

/// A run at full speed.
pub(super) struct Speed {
    /// Events accepted each second.
    pub(super) accepted: Option<f64>,
    /// Events accepted and delivered each second, until the last one arrived.
    pub(super) delivered: Option<f64>,
    /// How often the service had no room.
    pub(super) refused: usize,
}

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let events = bench.args.events;
    let mut stage = bench.stage(Part::Throughput, events, &[]).await?;
    stage.endpoint(0, Manner::Healthy, &json!({ "max_in_flight": bench.args.in_flight })).await?;
    let cpu_before = stage.cpu_seconds();
    let speed = full_speed(&stage, 0..events).await?;
    let cpu = stage.cpu_seconds().zip(cpu_before).map(|(after, before)| after - before);

    let mut findings = bench.findings(Part::Throughput);
    findings.figure("replicas", "replicas", Unit::Number, Some(bench.args.replicas as f64));
    findings.figure("events", "events", Unit::Number, Some(events as f64));
    findings.figure(
        "in_flight",
        "deliveries in flight at most",
        Unit::Number,
        Some(bench.args.in_flight as f64),
    );
    findings.figure("connections", "connections", Unit::Number, Some(bench.args.connections as f64));
    findings.figure("accepted_per_second", "accepted", Unit::PerSecond, speed.accepted);
    findings.aimed(
        "delivered_per_second",
        "accepted and delivered",
        Unit::PerSecond,
        speed.delivered,
        |store| match store {
            Store::Embedded => Some(Target::AtLeast(6000.0)),
            Store::Redis => Some(Target::AtLeast(3000.0)),
            Store::Memory => None,
        },
    );
    let cpu = cpu.map(|seconds| seconds * 1000.0 / events as f64);
    let target = |store| (store == Store::Embedded).then_some(Target::AtMost(0.25));
    let what = "processor time of the service for 1,000 events";
    findings.aimed("cpu_seconds_per_1000", what, Unit::CpuSeconds, cpu, target);
    findings.figure("peak_mib", "memory of the service at most", Unit::Mib, stage.server.peak_mib());
    findings.figure("refused", "refused for lack of room", Unit::Number, Some(speed.refused as f64));
    findings.lost(stage.ledger.missing(0..events));
    let repeated = stage.ledger.count_repeated();
    findings.figure("duplicates", "delivered more than once", Unit::Number, Some(repeated as f64));
    stage.end().await?;
    Ok(findings)
}

/// Publishes `events` at full speed and waits until they have arrived.
pub(super) async fn full_speed(stage: &Stage<'_>, events: Range<usize>) -> Result<Speed, BenchError> {
    let begun = stage.ledger.now();
    let driver = stage.driver(0..1, &stage.ledger);
    let target = stage.ledger.count_arrived() + events.len();
    let flood = driver.flood(events.clone(), stage.bench.args.connections, OnBreak::Fail);
    let (troubles, ()) = tokio::try_join!(flood, async {
        stage.until_arrived(target).await;
        Ok(())
    })?;
    let rate = |last: Option<Duration>| {
        last.map(|last| events.len() as f64 / last.saturating_sub(begun).as_secs_f64().max(1e-9))
    };
    Ok(Speed {
        accepted: rate(stage.ledger.last_accepted(events.clone())),
        delivered: rate(stage.ledger.last_arrived(events.clone())),
        refused: troubles.refused.load(Ordering::Relaxed),
    })
}
