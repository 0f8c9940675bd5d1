//! What the service tells about itself: logs, metrics, traces.

use tracing_subscriber::filter::LevelFilter;

use super::keys;
use super::parse;
use super::reader::Reader;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Text,
}

/// What the service tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// What is logged: this level and what is more severe.
    pub log_level: LevelFilter,
    /// How a line of the log looks.
    pub log_format: LogFormat,
    /// Whether `/metrics` is there.
    pub metrics: bool,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader, log_to_terminal: bool) -> Option<Self> {
        let tracing = reader.value(&keys::ENABLE_TRACING, parse::flag);
        if tracing == Some(true) {
            reader.not_available(&keys::ENABLE_TRACING);
        }
        reader.optional(&keys::OTLP_ENDPOINT, parse::address(&["http", "https"]));
        reader.not_available(&keys::OTLP_ENDPOINT);
        let metrics = reader.value(&keys::ENABLE_METRICS, parse::flag);
        let levels = [
            ("error", LevelFilter::ERROR),
            ("warn", LevelFilter::WARN),
            ("info", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
            ("off", LevelFilter::OFF),
        ];
        let log_level = reader.value(&keys::LOG_LEVEL, parse::one_of(&levels));
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        let log_format = if log_to_terminal { "text" } else { "json" };
        let log_format = reader.value_or(&keys::LOG_FORMAT, log_format, parse::one_of(&formats));
        Some(Self { log_level: log_level?, log_format: log_format?, metrics: metrics? })
    }
}
