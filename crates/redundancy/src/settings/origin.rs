//! Where a value was given, so that a person finds the place to change it.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// The settings file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The file `.env` in the working directory.
    DotEnv {
        /// The line, counted from 1.
        line: usize,
    },
    /// The environment.
    Environment,
    /// Another variable of the environment, set by the platform the program runs on.
    Platform(&'static str),
    /// The command line.
    CommandLine,
}

/// A value as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::DotEnv { line } => write!(f, ".env:{line}"),
            Self::Environment => f.write_str("environment"),
            Self::Platform(variable) => write!(f, "environment, {variable}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}
