//! `redundancy deliveries`: what became of events on their way.

use clap::{Args, Subcommand, ValueEnum};

use super::connection::ConnectionArgs;
use super::values::{self, Moment};

const EXAMPLES: &str = "\
Examples:
  redundancy deliveries list --state pending
  redundancy deliveries show dlv_…
  redundancy deliveries retry dlv_…

Exit codes:
  0  fine
  1  the service refused or did not answer
  2  wrong use, or a setting will not do";

const LIST_EXAMPLES: &str = "\
Examples:
  redundancy deliveries list
  redundancy deliveries list --endpoint main-webhook --state exhausted --since 1d
  redundancy deliveries list --since 2026-01-02T00:00:00Z --limit 1000 --json";

const SHOW_EXAMPLES: &str = "\
Example:
  redundancy deliveries show dlv_…";

const RETRY_EXAMPLES: &str = "\
Examples:
  redundancy deliveries retry dlv_…
  redundancy deliveries list --state pending --json | jq -r '.items[].id' | xargs redundancy deliveries retry

Each is attempted at once, with all the attempts of its endpoint before it.";

/// What to do about deliveries.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeliveriesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DeliveriesCommand,
}

/// What to do about deliveries.
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// List deliveries, the newest first
    List(ListArgs),
    /// Show a delivery and its attempts
    Show(ShowArgs),
    /// Attempt deliveries again at once
    Retry(RetryArgs),
}

/// How far a delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// It waits for its time, or for its endpoint
    Pending,
    /// An attempt is being made
    #[value(name = "in_flight", alias = "in-flight")]
    InFlight,
    /// The receiver took it
    Succeeded,
    /// It was given up: a dead letter
    Exhausted,
    /// It is not wanted any more
    Cancelled,
}

/// Which deliveries are meant: those for which all that is given holds.
#[derive(Debug, Default, Args)]
pub struct FilterArgs {
    /// To this endpoint
    #[arg(long, value_name = "ID")]
    pub endpoint: Option<String>,
    /// Of this event
    #[arg(long, value_name = "ID")]
    pub event: Option<String>,
    /// Of events of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Accepted then or later: a time ago such as 30m, 1h or 2d, or a date such as 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub since: Option<Moment>,
    /// Accepted before then
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub until: Option<Moment>,
}

/// Which deliveries to list.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArgs {
    /// Which of them.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// In this state
    #[arg(long, value_enum)]
    pub state: Option<State>,
    /// So many at most
    #[arg(long, value_name = "COUNT", default_value = "50", value_parser = values::count)]
    pub limit: usize,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// A delivery.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// The id of the delivery
    pub id: String,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Deliveries.
#[derive(Debug, Args)]
#[command(after_help = RETRY_EXAMPLES)]
pub struct RetryArgs {
    /// The ids of the deliveries
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl State {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Succeeded => "succeeded",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FilterArgs {
    /// Whether nothing is given.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.endpoint.is_none()
            && self.event.is_none()
            && self.kind.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }
}
