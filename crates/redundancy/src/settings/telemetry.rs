//! What the service tells about itself: logs, metrics, traces.

use super::keys;
use super::log_levels::{InvalidLevels, Levels};
use super::parse;
use super::reader::Reader;
use super::traces::TraceExport;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Text,
}

/// What the service tells about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// What is logged.
    pub log_level: Levels,
    /// How a line of the log looks.
    pub log_format: LogFormat,
    /// Whether `/metrics` is there.
    pub metrics: bool,
    /// Where the spans of traces go, if they go anywhere.
    pub traces: Option<TraceExport>,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader, log_to_terminal: bool) -> Option<Self> {
        let traces = TraceExport::read(reader);
        let metrics = reader.value(&keys::ENABLE_METRICS, parse::flag);
        let levels = |text: &str| text.parse().map_err(|error: InvalidLevels| error.to_string());
        let log_level = reader.value(&keys::LOG_LEVEL, levels);
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        let log_format = if log_to_terminal { "text" } else { "json" };
        let log_format = reader.value_or(&keys::LOG_FORMAT, log_format, parse::one_of(&formats));
        Some(Self { log_level: log_level?, log_format: log_format?, metrics: metrics?, traces })
    }
}
