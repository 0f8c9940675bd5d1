//! `redundancy serve` and `redundancy config`: the commands that take settings.

use std::path::PathBuf;

use clap::Args;

use super::values;

const SERVE_EXAMPLES: &str = "\
Examples:
  redundancy serve
  redundancy serve --port 9000 --set MAX_CONTENT_BYTES=4MiB
  HOST=0.0.0.0 ALLOW_ANONYMOUS=true LOG_FORMAT=json redundancy serve

Settings come from the command line, the environment, the file .env, the file redundancy.toml, and defaults, in this
order of strength. `redundancy config` lists all of them. Ctrl-C, SIGTERM or SIGHUP lets requests under way finish; a
second one ends at once.

Exit codes:
  0  ended when it was told to
  1  could not start, or was ended before all requests had finished
  2  wrong use, or a setting will not do";

const CONFIG_EXAMPLES: &str = "\
Examples:
  redundancy config
  PORT=9000 redundancy config --json
  redundancy config --config production.toml

Exit codes:
  0  fine
  2  wrong use, or a setting will not do";

/// Settings given on the command line.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// The address to listen on [setting HOST, default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// The port to listen on; 0 is any free one [setting PORT, default: 8000]
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// Read settings from this file [default: redundancy.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Any setting; may be repeated.
    #[arg(long = "set", help = "Give any setting, for example LOG_LEVEL=debug; may be repeated", value_name = "KEY=VALUE", value_parser = values::key_value)]
    pub set: Vec<(String, String)>,
}

/// How to serve.
#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// End as on SIGTERM when standard input ends: for a program that starts the service and must not leave it behind, however that
    /// program itself ends.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

/// Which settings to show.
#[derive(Debug, Args)]
#[command(after_help = CONFIG_EXAMPLES)]
pub struct ConfigArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

impl SettingsArgs {
    /// Keys and values in the order in which the later ones win.
    #[must_use]
    pub fn key_values(&self) -> Vec<(String, String)> {
        let mut all = self.set.clone();
        for (key, value) in [("HOST", &self.host), ("PORT", &self.port)] {
            all.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
        all
    }
}
