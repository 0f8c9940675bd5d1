//! What a large backlog for one dead endpoint costs the others, and a restart.

use serde_json::json;

use super::pending::{DEAD, pile_up};
use super::restart::under_load;
use super::throughput::full_speed;
use super::{Bench, DeadPort};
use crate::cli::bench::{Part, Store};
use crate::commands::bench::fault::BenchError;
use crate::commands::bench::findings::{Findings, Target, Unit, millis};
use crate::commands::bench::sink::Manner;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, BenchError> {
    let (events, backlog) = (bench.args.events, bench.args.backlog);
    let mut stage = bench.stage(Part::Backlog, 3 * events, &[]).await?;
    stage.endpoint(0, Manner::Healthy, &json!({})).await?;
    let port = DeadPort::take()?;
    stage.endpoint_at(DEAD, &port.url(), &json!({})).await?;
    let without = full_speed(&stage, 0..events).await?.delivered;
    pile_up(&stage, backlog).await?;
    let beside = full_speed(&stage, events..2 * events).await?.delivered;
    let slower = beside.zip(without).map(|(beside, without)| (1.0 - beside / without) * 100.0);
    let resident = stage.server.resident_mib();

    let mut findings = bench.findings(Part::Backlog);
    findings.figure("pending", "deliveries pending for a dead endpoint", Unit::Number, Some(backlog as f64));
    findings.figure("alone_per_second", "delivered to another without them", Unit::PerSecond, without);
    findings.figure("beside_per_second", "delivered to another beside them", Unit::PerSecond, beside);
    let lasting = |target: Target| move |store| (store != Store::Memory).then_some(target);
    let what = "slower by";
    findings.aimed("slower_percent", what, Unit::Percent, slower, lasting(Target::AtMost(20.0)));
    findings.figure("resident_mib", "memory of the service with them", Unit::Mib, resident);
    let mut lost = stage.ledger.missing(0..2 * events);
    if bench.setup.store != Store::Memory {
        let comeback = under_load(&mut stage, 2 * events..3 * events, events / 3).await?;
        let healthy = Some(millis(comeback.healthy));
        let target = lasting(Target::AtMost(2000.0));
        findings.aimed("healthy_ms", "after kill and start, until healthy", Unit::Millis, healthy, target);
        let first = comeback.first_delivery.map(millis);
        let what = "after kill and start, until the first delivery";
        findings.aimed("first_delivery_ms", what, Unit::Millis, first, target);
        lost += stage.ledger.missing(2 * events..3 * events);
    }
    findings.lost(lost);
    stage.end().await?;
    Ok(findings)
}
