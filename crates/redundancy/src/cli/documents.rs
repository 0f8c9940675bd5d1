//! Options of all commands that look into texts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use redundancy_engine::detect::OffsetUnit;

use super::values;
use crate::input::Format;

/// How texts are read.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Read the files as this, whatever their names say [default: by name; plain text for - and names without an ending]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

/// How findings are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print JSON with the fields of the HTTP API, one line for each result; where the text is not the file byte for
    /// byte (markup, a byte order mark, UTF-16), `content` holds the text that positions and hashes are of
    #[arg(long)]
    pub json: bool,
    /// Write a report as one page of HTML that shows the texts with everything that was found
    #[arg(long, value_name = "REPORT", value_parser = values::page)]
    pub html: Option<PathBuf>,
    /// How many findings of each kind to print; JSON and reports have them all
    #[arg(long, value_name = "N", default_value_t = 10, hide_short_help = false)]
    pub top: usize,
    /// What positions in JSON count
    #[arg(long, value_enum, default_value_t = OffsetUnitChoice::Chars, value_name = "UNIT")]
    pub offset_unit: OffsetUnitChoice,
}

/// What positions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OffsetUnitChoice {
    /// Characters, as Python counts
    Chars,
    /// Bytes of UTF-8, as Rust and Go count
    Bytes,
    /// UTF-16 code units, as JavaScript and Java count
    Utf16,
}

impl From<OffsetUnitChoice> for OffsetUnit {
    fn from(choice: OffsetUnitChoice) -> Self {
        match choice {
            OffsetUnitChoice::Chars => Self::Chars,
            OffsetUnitChoice::Bytes => Self::Bytes,
            OffsetUnitChoice::Utf16 => Self::Utf16,
        }
    }
}
