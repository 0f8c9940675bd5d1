//! `redundancy send`: publishes an event.

use clap::Args;

use super::connection::ConnectionArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy send report.ready --data '{\"report\": 7}'
  redundancy send report.ready --data @report.json --idempotency-key report-7
  jq '{count: length}' rows.json | redundancy send rows.counted --data - --wait

When the command ends, the event is safe in the store of the service; with --wait also its deliveries have ended.

Exit codes:
  0  accepted; with --wait, and delivered to every endpoint that wants it
  1  the service refused or did not answer; with --wait, or a delivery failed or has not ended in time
  2  wrong use, or a setting will not do";

/// An event.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SendArgs {
    /// The type of the event: letters, digits, _ and .
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// What happened: JSON, @ and a file with JSON, or - for standard input
    #[arg(long, value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    pub data: String,
    /// A name for the request: with the same name it is done once, however often it is sent
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// The user on whose behalf it happened
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Wait until all deliveries have ended, so long at most [default: 60 if no time is given]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60", value_parser = values::seconds)]
    pub wait: Option<u64>,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
