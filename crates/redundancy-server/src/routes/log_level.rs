//! `/api/v1/log-level`: what the service logs, looked at and changed while it runs.

use crate::app::App;
use crate::config::LogLevels;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::middleware::audit::About;
use crate::request::fields::{Faults, Fields};
use crate::request::{Body, Checked, Limits, NoParameters, rules};
use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Where it is.
pub(crate) const PATH: &str = "/api/v1/log-level";

/// What is logged.
// Serialised also as a request, in the OpenAPI document: the two are the same.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLevelData {
    /// A level for all modules (error, warn, info, debug, trace, off), and perhaps levels of single modules behind commas. A module
    /// stands for all whose names begin with its own.
    #[schema(example = "info,redundancy_server=debug", min_length = 1)]
    level: String,
}

/// Show what is logged
#[utoipa::path(
    get,
    path = "/api/v1/log-level",
    operation_id = "show_log_level",
    tag = "Monitoring",
    responses((status = 200, description = "The levels in force", body = Envelope<LogLevelData>)),
)]
pub(crate) async fn show(
    State(app): State<App>,
    _: NoParameters,
) -> Result<Envelope<LogLevelData>, ApiError> {
    Ok(Envelope::ok(LogLevelData { level: levels(&app)?.levels() }))
}

/// Change what is logged
///
/// Holds from now on, in this process, until it ends or is told otherwise; `LOG_LEVEL` says with what it starts.
#[utoipa::path(
    put,
    path = "/api/v1/log-level",
    operation_id = "set_log_level",
    tag = "Monitoring",
    request_body(content = LogLevelData, example = json!({"level": "info,redundancy_server=debug"})),
    responses((status = 200, description = "The levels in force from now on", body = Envelope<LogLevelData>)),
)]
pub(crate) async fn set(
    State(app): State<App>,
    Checked { body: LogLevelData { level }, .. }: Checked<LogLevelData>,
) -> Result<(Extension<About>, Envelope<LogLevelData>), ApiError> {
    let levels = levels(&app)?;
    if let Err(remedy) = levels.set(&level) {
        let mut faults = Faults::default();
        faults.add("/level".to_owned(), remedy);
        return Err(faults.into_error().unwrap_or_else(ApiError::internal));
    }
    let level = levels.levels();
    tracing::warn!(levels = level, "audit: the levels of the log were changed");
    Ok((Extension(About(level.clone())), Envelope::ok(LogLevelData { level })))
}

/// The route is there only if they are.
fn levels(app: &App) -> Result<&dyn LogLevels, ApiError> {
    app.config().log_levels.as_deref().ok_or_else(ApiError::not_found)
}

impl Body for LogLevelData {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        fields.required("level", rules::string).map(|level| Self { level })
    }
}
