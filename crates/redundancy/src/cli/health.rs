//! `redundancy health`.

use clap::Args;

use super::service::SettingsArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy health
  redundancy health --url http://10.0.0.7:8000 --json

Exit codes:
  0  the service is ready
  1  it is not, or it does not answer
  2  wrong use, or a setting will not do";

/// Which service to ask.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HealthArgs {
    /// The address of the service [default: the HOST and PORT of the settings]
    #[arg(long, value_name = "URL", value_parser = values::http_url, conflicts_with_all = ["host", "port"])]
    pub url: Option<String>,
    /// Print what the service says as JSON
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}
