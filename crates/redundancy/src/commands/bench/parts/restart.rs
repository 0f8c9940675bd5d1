//! How soon work goes on when the service is killed under load and started again, and that nothing is lost.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{Bench, Stage};
use crate::cli::bench::{Part, Store};
use crate::commands::bench::driver::{OnBreak, PATIENCE};
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit, millis};
use crate::commands::bench::sink::Manner;

/// Between two looks: far below what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Until the receiver has read all that the killed process had sent.
const SETTLE: Duration = Duration::from_millis(100);

/// How the service came back. Times count from its start.
pub(super) struct Comeback {
    /// When it was started, by the ledger.
    pub(super) started: Duration,
    /// Until it answered that it is healthy.
    pub(super) healthy: Duration,
    /// Until it delivered for the first time; `None` if it did not within a minute.
    pub(super) first_delivery: Option<Duration>,
    /// Events that were under way when it was killed: nobody knows whether they were accepted.
    unanswered: usize,
}

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let events = bench.args.events;
    let mut stage = bench.stage(Part::Restart, events, &[]).await?;
    stage.endpoint(0, Manner::Healthy, &json!({})).await?;
    let comeback = under_load(&mut stage, 0..events, events / 3).await?;

    let ledger = &stage.ledger;
    let mut findings = bench.findings(Part::Restart);
    findings.figure("healthy_ms", "until healthy", Unit::Millis, Some(millis(comeback.healthy)));
    let first = comeback.first_delivery.map(millis);
    findings.aimed(
        "first_delivery_ms",
        "until the first delivery",
        Unit::Millis,
        first,
        |store| match store {
            Store::Embedded => Some(Target::AtMost(1000.0)),
            Store::Redis => Some(Target::AtMost(10_000.0)),
            Store::Memory => None,
        },
    );
    let last = ledger.last_arrived_of_accepted_before(comeback.started);
    let last = last.map(|last| millis(last.saturating_sub(comeback.started)));
    let what = "until all was delivered that had been accepted before";
    findings.figure("all_delivered_ms", what, Unit::Millis, last);
    findings.figure("accepted", "accepted in all", Unit::Number, Some(ledger.count_accepted() as f64));
    let what = "cut off before the answer";
    findings.figure("unanswered", what, Unit::Number, Some(comeback.unanswered as f64));
    if bench.setup.store == Store::Memory {
        // Memory forgets, as it says.
        let missing = ledger.missing(0..events) as f64;
        findings.figure("lost", "accepted and never delivered", Unit::Number, Some(missing));
    } else {
        findings.lost(ledger.missing(0..events));
    }
    let repeated = ledger.count_repeated() as f64;
    findings.figure("duplicates", "delivered more than once", Unit::Number, Some(repeated));
    stage.end().await?;
    Ok(findings)
}

/// Publishes `events` at full speed, kills the service when so many more have arrived, starts it again, and waits until
/// everything that was accepted has arrived.
pub(super) async fn under_load(
    stage: &mut Stage<'_>,
    events: Range<usize>,
    kill_after: usize,
) -> Result<Comeback, BenchError> {
    let driver = stage.driver(0..1, &stage.ledger);
    let arrived_before = stage.ledger.count_arrived();
    let first = events.start;
    let flood = driver.flood(events.clone(), stage.bench.args.connections, OnBreak::Reconnect);
    let crash = async {
        let loaded = async {
            while stage.ledger.count_arrived() < arrived_before + kill_after {
                sleep(LOOK_EVERY).await;
            }
        };
        // A service so slow is killed with what has arrived by then.
        let _ = timeout(PATIENCE, loaded).await;
        comeback(stage).await
    };
    let (troubles, mut comeback) = tokio::try_join!(flood, crash)?;
    comeback.unanswered = troubles.unanswered.load(Ordering::Relaxed);
    // What was accepted and what nobody knows of may both arrive; only the former must.
    let mut last = (Instant::now(), usize::MAX);
    while last.1 > 0 && last.0.elapsed() < super::STALLED_AFTER {
        let missing = stage.ledger.missing(first..events.end);
        if missing != last.1 {
            last = (Instant::now(), missing);
        }
        sleep(super::LOOK_EVERY).await;
    }
    Ok(comeback)
}

/// Kills the service and starts it again.
async fn comeback(stage: &mut Stage<'_>) -> Result<Comeback, BenchError> {
    stage.bench.progress.begin(&format!("{}: killed and started again", stage.part.name()));
    stage.server.kill();
    sleep(SETTLE).await;
    stage.sink.begin_run();
    let started = stage.ledger.now();
    stage.server.start_again()?;
    stage.server.until_healthy().await?;
    let healthy = stage.ledger.now().saturating_sub(started);
    let first = async {
        loop {
            if let Some(first) = stage.sink.first_arrival() {
                return first.saturating_sub(started);
            }
            sleep(LOOK_EVERY).await;
        }
    };
    let first_delivery = timeout(PATIENCE, first).await.ok();
    Ok(Comeback { started, healthy, first_delivery, unanswered: 0 })
}
