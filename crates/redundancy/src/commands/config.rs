//! `redundancy config`: the settings in force, and where each comes from.

use std::io::{self, BufWriter, Write as _};

use serde::Serialize;

use super::output::print_json;
use super::{Failure, Outcome};
use crate::cli::service::ConfigArgs;
use crate::settings::{Entry, Purpose, Settings};
use crate::terminal::excerpt::printable_lines;

#[derive(Serialize)]
struct ConfigJson<'a> {
    profile: &'static str,
    settings: Vec<EntryJson<'a>>,
}

#[derive(Serialize)]
struct EntryJson<'a> {
    key: &'static str,
    /// As a text, secrets masked.
    value: Option<&'a str>,
    source: String,
}

pub(super) fn run(args: &ConfigArgs) -> Result<Outcome, Failure> {
    let settings = super::settings(&args.settings, Purpose::Show)?;
    if args.json {
        print_json(&ConfigJson {
            profile: settings.profile.name(),
            settings: settings.entries.iter().map(EntryJson::from).collect(),
        })?;
    } else {
        print(&settings)?;
    }
    Ok(Outcome::Fine)
}

fn print(settings: &Settings) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "profile: {}", settings.profile)?;
    let width = settings.entries.iter().map(|entry| entry.key.name.len()).max().unwrap_or_default();
    for entry in &settings.entries {
        let value = entry.shown.as_deref().unwrap_or("-");
        let line = format!("{:width$}  {value}  ({})", entry.key.name, entry.origin);
        // A value that stands in several lines would look like several settings.
        writeln!(out, "{}", printable_lines(&line.replace('\n', " ")))?;
    }
    out.flush()
}

impl<'a> From<&'a Entry> for EntryJson<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { key: entry.key.name, value: entry.shown.as_deref(), source: entry.origin.to_string() }
    }
}
