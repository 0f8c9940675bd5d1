//! What the server counts for Prometheus. Every server has a registry of its own.

pub(crate) mod process;
mod text_format;
mod webhooks;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use redundancy_engine::{Operation, Timestamp};
use std::fmt;
use std::time::Duration;

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
    analyses: Family<OperationLabels, Counter>,
    analysis_seconds: Family<OperationLabels, Histogram, fn() -> Histogram>,
    documents: Gauge,
    webhooks: WebhookMetrics,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

impl Metrics {
    /// Metrics of a process that began at `started_at`.
    pub(crate) fn new(started_at: Timestamp, webhooks: WebhookMetrics) -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS_BUCKETS);
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            analyses: Family::default(),
            analysis_seconds: Family::new_with_constructor(seconds),
            documents: Gauge::default(),
            webhooks,
        };
        // A counter that is there from the start at 0 lets a rate see its first step.
        for operation in Operation::ALL {
            let labels = OperationLabels { operation: operation.as_str() };
            drop(metrics.analyses.get_or_create(&labels));
            drop(metrics.analysis_seconds.get_or_create(&labels));
        }
        metrics.registered(started_at)
    }

    /// The registry appends `_total` to the names of counters, as `OpenMetrics` asks.
    fn registered(mut self, started_at: Timestamp) -> Self {
        let registry = &mut self.registry;
        registry.register("http_requests", "HTTP requests answered", self.requests.clone());
        let help = "Time from the head of a request to its answer";
        registry.register("http_request_duration_seconds", help, self.request_seconds.clone());
        registry.register("analyses", "Analyses that gave a result", self.analyses.clone());
        let help = "Time from a valid request to its result, waiting included";
        registry.register("analysis_duration_seconds", help, self.analysis_seconds.clone());
        let help = "Documents in the index";
        registry.register("documents_indexed", help, self.documents.clone());
        self.webhooks.register(registry);
        registry.register_collector(Box::new(process::Collector { started_at }));
        self
    }

    /// Counts a request that was answered.
    pub(crate) fn request(&self, method: &Method, route: String, status: StatusCode, duration: Duration) {
        let method = known(method);
        let labels = RouteLabels { method, route: route.clone() };
        self.request_seconds.get_or_create(&labels).observe(duration.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status: status.as_u16() }).inc();
    }

    /// Counts an analysis that gave a result.
    pub(crate) fn analysis(&self, operation: Operation, duration: Duration) {
        let labels = OperationLabels { operation: operation.as_str() };
        self.analyses.get_or_create(&labels).inc();
        self.analysis_seconds.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// Takes notice of how many documents the index has.
    pub(crate) fn documents(&self, indexed: u64) {
        self.documents.set(i64::try_from(indexed).unwrap_or(i64::MAX));
    }

    /// What is shown of deliveries.
    pub(crate) fn webhooks(&self) -> &WebhookMetrics {
        &self.webhooks
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

    fn lines_of(metrics: &Metrics, exposition: Exposition, name: &str) -> Vec<String> {
        let rendered = metrics.render(exposition).unwrap();
        rendered.lines().filter(|line| line.contains(name)).map(str::to_owned).collect()
    }

    #[test]
    fn requests_are_counted_by_method_route_and_status() {
        let metrics = Metrics::new(Timestamp::from_millis(0), WebhookMetrics::default());
        let route = "/api/v1/analyze";
        metrics.request(&Method::POST, route.to_owned(), StatusCode::OK, Duration::from_millis(20));
        metrics.request(&Method::POST, route.to_owned(), StatusCode::OK, Duration::from_millis(20));
        metrics.request(&Method::POST, route.to_owned(), StatusCode::BAD_REQUEST, Duration::from_millis(20));
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
        let metrics = Metrics::new(Timestamp::from_millis(0), WebhookMetrics::default());
        for name in ["BREW", "POTS"] {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            metrics.request(&method, "unmatched".to_owned(), StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let expected = "http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 2";
        assert_eq!(lines_of(&metrics, Exposition::Prometheus, "http_requests_total{"), [expected]);
    }

    #[test]
    fn every_operation_is_there_before_its_first_analysis() {
        let metrics = Metrics::new(Timestamp::from_millis(0), WebhookMetrics::default());
        for exposition in [Exposition::Prometheus, Exposition::OpenMetrics] {
            for operation in ["analyze", "similarity", "quality"] {
                let line = format!("analyses_total{{operation=\"{operation}\"}} 0");
                assert_eq!(lines_of(&metrics, exposition, &line), std::slice::from_ref(&line));
            }
        }
        metrics.analysis(Operation::Quality, Duration::from_secs(1));
        let line = "analyses_total{operation=\"quality\"} 1";
        assert_eq!(lines_of(&metrics, Exposition::Prometheus, line), [line]);
    }
}
