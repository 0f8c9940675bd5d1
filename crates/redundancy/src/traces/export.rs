//! Sends what waits in the queue, batch after batch, and says in the log when that fails and when it succeeds again.

use std::pin::pin;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use redundancy_server::SpanExport;

use super::connection::Connection;
use super::otlp::{self, Refusal, Rejected};
use super::queue::Waiting;
use crate::client::address::ServiceAddress;
use crate::settings::{OtlpProtocol, TraceExport};

/// How long the end waits for what is left to be sent.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);
/// Between two tries to send a batch: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends spans to a collector.
pub(crate) struct Exporting {
    waiting: Waiting,
    connection: Connection,
    protocol: OtlpProtocol,
    address: ServiceAddress,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    resource: ResourceAttributesWithSchema,
    figures: SpanExport,
    /// Whether more spans have ended than the queue held when this was looked at last.
    overflows: bool,
    /// Whether the collector has rejected spans of the last batch that it took.
    rejects: bool,
}

impl Exporting {
    pub(super) fn new(settings: &TraceExport, resource: &Resource, waiting: Waiting) -> Self {
        Self {
            waiting,
            connection: Connection::new(settings.address.clone(), settings.protocol),
            protocol: settings.protocol,
            address: settings.address.clone(),
            path: settings.path.clone(),
            headers: settings.headers.clone(),
            timeout: settings.timeout,
            resource: resource.into(),
            figures: SpanExport::default(),
            overflows: false,
            rejects: false,
        }
    }

    /// How it goes, for those who look at the service.
    pub(crate) fn figures(&self) -> SpanExport {
        self.figures.clone()
    }

    /// Sends spans until `stop` is done, and then for a while what is left.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let ending = CancellationToken::new();
        let mut sending = pin!(async {
            loop {
                tokio::select! {
                    () = self.waiting.come_together() => {}
                    () = ending.cancelled() => {}
                }
                // What arrives after this is waited for once more.
                let is_last = ending.is_cancelled();
                self.send_all().await;
                if is_last {
                    return;
                }
            }
        });
        tokio::select! {
            () = &mut sending => return,
            () = stop => ending.cancel(),
        }
        if timeout(FLUSH_DEADLINE, sending).await.is_err() {
            tracing::warn!("the last spans could not be exported in time");
        }
    }

    /// Sends everything that waits.
    async fn send_all(&mut self) {
        loop {
            let batch = self.waiting.batch();
            let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            if spans == 0 {
                break;
            }
            match self.send(otlp::encode(batch, &self.resource)).await {
                Ok((rejected, _)) if rejected.spans >= spans => {
                    self.lose(spans, &format!("the collector rejects them: {}", rejected.reason));
                }
                Ok((rejected, took)) => self.sent(spans, &rejected, took),
                Err(refusal) => self.lose(spans, &refusal.reason),
            }
        }
        self.overflow(self.waiting.take_dropped());
    }

    /// Sends one batch, again and again within its time where that may help. Gives how many spans were rejected, and how long the try took
    /// that came through.
    async fn send(&mut self, message: hyper::body::Bytes) -> Result<(Rejected, Duration), Refusal> {
        let deadline = Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let tried = timeout_at(deadline, self.try_to_send(&message)).await;
            let refusal = match tried {
                Ok(Ok(rejected)) => return Ok((rejected, began.elapsed())),
                Ok(Err(refusal)) => refusal,
                Err(_) => Refusal::passing("the collector did not answer in time"),
            };
            let wait = refusal.retry_after.unwrap_or(pause);
            if !refusal.is_passing || Instant::now() + wait >= deadline {
                return Err(refusal);
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_to_send(&mut self, message: &hyper::body::Bytes) -> Result<Rejected, Refusal> {
        let scheme = if self.address.is_encrypted() { "https" } else { "http" };
        let authority = self.address.authority();
        let request = otlp::request(self.protocol, scheme, &authority, &self.path, &self.headers, message);
        let request = request.map_err(|error| Refusal {
            reason: format!("no request can be made: {error}"),
            is_passing: false,
            retry_after: None,
        })?;
        let answer = self.connection.ask(request).await?;
        otlp::read(self.protocol, &answer)
    }

    /// Of spans that are rejected it is told once, until none are.
    fn sent(&mut self, spans: u64, rejected: &Rejected, took: Duration) {
        if rejected.spans > 0 && !self.rejects {
            let (spans, reason) = (rejected.spans, &*rejected.reason);
            tracing::warn!(spans, reason, "the collector rejected some spans");
        }
        self.rejects = rejected.spans > 0;
        let lost = self.figures.sent(spans - rejected.spans, rejected.spans, took);
        if lost > 0 {
            tracing::info!(lost, "spans are exported again");
        }
    }

    /// Told once, until a batch is taken again: a collector that is away must not fill the log.
    fn lose(&self, spans: u64, reason: &str) {
        if self.figures.lost(spans) {
            tracing::warn!(collector = %self.address, reason, "spans cannot be exported and are dropped");
        }
    }

    /// Told once, until there is room again.
    fn overflow(&mut self, spans: u64) {
        if spans > 0 && !self.overflows {
            tracing::warn!(
                spans,
                "more spans end than the queue holds (OTEL_BSP_MAX_QUEUE_SIZE): some are dropped"
            );
        }
        self.overflows = spans > 0;
        self.figures.overflowed(spans);
    }
}
