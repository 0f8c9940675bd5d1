//! Why something could not be measured.

use std::io;
use std::time::Duration;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// The service ended or never said where it listens.
    #[error("the service did not start: {0}")]
    NotStarted(String),
    /// The service answered something else than what was asked for.
    #[error("the service answered {status} to {asked}: {body}")]
    Refused { asked: String, status: u16, body: String },
    /// The service does not answer.
    #[error("the service did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// A connection broke.
    #[error("a connection failed: {0}")]
    Connection(io::Error),
    /// The machine lacks something.
    #[error("{what}: {error}")]
    Machine { what: &'static str, error: io::Error },
    /// A task of the driver ended before its time.
    #[error("the driver failed: {0}")]
    Driver(#[from] tokio::task::JoinError),
    /// The user has seen enough.
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    /// Turns an error of the system into one that says what was tried.
    pub(super) fn machine(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::Machine { what, error }
    }
}
