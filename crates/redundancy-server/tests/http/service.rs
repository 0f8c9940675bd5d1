//! A service to test: the real router over the real engine, with a clock and ids that give the same on every run.

use async_compression::tokio::bufread as packers;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::{Router, response::Response};
use http_body_util::BodyExt;
use redundancy_engine::access::AccessStore;
use redundancy_engine::webhook::dispatcher::{DispatcherConfig, Ports};
use redundancy_engine::webhook::store::WebhookStore;
use redundancy_engine::webhook::trace::NoTracer;
use redundancy_engine::webhook::transport::{AddressPolicy, HttpTransport, TransportConfig};
use redundancy_engine::webhook::webhooks::{Webhooks, WebhooksConfig};
use redundancy_engine::{
    AnalysisStore, BatchStore, Catalog, Clock, CpuPoolConfig, Engine, EngineConfig, EnginePorts, IdSource,
    Timestamp,
};
use redundancy_server::{Access, App, FindingsAsJson, ServerConfig, WebhookMetrics, Workspace};
use redundancy_store::{LocalRates, MemoryAccess, MemoryStore};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// When every service under test starts, in milliseconds since the Unix epoch.
pub(crate) const STARTED_AT_MS: u64 = 1_767_323_045_678;

/// A millisecond passes whenever it is looked at.
#[derive(Default)]
struct TickingClock(AtomicU64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(STARTED_AT_MS)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Stands still until it is told how late it is, in seconds.
#[derive(Default)]
pub(crate) struct Hand(pub(crate) AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(STARTED_AT_MS).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Goes on as time does, from when every service under test starts.
struct RunningClock(Instant);

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(STARTED_AT_MS).plus(self.0.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Default)]
struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn random_128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a service is put together over.
pub(crate) struct Stores {
    pub(crate) analyses: Arc<dyn AnalysisStore>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) batches: Arc<dyn BatchStore>,
}

impl Stores {
    /// One store behind all ports.
    pub(crate) fn of(store: Arc<MemoryStore>) -> Self {
        Self { analyses: store.clone(), webhooks: store.clone(), catalog: store.clone(), batches: store }
    }
}

/// A service without a socket.
pub(crate) struct Service {
    pub(crate) app: App,
    pub(crate) engine: Arc<Engine>,
    pub(crate) router: Router,
    pub(crate) webhooks: Webhooks,
    /// Ends deliveries and batches with the service.
    working: Option<DropGuard>,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        Self::over(config, Arc::new(MemoryStore::default()), CpuPoolConfig { workers: 2, queue: 8 })
    }

    /// Holds as little of the bodies of requests at once as can be.
    pub(crate) fn with_least_body_budget(config: ServerConfig, store: Arc<dyn AnalysisStore>) -> Self {
        let config = ServerConfig { max_body_bytes_in_flight: 0, ..config };
        Self::over(config, store, CpuPoolConfig { workers: 2, queue: 8 })
    }

    pub(crate) fn over(config: ServerConfig, store: Arc<dyn AnalysisStore>, cpu: CpuPoolConfig) -> Self {
        let other = Arc::new(MemoryStore::default());
        let stores =
            Stores { analyses: store, webhooks: other.clone(), catalog: other.clone(), batches: other };
        Self::assembled(config, cpu, stores, Arc::new(TickingClock::default()))
    }

    /// Keeps its audit log and the like in `access`.
    pub(crate) fn with_access(access: Arc<dyn AccessStore>) -> Self {
        let stores = Stores::of(Arc::new(MemoryStore::default()));
        let (config, cpu) = (ServerConfig::default(), CpuPoolConfig { workers: 2, queue: 8 });
        let change = |open| Access { store: access, ..open };
        Self::assembled_with(config, cpu, stores, Arc::new(TickingClock::default()), change)
    }

    /// Lets callers in by other rules, while it is as late as `hand` says.
    pub(crate) fn at(hand: Arc<Hand>, rules: impl FnOnce(Access) -> Access) -> Self {
        let stores = Stores::of(Arc::new(MemoryStore::default()));
        let (config, cpu) = (ServerConfig::default(), CpuPoolConfig { workers: 2, queue: 8 });
        Self::assembled_with(config, cpu, stores, hand, rules)
    }

    /// Delivers events, to receivers on this machine too, and goes on with batches, while the clock goes on.
    pub(crate) fn delivering() -> Self {
        let store = Arc::new(MemoryStore::default());
        Self::delivering_over(Stores::of(store))
    }

    /// The same over other stores.
    pub(crate) fn delivering_from(
        store: Arc<dyn AnalysisStore>,
        webhook_store: Arc<dyn WebhookStore>,
    ) -> Self {
        let catalog = Arc::new(MemoryStore::default());
        let batches = catalog.clone();
        Self::delivering_over(Stores { analyses: store, webhooks: webhook_store, catalog, batches })
    }

    /// The same over other stores.
    pub(crate) fn delivering_over(stores: Stores) -> Self {
        Self::working(ServerConfig::default(), stores, true)
    }

    /// The same with settings of its own.
    pub(crate) fn delivering_with(config: ServerConfig) -> Self {
        Self::working(config, Stores::of(Arc::new(MemoryStore::default())), true)
    }

    /// Delivers events, and leaves batches as they are.
    pub(crate) fn delivering_alone() -> Self {
        Self::working(ServerConfig::default(), Stores::of(Arc::new(MemoryStore::default())), false)
    }

    fn working(config: ServerConfig, stores: Stores, does_batches: bool) -> Self {
        let cpu = CpuPoolConfig { workers: 2, queue: 8 };
        let mut service = Self::assembled(config, cpu, stores, Arc::new(RunningClock(Instant::now())));
        let stop = CancellationToken::new();
        let (webhooks, tasks) = (service.webhooks.clone(), TaskTracker::new());
        tasks.spawn({
            let stop = stop.clone();
            async move { webhooks.run(stop.cancelled_owned()).await }
        });
        if does_batches {
            let (engine, items) = (Arc::clone(&service.engine), service.app.batch_items());
            let stop = stop.clone();
            tasks.spawn(async move { engine.run_batches(items, stop.cancelled_owned()).await });
        }
        service.working = Some(stop.drop_guard());
        service
    }

    fn assembled(config: ServerConfig, cpu: CpuPoolConfig, stores: Stores, clock: Arc<dyn Clock>) -> Self {
        Self::assembled_with(config, cpu, stores, clock, |open| open)
    }

    fn assembled_with(
        config: ServerConfig,
        cpu: CpuPoolConfig,
        Stores { analyses: store, webhooks: webhook_store, catalog, batches }: Stores,
        clock: Arc<dyn Clock>,
        rules: impl FnOnce(Access) -> Access,
    ) -> Self {
        let ids: Arc<dyn IdSource> = Arc::new(CountingIds::default());
        let ports = EnginePorts {
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            store,
            format: Arc::new(FindingsAsJson),
            catalog,
            documents: Arc::new(FindingsAsJson),
            batches,
            tracer: Arc::new(NoTracer),
        };
        let engine = Arc::new(Engine::new(EngineConfig { cpu }, ports));
        let addresses = AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let transport = TransportConfig { policy: addresses.clone(), ..TransportConfig::default() };
        let metrics = WebhookMetrics::default();
        let ports = Ports {
            store: webhook_store,
            transport: Arc::new(HttpTransport::new(transport).unwrap()),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            observer: Arc::new(metrics.clone()),
            tracer: Arc::new(NoTracer),
        };
        let dispatcher = DispatcherConfig { drain_timeout: Duration::ZERO, ..DispatcherConfig::default() };
        let webhooks =
            Webhooks::new(ports, WebhooksConfig { addresses, dispatcher, ..WebhooksConfig::default() });
        let home = Workspace { tenant: None, engine: Arc::clone(&engine), webhooks: webhooks.clone() };
        let rates = Arc::new(LocalRates::new(Arc::clone(&clock)));
        let access = rules(Access::open(Arc::new(MemoryAccess::default()), rates));
        let app = App::new(config, access, home, metrics, clock, ids);
        Self { router: redundancy_server::router(app.clone()), app, engine, webhooks, working: None }
    }

    /// What those see of it who watch over it.
    pub(crate) fn monitoring(self) -> Self {
        Self { router: redundancy_server::monitoring_router(self.app.clone()), ..self }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Reply {
        let Ok(response) = self.router.clone().oneshot(request).await;
        Reply::of(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(request(Method::GET, path, &[], Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_bytes(path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        self.call(request(Method::PUT, path, &headers, body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        self.call(request(Method::PATCH, path, &headers, body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(request(Method::DELETE, path, &[], Body::empty())).await
    }

    pub(crate) async fn post_bytes(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        self.call(request(Method::POST, path, headers, body)).await
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header("host", "test");
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(body.into()).unwrap()
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The data of an answer that must be a success with status 200, in the envelope and nothing else.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        self.data_with(200)
    }

    /// The same for another status.
    #[track_caller]
    pub(crate) fn data_with(&self, status: u16) -> Value {
        let json = self.json();
        assert_eq!(
            (self.status, &json["success"], &json["status"]),
            (status, &true.into(), &status.into()),
            "{json}"
        );
        assert_eq!(json.as_object().unwrap().len(), 3, "{json}");
        json["data"].clone()
    }

    /// The error of an answer that must be a failure with this status and type, in the envelope and nothing else.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, kind: &str) -> Value {
        let json = self.json();
        assert_eq!(
            (self.status, &json["success"], json["error"]["type"].as_str()),
            (status, &false.into(), Some(kind)),
            "{json}"
        );
        assert_eq!(json.as_object().unwrap().len(), 2, "{json}");
        let error = &json["error"];
        assert_eq!(error["code"], status, "{error}");
        assert_eq!(error["request_id"].as_str(), self.header("x-request-id"), "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        error.clone()
    }

    /// The fields at fault in an error, in order.
    pub(crate) fn fields(&self) -> Vec<String> {
        let details = self.json()["error"]["details"].clone();
        details
            .as_array()
            .into_iter()
            .flatten()
            .map(|fault| fault["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// `content` compressed as the `Content-Encoding` of that name says.
pub(crate) async fn packed(encoding: &str, content: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => read(packers::GzipEncoder::new(content)).await,
        "deflate" => read(packers::ZlibEncoder::new(content)).await,
        "br" => read(packers::BrotliEncoder::with_quality(content, async_compression::Level::Fastest)).await,
        "zstd" => read(packers::ZstdEncoder::new(content)).await,
        _ => content.to_vec(),
    }
}

/// What `content` was before it was compressed as the `Content-Encoding` of that name says.
pub(crate) async fn unpacked(encoding: &str, content: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => read(packers::GzipDecoder::new(content)).await,
        "br" => read(packers::BrotliDecoder::new(content)).await,
        "zstd" => read(packers::ZstdDecoder::new(content)).await,
        _ => panic!("the service does not send {encoding}"),
    }
}

pub(crate) async fn read(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}
