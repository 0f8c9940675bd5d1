//! `redundancy analyze`.

use std::path::PathBuf;

use clap::Args;

use super::documents::{OutputArgs, ReadArgs};
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy analyze report.md
  redundancy analyze --html report.html 'docs/**/*.md'
  pdftotext paper.pdf - | redundancy analyze -
  redundancy analyze --json --fail-above 0.2 *.txt | jq .redundancy_score

Exit codes:
  0  fine
  1  a score is above --fail-above, or a file could not be read (the others are still looked into)
  2  wrong use";

/// What to look into, and for what.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnalyzeArgs {
    /// Texts (txt, md, html; at most 512 MiB each), patterns such as 'docs/*.md', or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How many words a run must have to count as a passage
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub min_words: u16,
    /// The language of the texts, such as en or es [default: detected]
    #[arg(long, value_name = "TAG", value_parser = values::language)]
    pub language: Option<String>,
    /// Exit with 1 if the redundancy score of a text is above this (0 to 1)
    #[arg(long, value_name = "SCORE", value_parser = values::share)]
    pub fail_above: Option<f64>,
    /// How to read them.
    #[command(flatten)]
    pub read: ReadArgs,
    /// How to show what is found.
    #[command(flatten)]
    pub output: OutputArgs,
}
