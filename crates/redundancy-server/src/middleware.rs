//! What every request passes through, in order. Each layer stands in a file of its own; here stands why it is where it is.
//!
//! Not for reading bodies: that is the business of [`crate::request`], because the cap on a body depends on the route.

pub(crate) mod accept_encoding;
mod access_log;
pub(crate) mod admission;
pub(crate) mod audit;
pub(crate) mod caller;
mod capacity;
pub(crate) mod client_address;
mod cors;
mod deadline;
pub(crate) mod held_answers;
mod http_metrics;
mod leftover;
mod message_head;
mod rate_limit;
pub(crate) mod request_id;
mod security_headers;
pub(crate) mod trace_context;

use crate::app::App;
use crate::error::{self, ApiError};
use crate::routes::route_of;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Version;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::Predicate;
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Puts the whole chain around `router`, the outermost layer first.
pub(crate) fn around_everything(router: Router<App>, app: &App) -> Router<App> {
    let chain = ServiceBuilder::new()
        // Corrects what the layer for compression would be too strict about.
        .map_request(accept_encoding::relax)
        // Further out than all that looks at answers, so that the log tells the size of an answer as it was made, whatever a
        // client lets it shrink to.
        .layer(compression())
        .layer(from_fn_with_state(app.clone(), outside))
        // Answers preflight requests itself, so what is said of every answer stands further out.
        .layer(cors::layer(&app.config().cors_origins))
        // Around everything that could panic while it works; what is further out only handles heads.
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn_with_state(app.clone(), inside));
    // As one layer: for every request the router copies each of its layers with all that is below it.
    router.layer(chain)
}

/// What is done with the head of every request and of every answer, also one that the layer for CORS gives.
async fn outside(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (version, route) = (request.version(), route_of(&request));
    // First, because everything names the request by it in logs and answers.
    let random = app.ids().random_128();
    let id = request_id::assign(random, &mut request);
    let line = access_log::Line::begin(&app, &id, random, &mut request, route.clone());
    let count = http_metrics::Count::begin(&app, &request, route);
    let leftover = leftover::Leftover::of(&mut request);
    let answer = async {
        let unplaced = capacity::unplaced(&app, &request);
        // A stream for which there is no place is not to stay for its body either.
        let settles = version <= Version::HTTP_11 || unplaced.is_none();
        // Keeps from the layer for CORS what is no preflight request and leads nowhere.
        let mut response = match unplaced.or_else(|| cors::unmatched(&request)) {
            Some(error) => error.into_response(),
            None => next.run(request).await,
        };
        // After all that can fail, so that every failure gets the same kind of body, with the id of the request.
        error::render(&id, version, &mut response);
        if settles {
            leftover.settle(&mut response).await;
        }
        security_headers::add(response.headers_mut());
        response
    };
    let mut response = line.around(answer).await;
    count.end(response.status());
    id.send_back(response.headers_mut());
    line.end(response)
}

/// What stands right before the work.
async fn inside(State(app): State<App>, request: Request, next: Next) -> Response {
    // Before anything reads the body of a request whose end is open to doubt.
    if let Some(message) = message_head::fault(request.version(), request.uri(), request.headers()) {
        return ApiError::ambiguous_head(message).into_response();
    }
    if let Some(error) = cors::foreign_change(&app.config().cors_origins, &request) {
        return error.into_response();
    }
    // It covers reading the body and the work.
    deadline::enforce(app.config().request_timeout, next.run(request)).await
}

/// Puts a limit on the number of requests around routes that do work, and lets in those who may have it done. Health, metrics and pages
/// are not among them: they have to answer when the service is busy.
pub(crate) fn around_work(router: Router<App>, app: &App) -> Router<App> {
    let chain = ServiceBuilder::new()
        // Further out: to find out who asks is work too.
        .layer(from_fn_with_state(app.clone(), capacity::limit))
        .layer(from_fn_with_state(app.clone(), admission::admit));
    router.layer(chain)
}

/// Lets in those who may look at the service as a whole.
pub(crate) fn around_observation(router: Router<App>, app: &App) -> Router<App> {
    router.layer(from_fn_with_state(app.clone(), admission::admit_observer))
}

/// Fast levels: for JSON they reach most of the gain at a fraction of the time, which is taken from other requests.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(held_answers::is_compressed())
}

/// What a panic carries is for developers. The panic hook has already logged it.
fn answer_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::app;
    use crate::config::ServerConfig;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use std::time::Duration;
    use tower::ServiceExt;

    /// Status and body of the answer to `GET path` of routes that misbehave.
    async fn call(config: ServerConfig, path: &str) -> (u16, Value) {
        let app = app(config);
        let misbehaving = Router::new()
            .route("/panics", get(async || -> &str { panic!("a secret of the program") }))
            .route("/hangs", get(std::future::pending::<()>))
            .route("/works", get(async || "true"));
        let router = around_everything(around_work(misbehaving, &app), &app).with_state(app);
        let Ok(response) =
            router.oneshot(Request::get(path).header("host", "test").body(Body::empty()).unwrap()).await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
    }

    fn assert_failure((status, body): (u16, Value), expected: u16, kind: &str) {
        assert_eq!((status, &body["success"]), (expected, &false.into()), "{body}");
        assert_eq!(
            (&body["error"]["code"], &body["error"]["type"]),
            (&expected.into(), &kind.into()),
            "{body}"
        );
        assert_eq!(body["error"]["request_id"], "req_00000000000000000000000000000001", "{body}");
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_that_keeps_its_message_to_itself() {
        let answer = call(ServerConfig::default(), "/panics").await;
        assert!(!answer.1.to_string().contains("secret"), "{}", answer.1);
        assert_failure(answer, 500, "Internal");
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_a_timeout() {
        let config = ServerConfig { request_timeout: Duration::from_millis(10), ..ServerConfig::default() };
        assert_failure(call(config, "/hangs").await, 504, "Timeout");
    }

    #[tokio::test]
    async fn work_without_room_for_it_is_unavailable() {
        assert_eq!(call(ServerConfig::default(), "/works").await, (200, true.into()));
        let config = ServerConfig { max_concurrent_requests: 0, ..ServerConfig::default() };
        assert_failure(call(config, "/works").await, 503, "Unavailable");
    }
}
