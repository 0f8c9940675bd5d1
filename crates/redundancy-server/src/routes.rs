//! Which path leads where. One file for each resource, with its handlers and its wire types.

pub(crate) mod analyses;
pub(crate) mod analyze;
mod assets;
pub(crate) mod audit;
pub(crate) mod batches;
mod dashboard;
mod docs;
pub(crate) mod documents;
pub(crate) mod duplicates;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod log_level;
pub(crate) mod metrics;
pub(crate) mod openapi;
mod paging;
pub(crate) mod quality;
pub(crate) mod similarity;
pub(crate) mod slo;
pub(crate) mod stats;
pub(crate) mod webhooks;

use crate::app::App;
use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::middleware;
use crate::middleware::held_answers::in_turn;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler as _;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use assets::File;

/// What a service says of itself: the document for programs, and the page for people. It takes milliseconds to put together and
/// depends on settings alone.
pub(crate) struct Documentation {
    document: File,
    page: File,
}

impl Documentation {
    /// That of a service with this `config`.
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self { document: openapi::file(config), page: docs::file(config) }
    }
}

/// What [`route_of`] says of a path that leads nowhere.
pub(crate) const UNMATCHED: &str = "unmatched";

/// All routes of `app` in their middleware.
pub fn router(app: App) -> Router {
    let work = Router::new()
        .route("/api/v1/analyze", post(analyze::analyze))
        .route("/api/v1/similarity", post(similarity::similarity))
        .route("/api/v1/quality", post(quality::quality))
        .route("/api/v1/analyses/{id}", get(analyses::analysis.layer(from_fn(in_turn))))
        .route("/api/v1/stats", get(stats::stats))
        .route("/api/v1/audit", get(audit::list))
        .merge(batches::routes())
        .merge(documents::routes())
        .merge(duplicates::routes())
        .merge(keys::routes())
        .merge(webhooks::routes());
    let mut observation = observation_routes();
    let rest = health_routes()
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::page))
        .route("/", dashboard::route())
        .merge(assets::files());
    if app.config().enable_metrics && !app.config().metrics_apart {
        observation = observation.route("/metrics", get(metrics::scrape));
    }
    if app.config().log_levels.is_some() {
        let levels = get(log_level::show).put(log_level::set);
        observation = observation.route(log_level::PATH, levels);
    }
    let all = middleware::around_work(work, &app)
        .merge(middleware::around_observation(observation, &app))
        .merge(rest);
    finished(all, app)
}

/// What those who watch over the service need of `app`, and nothing that it does for others: health, and metrics if they are
/// enabled. Nobody is asked who they are: that is for the address that this is served at.
pub fn monitoring_router(app: App) -> Router {
    let mut routes = health_routes().merge(observation_routes());
    if app.config().enable_metrics {
        routes = routes.route("/metrics", get(metrics::scrape));
    }
    finished(routes, app)
}

/// For probes.
fn health_routes() -> Router<App> {
    Router::new()
        .route("/health", get(health::alive))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
}

/// For those who look at the service as a whole.
fn observation_routes() -> Router<App> {
    Router::new().route("/api/v1/health/status", get(health::status)).route("/api/v1/slo", get(slo::slo))
}

fn finished(routes: Router<App>, app: App) -> Router {
    let routes = routes
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed());
    middleware::around_everything(routes, &app).with_state(app)
}

/// The template of the path that a request matched, for logs and metrics: paths that clients make up must not become labels.
pub(crate) fn route_of(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned()
}
