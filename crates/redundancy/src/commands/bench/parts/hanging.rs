//! What receivers that never answer cost those that do.

use std::time::Duration;

use serde_json::json;

use super::Bench;
use crate::cli::bench::Part;
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit};
use crate::commands::bench::sink::Manner;
use crate::commands::bench::spread::Spread;

/// Endpoints in all. Those with an odd number hang, if any does.
const ENDPOINTS: usize = 20;
const TIMEOUT_MS: u64 = 10_000;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let (healthy_alone, lost_alone) = run(bench, Manner::Healthy).await?;
    let (healthy_beside, lost_beside) = run(bench, Manner::Hanging).await?;
    let p99 = |spread: &Spread| spread.at(99).as_ref().map(Duration::as_secs_f64);
    let ratio = p99(&healthy_beside).zip(p99(&healthy_alone)).map(|(beside, alone)| beside / alone.max(1e-9));

    let mut findings = bench.findings(Part::Hanging);
    findings.spread("healthy_alone", "10 endpoints beside 10 healthy", &healthy_alone, |_| None);
    findings.spread("healthy_beside", "10 endpoints beside 10 hanging", &healthy_beside, |_| None);
    let what = "p99 beside hanging to p99 beside healthy";
    findings.aimed("p99_ratio", what, Unit::Times, ratio, |_| Some(Target::AtMost(2.0)));
    findings.lost(lost_alone + lost_beside);
    Ok(findings)
}

/// Sends events to all endpoints by turns. Gives how long they took to those with even numbers, and how many were lost.
async fn run(bench: &Bench<'_>, odd: Manner) -> Result<(Spread, usize), BenchError> {
    let events = bench.paced_events();
    let mut stage = bench.stage(Part::Hanging, events, &[]).await?;
    for number in 0..ENDPOINTS {
        let manner = if number % 2 == 0 { Manner::Healthy } else { odd };
        stage.endpoint(number, manner, &json!({ "timeout_ms": TIMEOUT_MS })).await?;
    }
    stage.driver(0..ENDPOINTS, &stage.ledger).pace(events, bench.args.rate).await?;
    let arriving = if odd == Manner::Healthy { events } else { events.div_ceil(2) };
    stage.until_arrived(arriving).await;
    let latencies = stage.ledger.latencies(|event| event % 2 == 0);
    let missing = (0..events).step_by(2).map(|event| stage.ledger.missing(event..event + 1)).sum();
    stage.end().await?;
    Ok((latencies, missing))
}
