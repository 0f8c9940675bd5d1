//! `redundancy search`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::connection::ConnectionArgs;
use super::documents::ReadArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy search draft.md
  redundancy search --mode contained --collection press 'drafts/*.txt'
  pdftotext paper.pdf - | redundancy search - --mode contained
  redundancy search --fail-if-found --json page.html | jq '.matches[].document_id'

Documents are put into the index over HTTP: see PUT /api/v1/documents/{id}.

Exit codes:
  0  fine
  1  something was found with --fail-if-found, a file could not be read, or the service refused or did not answer
  2  wrong use, or a setting will not do";

/// What to look for in the index of a service.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SearchArgs {
    /// Texts (txt, md, html), patterns such as 'docs/*.md', or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where to look [default: the collection named default]
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// What counts as a match
    #[arg(long, value_enum, default_value_t = SearchModeChoice::Near)]
    pub mode: SearchModeChoice,
    /// The least similarity, or with --mode contained the least containment (0 to 1) [default: 0.8; with --mode contained any
    /// passage of 12 words]
    #[arg(long, value_name = "SCORE", value_parser = values::share)]
    pub threshold: Option<f64>,
    /// So many matches of each text at most
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,
    /// How many passages of each match to print; JSON has them all
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub top: usize,
    /// Exit with 1 if anything is found
    #[arg(long)]
    pub fail_if_found: bool,
    /// How to read them.
    #[command(flatten)]
    pub read: ReadArgs,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What counts as a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchModeChoice {
    /// Documents that are like the text as a whole
    Near,
    /// Documents that the text, or part of it, stands in, and those that stand in it
    Contained,
}

impl SearchModeChoice {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Contained => "contained",
        }
    }
}
