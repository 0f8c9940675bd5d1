//! The settings of the service: one struct per concern, read from the command line, the environment, `.env`,
//! `redundancy.toml` and the defaults, in this order of strength.
//!
//! This is the only place that reads the environment. What is wrong is told all at once, with the key, the value (never
//! a secret), where it was given, and what would do. [`Settings::entries`] says of every key what is in force and where
//! it comes from; the fields are for the program.

pub mod access;
pub mod client;
pub mod fault;
pub mod keys;
pub mod listen;
pub mod log_levels;
pub mod origin;
pub mod platform;
pub mod reader;
pub mod requests;
pub mod sources;
pub mod storage;
pub mod telemetry;
pub mod terminal;
pub mod traces;
pub mod transport;

mod dotenv;
mod file;
mod mask;
mod parse;
mod webhooks;

pub use access::Access;
pub use client::{ApiKey, Client};
pub use fault::Faults;
pub use listen::Listen;
pub use log_levels::Levels;
pub use origin::Origin;
pub use platform::Profile;
pub use reader::Entry;
pub use requests::Requests;
pub use sources::Sources;
pub use storage::Storage;
pub use telemetry::{LogFormat, Telemetry};
pub use traces::{OtlpProtocol, TraceExport, TraceQueue, TraceSampling};
pub use transport::Transport;
pub use webhooks::Delivery;

use fault::Fault;
use reader::Reader;

/// What settings are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To start the service. What it could not hold to is refused.
    Serve,
    /// To look at them.
    Show,
}

/// All settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Whether the program runs as a server or as a function.
    pub profile: Profile,
    /// Where the service listens.
    pub listen: Listen,
    /// Where it keeps things.
    pub storage: Storage,
    /// What it tells about itself.
    pub telemetry: Telemetry,
    /// Who may use it.
    pub access: Access,
    /// What it takes from its callers.
    pub requests: Requests,
    /// Encryption of its connections.
    pub transport: Transport,
    /// How to talk to one that runs already.
    pub client: Client,
    /// How events are delivered.
    pub delivery: Delivery,
    /// Every key with what is in force, in the order of [`keys::ALL`].
    pub entries: Vec<Entry>,
}

impl Settings {
    /// Reads the settings from their sources.
    pub fn read(sources: &Sources, purpose: Purpose) -> Result<Self, Faults> {
        let layered = sources.layer();
        let profile = layered.profile;
        let mut reader = Reader::new(layered, purpose);
        let settings = Self::from_reader(&mut reader, profile, sources.log_to_terminal);
        let (mut entries, faults) = reader.finish();
        Faults::check(faults)?;
        entries.sort_by_key(|entry| keys::ALL.iter().position(|key| *key == entry.key));
        // A concern is missing only if it noted a fault, and then the line above has returned.
        let settings = settings.ok_or_else(|| Fault::other("a setting could not be read".to_owned()))?;
        Ok(Self { entries, ..settings })
    }

    fn from_reader(reader: &mut Reader, profile: Profile, log_to_terminal: bool) -> Option<Self> {
        let listen = Listen::read(reader);
        let storage = Storage::read(reader);
        let telemetry = Telemetry::read(reader, log_to_terminal);
        let access = Access::read(reader);
        let requests = Requests::read(reader);
        let transport = Transport::read(reader);
        let client = Client::read(reader);
        let delivery = Delivery::read(reader, profile);
        if let (Some(access), Some(listen)) = (&access, listen) {
            access.check(listen, reader);
        }
        Some(Self {
            profile,
            listen: listen?,
            storage: storage?,
            telemetry: telemetry?,
            access: access?,
            requests: requests?,
            transport: transport?,
            client,
            delivery: delivery?,
            entries: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
