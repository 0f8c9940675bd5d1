//! Pages and files, all of them inside the program: nothing is fetched from elsewhere. Each is made and packed once and handed out as it is,
//! and not at all to those who have it already. Whoever asks, and does not read, holds nothing that was made for it.

use crate::app::App;
use crate::middleware::accept_encoding;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use flate2::Compression;
use flate2::read::GzEncoder;
use std::io::Read as _;

/// Scripts, styles and images come from this server only, and nothing inside a page is run.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// Kept by the browser, but asked for again each time: a new version of the program shows at once.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Path, media type and content of every file.
const FILES: [(&str, &str, &str); 5] = [
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("../../assets/style.css")),
    ("/assets/access.js", "text/javascript; charset=utf-8", include_str!("../../assets/access.js")),
    ("/assets/dashboard.js", "text/javascript; charset=utf-8", include_str!("../../assets/dashboard.js")),
    ("/assets/docs.js", "text/javascript; charset=utf-8", include_str!("../../assets/docs.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// Something that is the same for everybody. Cheap to clone: clones share the content.
#[derive(Clone)]
pub(crate) struct File {
    media_type: &'static str,
    is_page: bool,
    content: Bytes,
    /// By gzip, where that is shorter.
    packed: Option<Bytes>,
    tag: HeaderValue,
}

/// A route for every file.
pub(super) fn files() -> Router<App> {
    FILES.into_iter().fold(Router::new(), |routes, (path, media_type, content)| {
        routes.route(path, route(File::new(media_type, Bytes::from_static(content.as_bytes()))))
    })
}

/// A route for a file that is the same in every app.
pub(super) fn route(file: File) -> MethodRouter<App> {
    get(async move |headers: HeaderMap| file.answer(&headers))
}

impl File {
    /// A file of this type.
    pub(super) fn new(media_type: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self { media_type, is_page: false, tag: tag(&content), packed: packed(&content), content }
    }

    /// A page that may use the files above and call the API.
    pub(super) fn page(html: impl Into<Bytes>) -> Self {
        Self { is_page: true, ..Self::new("text/html; charset=utf-8", html) }
    }

    /// The answer to a request with these headers: nothing but the word that nothing has changed, if it names what is there.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if self.is_known(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.whole(request)
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, REVALIDATE);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if self.is_page {
            // With both answers: what a browser has kept takes over the headers by which it is told that it is the same.
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        }
        response
    }

    fn whole(&self, request: &HeaderMap) -> Response {
        let media_type = [(CONTENT_TYPE, HeaderValue::from_static(self.media_type))];
        match &self.packed {
            Some(packed) if accept_encoding::takes(request, "gzip") => {
                let coding = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
                (media_type, coding, packed.clone()).into_response()
            }
            Some(_) | None => (media_type, self.content.clone()).into_response(),
        }
    }

    /// Whether `If-None-Match` (RFC 9110, section 13.1.2) names this content.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut named = lists.flat_map(|list| list.split(',')).map(str::trim);
        let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
        let own = self.tag.to_str().map(opaque).unwrap_or_default();
        named.any(|tag| tag == "*" || opaque(tag) == own)
    }
}

fn packed(content: &[u8]) -> Option<Bytes> {
    let mut packed = Vec::new();
    // From a slice nothing fails.
    GzEncoder::new(content, Compression::best()).read_to_end(&mut packed).ok()?;
    (packed.len() < content.len()).then(|| packed.into())
}

/// A name for `content`. A weak one, because the content may be compressed on its way.
fn tag(content: &[u8]) -> HeaderValue {
    // Quotes and digits make a header value.
    HeaderValue::try_from(format!("W/\"{}\"", blake3::hash(content).to_hex()))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_already_gets_it_no_more() {
        let (file, other) = (File::page("<p>a</p>"), File::page("<p>b</p>"));
        assert_ne!(file.tag, other.tag);
        let own = file.tag.to_str().unwrap();
        let strong = own.trim_start_matches("W/");
        for (named, status) in [
            (own, 304),
            (strong, 304),
            ("*", 304),
            (&*format!("\"x\", {own}"), 304),
            (other.tag.to_str().unwrap(), 200),
            ("", 200),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(named).unwrap())]);
            let answer = file.answer(&headers);
            assert_eq!(
                (answer.status().as_u16(), answer.headers()[ETAG].to_str().unwrap()),
                (status, own),
                "{named}"
            );
        }
        assert_eq!(file.answer(&HeaderMap::new()).status(), 200);
    }
}
