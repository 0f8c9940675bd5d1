//! Reads the headers `traceparent` and `tracestate` of W3C Trace Context, so that logs, spans and events name the trace that a
//! request belongs to.

use super::client_address::Peer;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use redundancy_engine::webhook::trace::{TARGET, TraceContext, Tracer};
use tracing::{Span, field};

/// What the headers of a request say of its trace. Headers that break the format are ignored, as the specification asks.
fn of_caller(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all("traceparent").iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let states: Vec<&str> =
        headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    let state = (!states.is_empty()).then(|| states.join(","));
    TraceContext::new(value.to_str().ok()?, state.as_deref()).ok()
}

/// The context that everything belongs to which follows from the request, as events keep it.
pub(crate) fn of_request(extensions: &Extensions) -> Option<String> {
    extensions.get::<TraceContext>().map(ToString::to_string)
}

/// Opens the span of a request by the OpenTelemetry conventions for HTTP servers, as a child of the caller's, and puts the context of
/// the request into it: that of its span, or, where nobody exports traces and the span is disabled, that of its caller, or else
/// a trace of its own that `random` names.
pub(super) fn begin(
    tracer: &dyn Tracer,
    request: &mut Request,
    route: Option<&str>,
    request_id: &str,
    random: u128,
) -> (Span, TraceContext) {
    let of_caller = of_caller(request.headers());
    let span = span(request, route, request_id);
    let of_span = if span.is_disabled() {
        None
    } else {
        if let Some(parent) = &of_caller {
            tracer.follow(&span, parent);
        }
        tracer.context(&span)
    };
    let context = of_span.or(of_caller).unwrap_or_else(|| TraceContext::unsampled_root(random));
    request.extensions_mut().insert(context.clone());
    (span, context)
}

/// Records how a request was answered, and whether its client went away before the end.
pub(super) fn end(span: &Span, status: Option<StatusCode>, is_gone: bool) {
    if span.is_disabled() {
        return;
    }
    if is_gone {
        span.record("error.type", "client_went_away");
    }
    let Some(status) = status else { return };
    span.record("http.response.status_code", i64::from(status.as_u16()));
    // By the conventions what a client did wrong is no error of the server's span.
    if status.is_server_error() {
        span.record("otel.status_code", "error");
        span.record("error.type", field::display(status.as_u16()));
    }
}

/// What the conventions call a method that they do not know.
const OTHER: &str = "_OTHER";
/// So much is told of such a method.
const MOST_METHOD_BYTES: usize = 32;

fn span(request: &Request, route: Option<&str>, request_id: &str) -> Span {
    let method = known_method(request.method().as_str());
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "http.server",
        otel.name = name(method, route),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.request.method_original = original_method(request.method().as_str()),
        http.route = route,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        url.path = request.uri().path(),
        url.scheme = scheme(request),
        network.protocol.version = protocol_version(request.version()),
        request_id,
    )
}

/// A head of HTTP/1.1 does not say it, and one of HTTP/2 says what its client likes.
fn scheme(request: &Request) -> &'static str {
    let is_encrypted = request.extensions().get::<Peer>().is_some_and(|peer| peer.is_encrypted);
    if is_encrypted { "https" } else { "http" }
}

/// A method that is not known, as it was given, but for what is too long to be one.
fn original_method(method: &str) -> Option<&str> {
    let longest = method.floor_char_boundary(MOST_METHOD_BYTES);
    (known_method(method) == OTHER).then(|| method.get(..longest).unwrap_or_default())
}

/// Callers can make up methods; one that is not known is named as the conventions ask.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" | "CONNECT" | "TRACE" => method,
        _ => OTHER,
    }
}

fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        // No other one is served.
        _ => "1.1",
    }
}

fn name(method: &str, route: Option<&str>) -> String {
    let method = if method == OTHER { "HTTP" } else { method };
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        of_caller(&headers.collect()).map(|context| context.to_string())
    }

    #[test]
    fn a_state_in_several_headers_is_one() {
        let headers = [("traceparent", KNOWN), ("tracestate", "a=1"), ("tracestate", "b=2")];
        assert_eq!(context(&headers), Some(format!("{KNOWN} a=1,b=2")));
        assert_eq!(context(&headers[..1]).as_deref(), Some(KNOWN));
    }

    #[test]
    fn a_method_that_is_not_known_is_told_but_for_its_end() {
        assert_eq!([original_method("POST"), original_method("BREW")], [None, Some("BREW")]);
        assert_eq!(original_method(&"X".repeat(99)).map(str::len), Some(MOST_METHOD_BYTES));
    }

    #[test]
    fn what_is_malformed_or_given_twice_is_ignored() {
        assert_eq!(context(&[("traceparent", "nonsense")]), None);
        assert_eq!(context(&[("traceparent", KNOWN), ("traceparent", KNOWN)]), None);
        assert_eq!(context(&[("tracestate", "a=1")]), None);
    }

    #[test]
    fn the_scheme_is_that_of_the_connection_whatever_the_head_says() {
        let mut request = Request::new(axum::body::Body::empty());
        *request.uri_mut() = "http://a/".parse().unwrap();
        assert_eq!(scheme(&request), "http");
        let address = "192.0.2.1:1".parse().unwrap();
        request.extensions_mut().insert(Peer { address, is_encrypted: true });
        assert_eq!(scheme(&request), "https");
    }

    #[test]
    fn methods_that_callers_make_up_are_one() {
        assert_eq!(name(known_method("POST"), Some("/api/v1/analyze")), "POST /api/v1/analyze");
        assert_eq!((known_method("BREW"), name(known_method("BREW"), None).as_str()), ("_OTHER", "HTTP"));
    }
}
