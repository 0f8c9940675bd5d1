//! `redundancy verify-webhook`: whether a webhook that was received is genuine, and if not, what to look at.

mod advice;
mod header_lines;

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::Duration;

use redundancy_engine::Clock as _;
use redundancy_engine::webhook::{Headers, InvalidSecret, PublicKey, SigningSecret, Verifier, VerifyError};
use serde::Serialize;

use self::advice::advice;
use super::output::print_json;
use super::{Failure, Outcome};
use crate::cli::verify_webhook::VerifyWebhookArgs;
use crate::clock::SystemClock;
use crate::input::Input;
use crate::terminal::excerpt::printable;

/// A webhook of this product has far less; what is longer is rather a file named by mistake.
const MAX_BODY_BYTES: usize = 16 << 20;
/// More than any server takes as the head of a request.
const MAX_HEADERS_BYTES: usize = 1 << 20;
/// Several times the longest secret in base64.
const MAX_SECRET_BYTES: usize = 4096;

/// What was checked, with what it was checked by.
struct Check {
    verifier: Verifier,
    /// Whether there is nothing but public keys to check with.
    has_public_keys_only: bool,
    body: Vec<u8>,
    /// In seconds since the Unix epoch.
    at: u64,
    tolerance: u64,
}

#[derive(Serialize)]
struct VerdictJson<'a> {
    valid: bool,
    id: Option<&'a str>,
    timestamp: Option<&'a str>,
    age_seconds: Option<i64>,
    reason: Option<&'static str>,
    message: String,
    check: Vec<String>,
}

pub(super) fn run(args: &VerifyWebhookArgs) -> Result<Outcome, Failure> {
    refuse_two_on_standard_input(args)?;
    let secrets = secrets(args)?;
    let public_keys = public_keys(args)?;
    let pairs = pairs(args)?;
    let check = Check {
        has_public_keys_only: secrets.is_empty(),
        verifier: Verifier::new(secrets)
            .with_public_keys(public_keys)
            .with_tolerance(Duration::from_secs(args.tolerance)),
        body: read(&args.body, MAX_BODY_BYTES)?,
        at: args.at.unwrap_or_else(|| SystemClock::new().now().as_millis() / 1000),
        tolerance: args.tolerance,
    };
    let headers = Headers::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let result = headers.and_then(|headers| check.verifier.verify(headers, &check.body, check.at));
    let headers = headers.ok();
    let age = headers.and_then(|headers| age_seconds(headers, check.at));
    let advice = result.err().map_or_else(Vec::new, |error| advice(error, headers, &check));
    if args.json {
        print_json(&VerdictJson {
            valid: result.is_ok(),
            id: headers.map(|headers| headers.id),
            timestamp: headers.map(|headers| headers.timestamp),
            age_seconds: age,
            reason: result.err().map(reason),
            message: result.map_or_else(|error| error.to_string(), |()| "genuine".to_owned()),
            check: advice,
        })?;
    } else {
        print(result, headers, age, &advice)?;
    }
    Ok(if result.is_ok() { Outcome::Fine } else { Outcome::Found })
}

fn print(
    result: Result<(), VerifyError>,
    headers: Option<Headers<'_>>,
    age: Option<i64>,
    advice: &[String],
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match result {
        Ok(()) => {
            let id = printable(headers.map_or("", |headers| headers.id));
            writeln!(out, "genuine: {id}, signed {}", when(age.unwrap_or_default()))
        }
        Err(error) => {
            writeln!(out, "not genuine: {error}")?;
            advice.iter().try_for_each(|line| writeln!(out, "  - {}", printable(line)))
        }
    }
}

/// When an attempt of this age was signed, as seen from the moment of the check.
fn when(age: i64) -> String {
    match age {
        0 => "in the same second".to_owned(),
        1.. => format!("{age} s before"),
        ..0 => format!("{} s after", age.unsigned_abs()),
    }
}

/// How long before `at` the attempt was signed.
fn age_seconds(headers: Headers<'_>, at: u64) -> Option<i64> {
    at.checked_signed_diff(headers.timestamp.parse().ok()?)
}

/// The reason for programs.
fn reason(error: VerifyError) -> &'static str {
    match error {
        VerifyError::MissingHeader(_) => "missing_header",
        VerifyError::RepeatedHeader(_) => "repeated_header",
        VerifyError::InvalidId(_) => "invalid_id",
        VerifyError::InvalidTimestamp => "invalid_timestamp",
        VerifyError::TooOld => "too_old",
        VerifyError::TooNew => "too_new",
        VerifyError::NoMatch => "no_match",
    }
}

fn refuse_two_on_standard_input(args: &VerifyWebhookArgs) -> Result<(), Failure> {
    let named = [&args.body].into_iter().chain(&args.headers).chain(&args.secret_file);
    if named.filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(Failure::Usage("only one of the body, --headers and --secret-file can be -".to_owned()));
    }
    Ok(())
}

fn secrets(args: &VerifyWebhookArgs) -> Result<Vec<SigningSecret>, Failure> {
    let mut secrets = Vec::new();
    for secret in &args.secret {
        secrets.push(secret.clone().map_err(|error| Failure::Usage(format!("--secret: {error}")))?);
    }
    for path in &args.secret_file {
        let wrong = |error: String| Failure::Usage(format!("--secret-file {}: {error}", path.display()));
        let text = String::from_utf8(read(path, MAX_SECRET_BYTES)?)
            .map_err(|_| wrong("it holds no text".to_owned()))?;
        secrets.push(text.trim().parse().map_err(|error: InvalidSecret| wrong(error.to_string()))?);
    }
    Ok(secrets)
}

fn public_keys(args: &VerifyWebhookArgs) -> Result<Vec<PublicKey>, Failure> {
    let keys = args.public_key.iter().copied().collect::<Result<_, _>>();
    keys.map_err(|error| Failure::Usage(format!("--public-key: {error}")))
}

/// The headers as they were given: one by one, or in a file.
fn pairs(args: &VerifyWebhookArgs) -> Result<Vec<(String, String)>, Failure> {
    if let Some(path) = &args.headers {
        let bytes = read(path, MAX_HEADERS_BYTES)?;
        return Ok(header_lines::pairs(&String::from_utf8_lossy(&bytes)));
    }
    let given = [
        ("webhook-id", &args.id),
        ("webhook-timestamp", &args.timestamp),
        ("webhook-signature", &args.signature),
    ];
    Ok(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect())
}

/// All bytes of a file or of standard input, if they are at most `most`.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let input = Input::named(path);
    let failed = |error: io::Error| Failure::Other(format!("{}: {error}", input.name()));
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    match &input {
        Input::Stdin => io::stdin().lock().take(limit).read_to_end(&mut bytes),
        Input::File(path) => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    }
    .map_err(failed)?;
    if bytes.len() > most {
        let message = format!("{}: has more than {most} bytes, the most that is taken here", input.name());
        return Err(Failure::Other(message));
    }
    Ok(bytes)
}
