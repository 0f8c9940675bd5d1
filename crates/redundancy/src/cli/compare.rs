//! `redundancy compare`.

use std::path::PathBuf;

use clap::Args;

use super::documents::{OutputArgs, ReadArgs};
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy compare old.txt new.txt
  redundancy compare --html changes.html terms-2023.html terms-2024.html
  git show HEAD~1:README.md | redundancy compare - README.md --format md
  redundancy compare --fail-above 0.5 essay.txt source.txt

Exit codes:
  0  fine
  1  the similarity is above --fail-above, or a file could not be read
  2  wrong use";

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// The first text (txt, md, html; at most 512 MiB), or - for standard input
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// The second text
    #[arg(value_name = "B")]
    pub second: PathBuf,
    /// How many words a run must have to count as a match; never more than the shorter text has
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub min_words: u16,
    /// From which similarity on (0 to 1) the texts are called similar
    #[arg(long, value_name = "SCORE", default_value_t = 0.8, value_parser = values::share)]
    pub threshold: f64,
    /// Exit with 1 if the similarity is above this (0 to 1)
    #[arg(long, value_name = "SCORE", value_parser = values::share)]
    pub fail_above: Option<f64>,
    /// How to read them.
    #[command(flatten)]
    pub read: ReadArgs,
    /// How to show what is found.
    #[command(flatten)]
    pub output: OutputArgs,
}
