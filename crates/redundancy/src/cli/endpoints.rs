//! `redundancy endpoints`: who is told of what, where, and how.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::connection::ConnectionArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy endpoints add https://example.org/hooks --events 'analysis.completed,batch.*'
  redundancy endpoints list
  redundancy endpoints test main-webhook

Exit codes:
  0  fine
  1  the service refused or did not answer, or the test failed
  2  wrong use, or a setting will not do";

const ADD_EXAMPLES: &str = "\
Examples:
  redundancy endpoints add https://example.org/hooks --events '*'
  redundancy endpoints add https://example.org/hooks --id main-webhook \\
      --events analysis.completed --events 'batch.*' --header 'X-Tenant: blue'
  redundancy endpoints add https://example.org/hooks --events '*' --rate 10/1s --max-in-flight 4

The secret is shown once, now. The receiver verifies with it what it gets.";

const LIST_EXAMPLES: &str = "\
Examples:
  redundancy endpoints list
  redundancy endpoints list --json | jq -r '.items[].url'";

const SHOW_EXAMPLES: &str = "\
Example:
  redundancy endpoints show main-webhook";

const TEST_EXAMPLES: &str = "\
Example:
  redundancy endpoints test main-webhook

Sends one event webhook.ping at once, whatever the circuit and the limits say, and does not repeat it. What comes of it changes
nothing: an answer of 410 does not disable the endpoint.

Exit codes:
  0  the receiver took it
  1  it did not, or the service refused or did not answer
  2  wrong use, or a setting will not do";

const ENABLE_EXAMPLES: &str = "\
Example:
  redundancy endpoints enable main-webhook

What waited for it goes out. A disabled endpoint is forgiven its failures.";

const DISABLE_EXAMPLES: &str = "\
Example:
  redundancy endpoints disable main-webhook

New events are not queued for it, and what is queued waits.";

const ROTATE_EXAMPLES: &str = "\
Examples:
  redundancy endpoints rotate-secret main-webhook
  redundancy endpoints rotate-secret main-webhook --overlap 1h

During the overlap the old and the new secret both sign, so that the receiver can change over at any time in it.";

const REMOVE_EXAMPLES: &str = "\
Example:
  redundancy endpoints remove main-webhook

What is pending for it is cancelled.";

/// What to do about endpoints.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EndpointsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: EndpointsCommand,
}

/// What to do about endpoints.
#[derive(Debug, Subcommand)]
pub enum EndpointsCommand {
    /// Register an endpoint
    Add(Box<AddArgs>),
    /// List the endpoints and how their deliveries go
    List(ListArgs),
    /// Show an endpoint
    #[command(after_help = SHOW_EXAMPLES)]
    Show(OneArgs),
    /// Send a test event and show what came of it
    #[command(after_help = TEST_EXAMPLES)]
    Test(OneArgs),
    /// Let an endpoint have events (again)
    #[command(after_help = ENABLE_EXAMPLES)]
    Enable(OneArgs),
    /// Let an endpoint have no events
    #[command(after_help = DISABLE_EXAMPLES)]
    Disable(OneArgs),
    /// Give an endpoint a new signing secret
    RotateSecret(RotateArgs),
    /// Delete an endpoint
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(OneArgs),
}

/// How deliveries are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Signature {
    /// HMAC-SHA256, with a secret that both sides know
    V1,
    /// Ed25519 beside it: the receiver needs the public key alone
    V1a,
}

/// An endpoint to be registered.
#[derive(Debug, Args)]
#[command(after_help = ADD_EXAMPLES)]
pub struct AddArgs {
    /// Where the events are sent, by POST
    #[arg(value_name = "URL")]
    pub target: String,
    /// Which events: names, or patterns such as analysis.* and *, separated by commas; may be repeated
    #[arg(long, required = true, value_delimiter = ',', value_name = "EVENTS")]
    pub events: Vec<String>,
    /// What to call it [default: the service makes an id]
    #[arg(long)]
    pub id: Option<String>,
    /// The signing secret, whsec_ and base64 [default: the service makes one]
    #[arg(long)]
    pub secret: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A header of its requests beside the usual ones, such as 'X-Tenant: blue'; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = values::header)]
    pub headers: Vec<(String, String)>,
    /// Time for one attempt in milliseconds, 100 to 60000 [default: 30000]
    #[arg(long, value_name = "MS")]
    pub timeout_ms: Option<u64>,
    /// Attempts until a delivery is given up, 1 to 100 [default: 8]
    #[arg(long, value_name = "COUNT")]
    pub max_attempts: Option<u32>,
    /// Deliveries in a time at most, such as 10/1s or 100/5m
    #[arg(long, value_name = "COUNT/TIME", value_parser = values::rate)]
    pub rate: Option<values::Rate>,
    /// Deliveries under way at the same time at most, 1 to 1000
    #[arg(long, value_name = "COUNT")]
    pub max_in_flight: Option<u32>,
    /// How deliveries are signed [default: v1]
    #[arg(long, value_enum, value_name = "SCHEME")]
    pub signature: Option<Signature>,
    /// Register it, and send it nothing until it is enabled
    #[arg(long)]
    pub inactive: bool,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which endpoints to list.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArgs {
    /// So many at most [default: all]
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub limit: Option<usize>,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// An endpoint.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The id of the endpoint
    pub id: String,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// An endpoint, and how its secret is replaced.
#[derive(Debug, Args)]
#[command(after_help = ROTATE_EXAMPLES)]
pub struct RotateArgs {
    /// The id of the endpoint
    pub id: String,
    /// How long the old secret signs beside the new one, such as 30m or 2d [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub overlap: Option<Duration>,
    /// The new secret, whsec_ and base64 [default: the service makes one]
    #[arg(long)]
    pub secret: Option<String>,
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl Signature {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}
