//! What the server counts for Prometheus. Every server has a registry of its own.

mod detection;
pub(crate) mod process;
mod service;
mod text_format;
mod webhooks;

use crate::app::App;
use crate::objectives::Objectives;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use redundancy_engine::Timestamp;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use detection::{DetectionMetrics, IndexWork};
pub use webhooks::WebhookMetrics;

/// From a millisecond, which a short text takes, to the default deadline.
const SECONDS_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Counters and histograms, and the registry that renders them.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// Requests that were turned away because too many were under way.
    crowded_out: AtomicU64,
    detection: DetectionMetrics,
    webhooks: WebhookMetrics,
    objectives: Objectives,
    /// What the last scrape has seen of the rest.
    service: service::Seen,
}

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// Prometheus text, version 0.0.4.
    Prometheus,
    /// `OpenMetrics` text, version 1.0.0.
    OpenMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

impl Metrics {
    /// Metrics of a process that began at `started_at`.
    pub(crate) fn new(started_at: Timestamp, webhooks: WebhookMetrics) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS_BUCKETS)),
            crowded_out: AtomicU64::default(),
            detection: DetectionMetrics::default(),
            objectives: Objectives::with_deliveries(webhooks.ended()),
            webhooks,
            service: service::Seen::default(),
        };
        metrics.registered(started_at)
    }

    /// The registry appends `_total` to the names of counters, as `OpenMetrics` asks.
    fn registered(mut self, started_at: Timestamp) -> Self {
        let registry = &mut self.registry;
        registry.register("http_requests", "HTTP requests answered", self.requests.clone());
        let help = "Time from the head of a request to its answer";
        registry.register("http_request_duration_seconds", help, self.request_seconds.clone());
        self.detection.register(registry);
        self.webhooks.register(registry);
        registry.register_collector(Box::new(self.service.clone()));
        registry.register_collector(Box::new(process::Collector { started_at }));
        self
    }

    /// Counts a request that was answered at `now`.
    pub(crate) fn request(
        &self,
        method: &Method,
        route: String,
        status: StatusCode,
        duration: Duration,
        now: Timestamp,
    ) {
        self.objectives.request(&route, status, duration, now);
        let labels = RouteLabels { method: known(method), route };
        self.request_seconds.get_or_create(&labels).observe(duration.as_secs_f64());
        let RouteLabels { method, route } = labels;
        self.requests.get_or_create(&RequestLabels { method, route, status: status.as_u16() }).inc();
    }

    /// Counts a request that was turned away because too many were under way.
    pub(crate) fn crowd_out(&self) {
        self.crowded_out.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that were turned away because too many were under way.
    pub(crate) fn crowded_out(&self) -> u64 {
        self.crowded_out.load(Ordering::Relaxed)
    }

    /// What is counted of detection.
    pub(crate) const fn detection(&self) -> &DetectionMetrics {
        &self.detection
    }

    /// What is shown of deliveries.
    pub(crate) const fn webhooks(&self) -> &WebhookMetrics {
        &self.webhooks
    }

    /// What became of what is promised.
    pub(crate) const fn objectives(&self) -> &Objectives {
        &self.objectives
    }

    /// Takes notice of how the service as a whole does. Waits a short time for the store at most.
    pub(crate) async fn look_at(&self, app: &App) {
        self.service.set(service::Service::look(app).await);
    }

    /// Everything counted so far.
    pub(crate) fn render(&self, exposition: Exposition) -> Result<String, fmt::Error> {
        let mut open_metrics = String::new();
        text::encode(&mut open_metrics, &self.registry)?;
        Ok(match exposition {
            Exposition::OpenMetrics => open_metrics,
            Exposition::Prometheus => text_format::from_open_metrics(&open_metrics),
        })
    }
}

/// A client can make up methods; as labels they would use up memory without end.
fn known(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let names = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.iter().zip(names).find(|(known, _)| *known == method).map_or("other", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redundancy_engine::Operation;

    const BEGINNING: Timestamp = Timestamp::from_millis(0);

    fn lines_of(metrics: &Metrics, exposition: Exposition, name: &str) -> Vec<String> {
        let rendered = metrics.render(exposition).unwrap();
        rendered.lines().filter(|line| line.contains(name)).map(str::to_owned).collect()
    }

    #[test]
    fn requests_are_counted_by_method_route_and_status() {
        let metrics = Metrics::new(BEGINNING, WebhookMetrics::default());
        let route = "/api/v1/analyze";
        for status in [StatusCode::OK, StatusCode::OK, StatusCode::BAD_REQUEST] {
            metrics.request(&Method::POST, route.to_owned(), status, Duration::from_millis(20), BEGINNING);
        }
        let counted = lines_of(&metrics, Exposition::Prometheus, "http_requests_total{");
        assert_eq!(counted.len(), 2);
        assert!(
            counted.contains(&format!(
                "http_requests_total{{method=\"POST\",route=\"{route}\",status=\"200\"}} 2"
            ))
        );
        assert!(
            counted.contains(&format!(
                "http_requests_total{{method=\"POST\",route=\"{route}\",status=\"400\"}} 1"
            ))
        );
        let bucket = format!(
            "http_request_duration_seconds_bucket{{le=\"0.025\",method=\"POST\",route=\"{route}\"}} 3"
        );
        assert_eq!(lines_of(&metrics, Exposition::Prometheus, "le=\"0.025\",method"), [bucket]);
    }

    #[test]
    fn made_up_methods_share_one_label() {
        let metrics = Metrics::new(BEGINNING, WebhookMetrics::default());
        for name in ["BREW", "POTS"] {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            metrics.request(
                &method,
                "unmatched".to_owned(),
                StatusCode::NOT_FOUND,
                Duration::ZERO,
                BEGINNING,
            );
        }
        let expected = "http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 2";
        assert_eq!(lines_of(&metrics, Exposition::Prometheus, "http_requests_total{"), [expected]);
    }

    #[test]
    fn every_operation_is_there_before_its_first_analysis() {
        let metrics = Metrics::new(BEGINNING, WebhookMetrics::default());
        for exposition in [Exposition::Prometheus, Exposition::OpenMetrics] {
            for operation in ["analyze", "similarity", "quality"] {
                let line = format!("analyses_total{{operation=\"{operation}\"}} 0");
                assert_eq!(lines_of(&metrics, exposition, &line), std::slice::from_ref(&line));
            }
        }
        metrics.detection().analysis(Operation::Quality, Duration::from_secs(1));
        let line = "analyses_total{operation=\"quality\"} 1";
        assert_eq!(lines_of(&metrics, Exposition::Prometheus, line), [line]);
    }
}
