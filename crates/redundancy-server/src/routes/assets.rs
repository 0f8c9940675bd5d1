//! Pages and their files, all of them inside the program: nothing is fetched from elsewhere.

use crate::app::App;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::borrow::Cow;

/// Scripts, styles and images come from this server only, and nothing inside a page is run.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// Kept by the browser, but asked for again each time: a new version of the program shows at once.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Path, media type and content of every file.
const FILES: [(&str, &str, &str); 4] = [
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("../../assets/style.css")),
    ("/assets/dashboard.js", "text/javascript; charset=utf-8", include_str!("../../assets/dashboard.js")),
    ("/assets/docs.js", "text/javascript; charset=utf-8", include_str!("../../assets/docs.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// A route for every file.
pub(super) fn files() -> Router<App> {
    FILES.into_iter().fold(Router::new(), |routes, (path, media_type, content)| {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(media_type)), (CACHE_CONTROL, REVALIDATE)];
        routes.route(path, get(async move || (headers, content)))
    })
}

/// A page that may use the files above and call the API.
pub(super) fn page(html: impl Into<Cow<'static, str>>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
        (CACHE_CONTROL, REVALIDATE),
    ];
    (headers, html.into()).into_response()
}
