//! `redundancy verify-webhook`.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use redundancy_engine::webhook::{InvalidPublicKey, InvalidSecret, PublicKey, SigningSecret};

const EXAMPLES: &str = "\
Examples:
  redundancy verify-webhook --secret-file secret.txt --headers head.txt body.json
  redundancy verify-webhook --public-key whpk_1SiA… --headers head.txt - < body.json
  redundancy verify-webhook --secret whsec_MfKQ… \\
      --id evt_1 --timestamp 1700000000 --signature 'v1,g0hM…' --at 1700000060 body.json

The body has to be the bytes that arrived. Others on the same machine can see a secret
that stands on the command line; --secret-file keeps it from them.

Exit codes:
  0  the webhook is genuine
  1  it is not (what to look at is said), or a file could not be read
  2  wrong use";

/// What to check, and with which keys.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("keys").required(true).multiple(true).args(["secret", "secret_file", "public_key"]))]
pub struct VerifyWebhookArgs {
    /// The body of the request, byte for byte (at most 16 MiB), or - for standard input
    #[arg(value_name = "BODY_FILE", default_value = "-")]
    pub body: PathBuf,
    /// The secret of the endpoint, whsec_…; several may be given
    // What will not do is kept for the command to tell: the parser's own message would show the secret.
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub secret: Vec<Result<SigningSecret, InvalidSecret>>,
    /// A file with nothing but the secret of the endpoint
    #[arg(long, value_name = "FILE")]
    pub secret_file: Vec<PathBuf>,
    /// The public key of the endpoint, whpk_…, for v1a signatures; several may be given
    #[arg(long, value_name = "KEY", value_parser = public_key)]
    pub public_key: Vec<Result<PublicKey, InvalidPublicKey>>,
    /// The value of the header webhook-id
    #[arg(long, required_unless_present = "headers", conflicts_with = "headers", help_heading = "Headers")]
    pub id: Option<String>,
    /// The value of the header webhook-timestamp
    #[arg(long, required_unless_present = "headers", conflicts_with = "headers", help_heading = "Headers")]
    pub timestamp: Option<String>,
    /// The value of the header webhook-signature
    #[arg(long, required_unless_present = "headers", conflicts_with = "headers", help_heading = "Headers")]
    pub signature: Option<String>,
    /// A file with the lines of the request's head, as a proxy or curl prints them
    #[arg(long, value_name = "FILE", help_heading = "Headers")]
    pub headers: Option<PathBuf>,
    /// When the webhook arrived, in seconds since 1970 [default: now]
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub at: Option<u64>,
    /// How far that may lie from webhook-timestamp, either way
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub tolerance: u64,
    /// Print what is found as JSON
    #[arg(long)]
    pub json: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "it is the shape of a value parser")]
fn secret(text: &str) -> Result<Result<SigningSecret, InvalidSecret>, Infallible> {
    Ok(text.parse())
}

#[expect(clippy::unnecessary_wraps, reason = "it is the shape of a value parser")]
fn public_key(text: &str) -> Result<Result<PublicKey, InvalidPublicKey>, Infallible> {
    // A secret given by mistake must not be shown either.
    Ok(text.parse())
}
