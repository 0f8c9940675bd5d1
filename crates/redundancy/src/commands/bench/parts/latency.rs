//! How long an event takes from publishing to arrival while the service has time to spare.

use serde_json::json;

use super::Bench;
use crate::cli::bench::{Part, Store};
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit};
use crate::commands::bench::sink::Manner;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let events = bench.paced_events();
    let mut stage = bench.stage(Part::Latency, events, &[]).await?;
    stage.endpoint(0, Manner::Healthy, &json!({})).await?;
    stage.driver(0..1, &stage.ledger).pace(events, bench.args.rate).await?;
    stage.until_arrived(events).await;

    let mut findings = bench.findings(Part::Latency);
    findings.figure("events_per_second", "pace", Unit::PerSecond, Some(bench.args.rate as f64));
    findings.spread("accept", "until accepted", &stage.ledger.accept_latencies(), |_| None);
    let target = |percent| match (percent, bench.setup.store) {
        (50, Store::Embedded) => Some(Target::AtMost(2.0)),
        (99, Store::Embedded) => Some(Target::AtMost(5.0)),
        _ => None,
    };
    findings.spread("arrival", "until arrived", &stage.ledger.latencies(|_| true), target);
    findings.lost(stage.ledger.missing(0..events));
    stage.end().await?;
    Ok(findings)
}
