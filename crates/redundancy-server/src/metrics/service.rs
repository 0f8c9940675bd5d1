//! What is shown of the service as a whole: how full it is, what it turned away, how its store does, and what became of its
//! objectives. All of it is kept elsewhere, looked at once for each scrape, and written from there.

use crate::app::App;
use crate::objectives::{Kept, Objective};
use crate::routes::health;
use crate::serve::Encryption;
use crate::span_export::SpanFigures;
use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use redundancy_engine::{OperationStats, Stats, Timestamp};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the last look has seen. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Option<Service>>>);

/// The service at one moment.
#[derive(Debug)]
pub(super) struct Service {
    version: String,
    profile: String,
    store: StoreSeen,
    requests_in_flight: usize,
    requests_limit: usize,
    /// Requests that were turned away for want of something.
    shed: [(&'static str, u64); 3],
    bodies_bytes: usize,
    bodies_limit_bytes: usize,
    stats: Stats,
    attempts_in_flight: usize,
    /// Until when the certificate is good, in seconds since the epoch.
    certificate_end: Option<u64>,
    /// Whether the issuer of tokens gave its keys when it was asked last, where one is asked.
    is_issuer_up: Option<bool>,
    span_export: Option<SpanFigures>,
    objectives: [(Objective, Kept); Objective::ALL.len()],
}

#[derive(Debug)]
struct StoreSeen {
    kind: &'static str,
    is_up: bool,
    latency: Duration,
}

/// Writes families, each under one name.
struct Writer<'e, 'f>(&'e mut DescriptorEncoder<'f>);

impl Service {
    /// Looks at everything. Waits a short time for the store at most.
    pub(super) async fn look(app: &App) -> Self {
        let store = health::ask_store(app).await;
        let (config, budget) = (app.config(), app.body_budget());
        let (mut stats, mut attempts_in_flight) = (app.engine().stats(), app.webhooks().in_flight());
        for tenant in app.workspaces().iter().skip(1) {
            add(&mut stats, &tenant.engine.stats());
            attempts_in_flight += tenant.webhooks.in_flight();
        }
        let not_after = config.encryption.as_ref().and_then(Encryption::not_after);
        let requests_limit = app.requests_limit();
        Self {
            version: config.version.clone(),
            profile: config.profile.clone(),
            store: StoreSeen { kind: store.kind, is_up: store.is_reachable, latency: store.latency },
            requests_in_flight: requests_limit.saturating_sub(app.capacity().available_permits()),
            requests_limit,
            shed: [
                ("requests", app.metrics().crowded_out()),
                ("body_memory", budget.refused()),
                ("workers", stats.pool.refused),
            ],
            bodies_bytes: budget.held_bytes(),
            bodies_limit_bytes: budget.limit_bytes(),
            stats,
            attempts_in_flight,
            certificate_end: not_after.map(Timestamp::as_seconds),
            is_issuer_up: health::look_at_issuer(app).map(|issuer| !issuer.is_failing),
            span_export: health::look_at_traces(app),
            objectives: Objective::ALL
                .map(|objective| (objective, app.metrics().objectives().of(objective).since_start())),
        }
    }

    fn write(&self, to: &mut Writer<'_, '_>) -> fmt::Result {
        let build = [("version", &*self.version), ("profile", &*self.profile), ("store", self.store.kind)];
        let help = "Always 1; the labels tell what runs.";
        to.gauges("redundancy_build_info", help, [(build, 1.0)])?;
        let help = "Requests under /api/v1 that are worked on, but for those about health and objectives.";
        to.gauge("http_requests_in_flight", help, self.requests_in_flight as f64)?;
        let help = "How many of them there may be; one more is answered 503.";
        to.gauge("http_requests_in_flight_limit", help, self.requests_limit as f64)?;
        let help = "Requests answered 503 because too many were under way, or for want of memory for bodies or of workers.";
        to.counters(
            "http_requests_shed",
            help,
            self.shed.map(|(reason, count)| ([("reason", reason)], count as f64)),
        )?;
        let help = "Memory that the bodies of requests take.";
        to.gauge("http_request_bodies_bytes", help, self.bodies_bytes as f64)?;
        let help = "Memory that they may take; a body for which there is no room is answered 503.";
        to.gauge("http_request_bodies_limit_bytes", help, self.bodies_limit_bytes as f64)?;
        self.write_work(to)?;
        let kind = [("kind", self.store.kind)];
        to.gauges("store_up", "Whether the store answers.", [(kind, f64::from(u8::from(self.store.is_up)))])?;
        let help = "How long the store took to say how it does.";
        to.gauges("store_latency_seconds", help, [(kind, self.store.latency.as_secs_f64())])?;
        let help = "Attempts to deliver that this process has under way.";
        to.gauge("webhook_deliveries_in_flight", help, self.attempts_in_flight as f64)?;
        if let Some(end) = self.certificate_end {
            let help = "Until when the certificate of the service is good, in seconds since the Unix epoch.";
            to.gauge("tls_certificate_not_after_seconds", help, end as f64)?;
        }
        if let Some(is_up) = self.is_issuer_up {
            let help = "Whether the issuer of tokens gave its keys when it was asked last.";
            to.gauge("token_issuer_up", help, f64::from(u8::from(is_up)))?;
        }
        if let Some(SpanFigures { exported, dropped, .. }) = self.span_export {
            to.counter("trace_spans_exported", "Spans that the collector took.", exported as f64)?;
            to.counter("trace_spans_dropped", "Spans that were dropped.", dropped as f64)?;
        }
        self.write_objectives(to)
    }

    fn write_work(&self, to: &mut Writer<'_, '_>) -> fmt::Result {
        let pool = &self.stats.pool;
        for (name, help, value) in [
            ("cpu_pool_workers", "Jobs of detection that can run at the same time.", pool.workers),
            ("cpu_pool_running", "Jobs of detection that run.", pool.running),
            ("cpu_pool_waiting", "Jobs of detection that wait for a worker.", pool.waiting),
            ("cpu_pool_waiting_limit", "Jobs of detection that may wait.", pool.queue),
        ] {
            to.gauge(name, help, value as f64)?;
        }
        let by_operation = |value: fn(&OperationStats) -> f64| {
            let operations = self.stats.operations.iter();
            operations.map(move |stats| ([("operation", stats.operation.as_str())], value(stats)))
        };
        let help = "Analyses that gave no result: refused, given up, or ended by a defect.";
        to.counters("analyses_failed", help, by_operation(|stats| stats.failed as f64))?;
        let help = "Bytes of text in the analyses that gave a result.";
        to.counters("analysis_bytes", help, by_operation(|stats| stats.bytes as f64))?;
        let help = "Time that cores were busy with the analyses that gave a result.";
        to.counters("analysis_busy_seconds", help, by_operation(|stats| stats.busy.as_secs_f64()))
    }

    fn write_objectives(&self, to: &mut Writer<'_, '_>) -> fmt::Result {
        let each = |value: fn(Objective, Kept) -> f64| {
            self.objectives
                .map(|(objective, kept)| ([("objective", objective.as_str())], value(objective, kept)))
        };
        let help = "What an objective is about: requests, or deliveries that ended.";
        to.counters("slo_events", help, each(|_, kept| kept.counted as f64))?;
        let help = "What missed its objective of that.";
        to.counters("slo_missed_events", help, each(|_, kept| kept.missed as f64))?;
        let help = "The share that is promised, 0 to 1.";
        to.gauges("slo_objective_ratio", help, each(|objective, _| objective.share()))
    }
}

/// Adds what an engine on the same pool has done.
fn add(sum: &mut Stats, other: &Stats) {
    for (sum, other) in sum.operations.iter_mut().zip(&other.operations) {
        sum.completed += other.completed;
        sum.failed += other.failed;
        sum.bytes += other.bytes;
        sum.busy += other.busy;
    }
}

impl Seen {
    pub(super) fn set(&self, service: Service) {
        *self.locked() = Some(service);
    }

    /// Nothing under this lock can panic halfway.
    fn locked(&self) -> MutexGuard<'_, Option<Service>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl collector::Collector for Seen {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        match &*self.locked() {
            Some(service) => service.write(&mut Writer(&mut encoder)),
            None => Ok(()),
        }
    }
}

impl Writer<'_, '_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn gauges<S: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (S, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| ConstGauge::new(value).encode(family.encode_family(&labels)?))
    }

    /// `_total` is appended to the name.
    fn counter(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    /// `_total` is appended to the name.
    fn counters<S: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (S, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| ConstCounter::new(value).encode(family.encode_family(&labels)?))
    }
}
