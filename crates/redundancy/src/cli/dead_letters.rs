//! `redundancy dead-letters`: what was given up.

use clap::{ArgGroup, Args, Subcommand};

use super::connection::ConnectionArgs;
use super::deliveries::FilterArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy dead-letters list
  redundancy dead-letters requeue dlv_…
  redundancy dead-letters requeue --all --endpoint main-webhook

Exit codes:
  0  fine
  1  the service refused or did not answer
  2  wrong use, or a setting will not do";

const LIST_EXAMPLES: &str = "\
Examples:
  redundancy dead-letters list
  redundancy dead-letters list --endpoint main-webhook --since 1d";

const REQUEUE_EXAMPLES: &str = "\
Examples:
  redundancy dead-letters requeue dlv_…
  redundancy dead-letters requeue --all
  redundancy dead-letters requeue --all --endpoint main-webhook --since 2d

Each has all the attempts of its endpoint before it again.";

/// What to do about dead letters.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadLettersArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DeadLettersCommand,
}

/// What to do about dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List deliveries that were given up, the newest first
    List(ListArgs),
    /// Queue deliveries again that were given up
    Requeue(RequeueArgs),
}

/// Which dead letters to list.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArgs {
    /// Which of them.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// So many at most
    #[arg(long, value_name = "COUNT", default_value = "50", value_parser = values::count)]
    pub limit: usize,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which dead letters to queue again.
#[derive(Debug, Args)]
#[command(after_help = REQUEUE_EXAMPLES, group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub struct RequeueArgs {
    /// The ids of the deliveries
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All that the filters mean; without a filter, all there are
    #[arg(long)]
    pub all: bool,
    /// Which of them.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
