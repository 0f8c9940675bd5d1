//! How much memory deliveries take that cannot be made now.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{Bench, DeadPort, Stage};
use crate::cli::bench::{Part, Store};
use crate::commands::bench::driver::OnBreak;
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit};
use crate::commands::bench::ledger::Ledger;
use crate::figures::{count, grouped};

/// The number of the endpoint that nobody listens for.
pub(super) const DEAD: usize = 1;
/// Until the last attempts have failed and the breaker is open.
const SETTLE: Duration = Duration::from_secs(1);

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let pending = bench.args.pending;
    let mut stage = bench.stage(Part::Pending, 0, &[]).await?;
    let before = stage.server.resident_mib();
    let port = DeadPort::take()?;
    stage.endpoint_at(DEAD, &port.url(), &json!({})).await?;
    pile_up(&stage, pending).await?;
    sleep(SETTLE).await;

    let mut findings = bench.findings(Part::Pending);
    findings.figure("pending", "deliveries pending", Unit::Number, Some(pending as f64));
    findings.figure("before_mib", "memory of the service before", Unit::Mib, before);
    let target = |store| (store != Store::Memory).then_some(Target::AtMost(60.0));
    let resident = stage.server.resident_mib();
    findings.aimed("resident_mib", "memory of the service with them", Unit::Mib, resident, target);
    findings.figure("peak_mib", "memory of the service at most", Unit::Mib, stage.server.peak_mib());
    stage.end().await?;
    Ok(findings)
}

/// Publishes so many events for the dead endpoint.
pub(super) async fn pile_up(stage: &Stage<'_>, number: usize) -> Result<(), BenchError> {
    let ledger = Arc::new(Ledger::new(number));
    let driver = stage.driver(DEAD..DEAD + 1, &ledger);
    let flood = driver.flood(0..number, stage.bench.args.connections, OnBreak::Fail);
    let watch = async {
        loop {
            let accepted = grouped(ledger.count_accepted());
            let all = count(number, "event");
            stage.bench.progress.begin(&format!("{}: {accepted} of {all} pending", stage.part.name()));
            sleep(super::LOOK_EVERY).await;
        }
    };
    tokio::select! {
        ended = flood => ended.map(|_| ()),
        () = watch => Ok(()),
    }
}
