//! `redundancy health`.

use clap::Args;

use super::connection::ConnectionArgs;

const EXAMPLES: &str = "\
Examples:
  redundancy health
  redundancy health --url https://redundancy.example.org --json

Exit codes:
  0  the service is ready
  1  it is not, or it does not answer
  2  wrong use, or a setting will not do";

/// Which service to ask.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HealthArgs {
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
