//! Which pages of other origins may call this service from a browser.

use super::rate_limit;
use super::request_id::X_REQUEST_ID;
use crate::config::Origin;
use crate::error::ApiError;
use crate::identity::credential;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, ORIGIN,
    RETRY_AFTER,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember that it is allowed to call. Chromium keeps it for two hours at most.
const MAX_AGE: Duration = Duration::from_hours(2);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The layer that answers preflight requests and marks other answers for the `origins`. An origin that is not among them gets
/// no CORS header, so that its browser keeps the answer from the page.
pub(super) fn layer(origins: &[Origin]) -> CorsLayer {
    let allowed = if origins.iter().any(Origin::is_any) {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.header_value().clone()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            HeaderName::from_static("x-api-key"),
            CONTENT_TYPE,
            CONTENT_ENCODING,
            X_REQUEST_ID,
            HeaderName::from_static("x-user-id"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
        ])
        .expose_headers([&[X_REQUEST_ID, RETRY_AFTER, LOCATION][..], &rate_limit::HEADERS].concat())
        .max_age(MAX_AGE)
}

/// The error for a change that a page of another origin has the browser of its visitor make, unless that origin may call. A page needs
/// nobody's permission to send what has no body, and where nobody has to say who they are, the browser is let in like anyone on its
/// machine. Browsers say in `Sec-Fetch-Site` whose page asks, and no page can change that (Fetch Metadata Request Headers, W3C); but
/// they say it only to addresses of TLS and of their own machine, so that elsewhere `Origin` has to be of the host that is asked. Who shows a credential is asked no further: a page cannot send one
/// without permission.
pub(super) fn foreign_change(origins: &[Origin], request: &Request) -> Option<ApiError> {
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_foreign = match headers.get(SEC_FETCH_SITE) {
        Some(site) => site != "same-origin" && site != "none",
        None => headers.get(ORIGIN).is_some_and(|origin| !is_of_host(origin, request)),
    };
    let may_call = |allowed: &Origin| allowed.is_any() || headers.get(ORIGIN) == Some(allowed.header_value());
    (changes && is_foreign && !credential::is_shown(headers) && !origins.iter().any(may_call)).then(|| {
        ApiError::forbidden(
            "A page of another origin may not do this. Name its origin in CORS_ORIGINS if it may.",
        )
    })
}

/// Whether `origin` is the host that a request asks, whichever of both names the port that is usual for the origin's scheme. By which scheme
/// the browser has come nobody can tell behind a proxy.
fn is_of_host(origin: &HeaderValue, request: &Request) -> bool {
    let Some((scheme, from)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let in_header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let asked = request.uri().authority().map(Authority::as_str).or_else(in_header);
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    let name = |host: &str| host.strip_suffix(usual_port).unwrap_or(host).to_ascii_lowercase();
    asked.is_some_and(|asked| name(asked) == name(from))
}

/// The error for `OPTIONS` on a path that leads nowhere, which is not to get to the layer above: that takes every `OPTIONS`
/// for a preflight request, which it answers whatever the path.
pub(super) fn unmatched(request: &Request) -> Option<ApiError> {
    let is_preflight = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let is_matched = request.extensions().get::<MatchedPath>().is_some();
    let is_unmatched = request.method() == Method::OPTIONS && !is_preflight && !is_matched;
    is_unmatched.then(ApiError::not_found)
}
