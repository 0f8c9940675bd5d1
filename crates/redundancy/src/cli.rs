//! What the user may type. What the program does about it is said in [`crate::commands`].

pub mod analyze;
pub mod bench;
pub mod compare;
pub mod connection;
pub mod dead_letters;
pub mod dedup;
pub mod deliveries;
pub mod documents;
pub mod endpoints;
pub mod health;
pub mod keys;
pub mod quality;
pub mod search;
pub mod send;
pub mod service;
pub mod values;
pub mod verify_webhook;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::settings::terminal::colours_fit;

const ABOUT: &str = "Finds redundancy in text, and shows where it is";

const EXAMPLES: &str = "\
Examples:
  redundancy analyze report.md              What is repeated in a text, and where
  redundancy compare old.txt new.txt        What two texts share
  redundancy quality 'docs/**/*.md'         How well texts read
  redundancy dedup articles.jsonl --output clean
                                            Drop duplicates from a collection
  redundancy serve                          The same over HTTP, on http://127.0.0.1:8000
  redundancy endpoints add https://example.org/hooks --events '*'
                                            Let another system know of every finding of the service

Exit codes: 0 fine, 1 found or failed, 2 wrong use.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "redundancy", version, about = ABOUT, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// When to colour the output
    #[arg(long, global = true, display_order = 900, value_enum, default_value_t = ColourChoice::Auto, value_name = "WHEN")]
    pub color: ColourChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to colour the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is repeated inside texts
    Analyze(analyze::AnalyzeArgs),
    /// Find what two texts share
    Compare(compare::CompareArgs),
    /// Measure how well texts read
    Quality(quality::QualityArgs),
    /// Find duplicates across a whole corpus, and write what is left without them
    Dedup(dedup::DedupArgs),
    /// Find documents in the index of a running service that have something in common with texts
    Search(search::SearchArgs),
    /// Start the HTTP service
    Serve(service::ServeArgs),
    /// Show the settings of the service and where each comes from
    Config(service::ConfigArgs),
    /// Ask a running service whether it is ready
    Health(health::HealthArgs),
    /// Make, list and revoke API keys
    Keys(keys::KeysArgs),
    /// Register, list, test and change endpoints of webhooks
    Endpoints(endpoints::EndpointsArgs),
    /// List, show and retry deliveries of events
    Deliveries(deliveries::DeliveriesArgs),
    /// List and requeue deliveries that were given up
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Publish an event
    Send(send::SendArgs),
    /// Check the signature of a webhook that was received
    VerifyWebhook(verify_webhook::VerifyWebhookArgs),
    /// Measure how fast this machine is at the work of the service
    Bench(bench::BenchArgs),
    /// Print the description of the HTTP API.
    #[command(about = "Print the OpenAPI document of the service")]
    Openapi,
    /// Print completions for a shell
    #[command(after_help = "\
Example:
  redundancy completions bash > ~/.local/share/bash-completion/completions/redundancy")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page of the program or of one of its commands
    #[command(after_help = "\
Examples:
  redundancy man | man -l -
  redundancy man analyze > redundancy-analyze.1")]
    Man {
        /// Which command; without it, the program as a whole
        command: Option<String>,
    },
}

impl ColourChoice {
    /// Whether to colour what goes to a terminal, or to something else.
    #[must_use]
    pub fn applies_to(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal && colours_fit(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
