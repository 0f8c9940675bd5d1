//! What the HTTP adapter can be told. Reading settings from files and the environment is the executable's business.

use crate::serve::Encryption;
use crate::span_export::SpanExport;
use axum::http::{HeaderValue, Uri};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Limits and switches of the HTTP adapter.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Longest `content`, `text1` or `text2` that is taken, in bytes of UTF-8. The cap on the whole body follows from it.
    pub max_content_bytes: usize,
    /// Bytes of all bodies that are held at once, counted unpacked and until their requests are answered. A body for which
    /// there is no room is answered 503. The longest body that is allowed always fits: a smaller budget is raised to it.
    pub max_body_bytes_in_flight: usize,
    /// From the end of the request's head to the answer, the arrival of the body included.
    pub request_timeout: Duration,
    /// Requests under `/api/v1` that are worked on at the same time. One more is answered 503.
    pub max_concurrent_requests: usize,
    /// Where scripts that call this service may come from.
    pub cors_origins: Vec<Origin>,
    /// Whether `/metrics` is there.
    pub enable_metrics: bool,
    /// Whether `/metrics` is kept to [`monitoring_router`](crate::monitoring_router), because that has an address of its own.
    pub metrics_apart: bool,
    /// What connections are encrypted with, so that metrics can tell until when its certificate is good.
    pub encryption: Option<Encryption>,
    /// What is logged. Without it nobody can ask for it or change it.
    pub log_levels: Option<Arc<dyn LogLevels>>,
    /// How the export of spans goes, if they are exported.
    pub span_export: Option<SpanExport>,
    /// The version of the product, as shown in health and in the `OpenAPI` document.
    pub version: String,
    /// How the program runs, as shown in health: `server`, or the name of a function platform.
    pub profile: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_content_bytes: 1024 * 1024,
            max_body_bytes_in_flight: 256 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            max_concurrent_requests: 4096,
            cors_origins: [3000, 5173, 4200, 8080, 5000]
                .into_iter()
                .filter_map(|port| format!("http://localhost:{port}").parse().ok())
                .collect(),
            enable_metrics: true,
            metrics_apart: false,
            encryption: None,
            log_levels: None,
            span_export: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: "server".to_owned(),
        }
    }
}

/// What a program logs, as it can be looked at and changed while it runs.
pub trait LogLevels: fmt::Debug + Send + Sync {
    /// The level of all modules, and the levels of single ones, such as `info,redundancy_server=debug`.
    fn levels(&self) -> String;

    /// From now on `levels` hold. The error says what would do, in words that follow the name of the field: "must be …".
    fn set(&self, levels: &str) -> Result<(), String>;
}

/// Where a page comes from, as browsers write it in the `Origin` header: scheme, host and port. `*` is every origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl Origin {
    /// Whether this stands for every origin.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    pub(crate) fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// A text is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme, a host and perhaps a port, such as `http://localhost:3000`, with nothing behind it; `*` is every origin"
)]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Scheme and host are compared in lower case, which is how browsers send them.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.trim().to_ascii_lowercase();
        if text != "*" {
            let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
            let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
            let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
            let (Some(scheme), Some(authority)) = (scheme, authority) else { return Err(InvalidOrigin) };
            // A pattern would match nothing, without a word.
            if text != format!("{scheme}://{authority}") || text.contains('*') {
                return Err(InvalidOrigin);
            }
            // Browsers leave out the port that goes without saying.
            let usual = if scheme == "https" { ":443" } else { ":80" };
            if let Some(short) = text.strip_suffix(usual) {
                return HeaderValue::try_from(short).map(Self).map_err(|_| InvalidOrigin);
            }
        }
        HeaderValue::try_from(text).map(Self).map_err(|_| InvalidOrigin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_write_it() {
        for (text, origin) in [
            ("http://localhost:3000", "http://localhost:3000"),
            (" HTTPS://App.Example.COM ", "https://app.example.com"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://app.example.com:443", "http://app.example.com:443"),
            ("*", "*"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), origin);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "localhost",
            "localhost:3000",
            "ftp://a",
            "http://",
            "http://a/",
            "http://a/b",
            "http://u@a",
            "http://a b",
            "http://a?b",
            "http://*.a",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text:?}");
        }
    }

    #[test]
    fn the_origins_of_local_development_are_allowed_by_default() {
        let origins: Vec<String> =
            ServerConfig::default().cors_origins.iter().map(Origin::to_string).collect();
        let expected =
            ["3000", "5173", "4200", "8080", "5000"].map(|port| format!("http://localhost:{port}"));
        assert_eq!(origins, expected);
    }
}
