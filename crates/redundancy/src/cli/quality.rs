//! `redundancy quality`.

use std::path::PathBuf;

use clap::Args;

use super::documents::{OutputArgs, ReadArgs};
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy quality letter.txt
  redundancy quality --language es --html informe.html informe.md
  redundancy quality --fail-below 50 'docs/**/*.md'

Exit codes:
  0  fine
  1  a score is below --fail-below, or a file could not be read (the others are still looked into)
  2  wrong use";

/// What to measure.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QualityArgs {
    /// Texts (txt, md, html; at most 512 MiB each), patterns such as 'docs/*.md', or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The language of the texts, such as en or es [default: detected]
    #[arg(long, value_name = "TAG", value_parser = values::language)]
    pub language: Option<String>,
    /// Exit with 1 if the readability score of a text is below this (0 to 100)
    #[arg(long, value_name = "SCORE", value_parser = values::score)]
    pub fail_below: Option<f64>,
    /// How to read them.
    #[command(flatten)]
    pub read: ReadArgs,
    /// How to show what is found.
    #[command(flatten)]
    pub output: OutputArgs,
}
