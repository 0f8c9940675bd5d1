//! Everything that settings can be given by, gathered once; from here on reading them is a pure function.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::dotenv;
use super::fault::{Fault, Faults};
use super::file;
use super::keys::{self, Key};
use super::origin::{Given, Origin};
use super::platform::{AZURE_PORT, Profile};

/// What settings are made from.
#[derive(Debug, Default)]
pub struct Sources {
    /// Keys and values of the command line; the last one of a key counts.
    pub command_line: Vec<(String, String)>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The text of `.env`.
    pub dotenv: Option<String>,
    /// The settings file and its text.
    pub file: Option<(PathBuf, String)>,
    /// Whether the log goes to a terminal.
    pub log_to_terminal: bool,
}

/// What was given for each key, who runs the program, and what was wrong on the way.
pub(super) struct Layered {
    pub(super) given: BTreeMap<&'static str, Given>,
    /// What the user typed and then typed again. It counts for nothing, but a mistake in it is still one.
    pub(super) retyped: Vec<(&'static str, Given)>,
    pub(super) profile: Profile,
    pub(super) faults: Vec<Fault>,
}

impl Sources {
    /// Gathers everything from the process and the working directory. `config` is the settings file if the user named
    /// one; then it must be there.
    #[expect(
        clippy::disallowed_methods,
        reason = "the settings are the one place that reads the environment"
    )]
    pub fn gather(command_line: Vec<(String, String)>, config: Option<&Path>) -> Result<Self, Faults> {
        let file = match config {
            Some(path) => Some((path.to_owned(), file::read(path))),
            None => existing(file::DEFAULT_FILE),
        };
        let dotenv = existing(dotenv::FILE);
        let mut faults = Vec::new();
        let mut text = |found: Option<(PathBuf, io::Result<String>)>| {
            let (path, text) = found?;
            match text {
                Ok(text) => Some((path, text)),
                Err(error) => {
                    faults.push(Fault::other(format!("{} cannot be read: {error}", path.display())));
                    None
                }
            }
        };
        let (file, dotenv) = (text(file), text(dotenv));
        Faults::check(faults)?;
        Ok(Self {
            command_line,
            environment: std::env::vars_os().collect(),
            dotenv: dotenv.map(|(_, text)| text),
            file,
            log_to_terminal: io::stderr().is_terminal(),
        })
    }

    /// Lays the sources over each other, the weakest first, so that of each key the strongest value is left.
    pub(super) fn layer(&self) -> Layered {
        let mut layered = Layered {
            given: BTreeMap::new(),
            retyped: Vec::new(),
            profile: Profile::Server,
            faults: Vec::new(),
        };
        if let Some((path, text)) = &self.file {
            let (given, faults) = file::parse(path, text);
            layered.faults.extend(faults);
            layered.given.extend(given.into_iter().map(|(key, given)| (key.name, given)));
        }
        let mut variables = self.dotenv_variables(&mut layered.faults);
        variables.extend(self.environment_variables(&mut layered.faults));
        layered.profile = Profile::recognise(|name| variables.contains_key(name));
        // Only the platform knows where it will connect to, so its word on the port is stronger than PORT.
        let platform_port = variables.remove(AZURE_PORT);
        let known = |(name, given): (String, Given)| {
            keys::ALL.iter().find(|key| key.name == name).map(|key| (key.name, given))
        };
        layered.given.extend(variables.into_iter().filter_map(known));
        if let Some(Given { text, .. }) = platform_port {
            let origin = Origin::Platform(AZURE_PORT);
            layered.given.insert(keys::PORT.name, Given { text, origin });
        }
        for (name, text) in &self.command_line {
            let given = Given { text: text.clone(), origin: Origin::CommandLine };
            match keys::named(name) {
                Some(key) => {
                    let before = layered.given.insert(key.name, given);
                    let typed = before.filter(|before| before.origin == Origin::CommandLine);
                    layered.retyped.extend(typed.map(|typed| (key.name, typed)));
                }
                None => layered.faults.push(unknown_on_command_line(name)),
            }
        }
        layered
    }

    /// Variables that are set to nothing count as unset: in scripts and container files that is the usual way to unset.
    fn environment_variables(&self, faults: &mut Vec<Fault>) -> Vec<(String, Given)> {
        let mut variables = Vec::new();
        for (name, value) in self.environment.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(name) = name.to_str() else { continue };
            match value.to_str() {
                Some(text) => variables
                    .push((name.to_owned(), Given { text: text.to_owned(), origin: Origin::Environment })),
                None if keys::ALL.iter().any(|key| key.name == name) => {
                    faults.push(Fault::other(format!("{name} (environment): must be valid UTF-8")));
                }
                None => {}
            }
        }
        variables
    }

    fn dotenv_variables(&self, faults: &mut Vec<Fault>) -> BTreeMap<String, Given> {
        let (variables, dotenv_faults) = dotenv::parse(self.dotenv.as_deref().unwrap_or_default());
        faults.extend(dotenv_faults);
        variables
    }
}

/// The file `name` in the working directory, unless there is none. Some tools make a folder of the name `.env`.
fn existing(name: &str) -> Option<(PathBuf, io::Result<String>)> {
    match file::read(Path::new(name)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => None,
        text => Some((name.into(), text)),
    }
}

fn unknown_on_command_line(name: &str) -> Fault {
    let meant = match keys::nearest(name) {
        Some(Key { name, .. }) => format!("did you mean {name}?"),
        None => "`redundancy config` lists all of them".to_owned(),
    };
    Fault::other(format!("{name} (command line): there is no such setting; {meant}"))
}
