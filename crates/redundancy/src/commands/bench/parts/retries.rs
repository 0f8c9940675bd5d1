//! How late a retry leaves.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::Bench;
use crate::cli::bench::Part;
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit};
use crate::commands::bench::sink::Manner;

const DELAY: Duration = Duration::from_millis(500);
/// So many say enough.
const MOST_EVENTS: usize = 1000;
/// Every event fails at first, which must not count against the endpoint.
const SETTINGS: [(&str, &str); 1] = [("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "1000000")];

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let events = bench.paced_events().min(MOST_EVENTS);
    let mut stage = bench.stage(Part::Retries, events, &SETTINGS).await?;
    let delay_ms = u64::try_from(DELAY.as_millis()).unwrap_or(u64::MAX);
    let retry = json!({ "initial_delay_ms": delay_ms, "jitter": 0 });
    stage.endpoint(0, Manner::FailingOnce, &json!({ "retry": retry })).await?;
    stage.driver(0..1, &stage.ledger).pace(events, bench.args.rate).await?;
    stage.until_arrived(events).await;
    let begun = Instant::now();
    while stage.ledger.count_repeated() < events && begun.elapsed() < super::STALLED_AFTER {
        sleep(super::LOOK_EVERY).await;
    }

    let repeats = stage.ledger.repeats();
    let retried = repeats.count();
    let mut findings = bench.findings(Part::Retries);
    findings.figure("events", "events that fail once", Unit::Number, Some(events as f64));
    let target = |percent| (percent == 100).then_some(Target::AtMost(100.0));
    findings.spread("late", "retry later than 500 ms after the failure", &repeats.beyond(DELAY), target);
    findings.lost(stage.ledger.count_accepted().saturating_sub(retried));
    stage.end().await?;
    Ok(findings)
}
