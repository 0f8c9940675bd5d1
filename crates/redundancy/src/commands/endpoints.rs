//! `redundancy endpoints`: registers, shows, tests and changes endpoints of a running service.

use std::io;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::output::{print_json, terminal_columns, to_people};
use super::{Failure, Outcome, connection};
use crate::cli::endpoints::{AddArgs, EndpointsArgs, EndpointsCommand, ListArgs, OneArgs, RotateArgs};
use crate::client::Call;
use crate::client::address::encoded;
use crate::client::records::{Attempt, Endpoint};
use crate::clock::SystemClock;
use crate::terminal::excerpt::printable;
use crate::terminal::flow::Piece;
use crate::terminal::style::{FAINT, PLAIN, STRONG};
use crate::terminal::when::When;
use crate::terminal::{Screen, delivery, endpoint};

const PATH: &str = "/api/v1/webhooks/endpoints";
/// The longest time-out of an endpoint, and a little: a test lasts as long as its receiver takes.
const TEST_DEADLINE: Duration = Duration::from_secs(75);

pub(super) fn run(args: &EndpointsArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        EndpointsCommand::Add(args) => add(args, colour),
        EndpointsCommand::List(args) => list(args, colour),
        EndpointsCommand::Show(args) => show(args, colour),
        EndpointsCommand::Test(args) => test(args, colour),
        EndpointsCommand::Enable(args) => set_active(args, colour, true),
        EndpointsCommand::Disable(args) => set_active(args, colour, false),
        EndpointsCommand::RotateSecret(args) => rotate(args, colour),
        EndpointsCommand::Remove(args) => remove(args, colour),
    }
}

fn path(id: &str) -> String {
    format!("{PATH}/{}", encoded(id))
}

fn add(args: &AddArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let made = client.data(&Call::post(PATH).with(new_endpoint(args)))?;
    if args.connection.json {
        return json_only(&made);
    }
    let endpoint: Endpoint = client.record(&made)?;
    to_people(colour, |screen| {
        let state = if endpoint.is_active {
            "is registered"
        } else {
            "is registered, and inactive until it is enabled"
        };
        said(screen, &endpoint.id, state)?;
        secret(screen, endpoint.secret.as_deref())?;
        if let Some(key) = &endpoint.public_key {
            screen.line(&[Piece::new(FAINT, "  public key  "), Piece::new(STRONG, printable(key))])?;
        }
        let next = format!("`redundancy endpoints test {}` sends a first event.", printable(&endpoint.id));
        screen.line(&[Piece::new(FAINT, next)])
    })?;
    Ok(Outcome::Fine)
}

/// The body of the request. What the user left out, the service decides.
fn new_endpoint(args: &AddArgs) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("url", Some(json!(args.target)));
    put("events", Some(json!(args.events)));
    put("id", args.id.as_ref().map(|id| json!(id)));
    put("secret", args.secret.as_ref().map(|secret| json!(secret)));
    put("description", args.description.as_ref().map(|text| json!(text)));
    let headers: Map<String, Value> =
        args.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    put("headers", (!headers.is_empty()).then_some(Value::Object(headers)));
    put("timeout_ms", args.timeout_ms.map(|millis| json!(millis)));
    put("retry", args.max_attempts.map(|attempts| json!({ "max_attempts": attempts })));
    let rate = args.rate.map(|rate| json!({ "requests": rate.requests, "per_seconds": rate.per_seconds }));
    put("rate_limit", rate);
    put("max_in_flight", args.max_in_flight.map(|most| json!(most)));
    put("signature", args.signature.map(|signature| json!(signature.as_str())));
    put("is_active", args.inactive.then_some(json!(false)));
    Value::Object(body)
}

fn list(args: &ListArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let listed = client.list(PATH, &[], args.limit.unwrap_or(usize::MAX))?;
    if args.connection.json {
        return json_only(&listed);
    }
    let endpoints: Vec<Endpoint> =
        listed.items.iter().map(|item| client.record(item)).collect::<Result<_, _>>()?;
    to_people(colour, |screen| {
        if endpoints.is_empty() {
            return screen.line(&[Piece::new(
                PLAIN,
                "There are no endpoints: `redundancy endpoints add URL --events '*'` registers one.",
            )]);
        }
        endpoint::list(screen, terminal_columns(), &endpoints)
    })?;
    Ok(Outcome::Fine)
}

fn show(args: &OneArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let data = client.data(&Call::get(path(&args.id)))?;
    if args.connection.json {
        return json_only(&data);
    }
    let shown: Endpoint = client.record(&data)?;
    to_people(colour, |screen| endpoint::show(screen, &shown, When::now(&SystemClock::new())))?;
    Ok(Outcome::Fine)
}

fn test(args: &OneArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let data =
        client.data(&Call::post(format!("{}/test", path(&args.id))).with("{}").within(TEST_DEADLINE))?;
    let attempt: Attempt = client.record(&data)?;
    if args.connection.json {
        print_json(&data)?;
    } else {
        to_people(colour, |screen| delivery::attempt(screen, &attempt))?;
    }
    Ok(if attempt.failure.is_none() { Outcome::Fine } else { Outcome::Found })
}

fn set_active(args: &OneArgs, colour: bool, active: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let data = client.data(&Call::patch(path(&args.id)).with(json!({ "is_active": active })))?;
    if args.connection.json {
        return json_only(&data);
    }
    let state = if active { "is active" } else { "is inactive: it gets nothing until it is enabled" };
    to_people(colour, |screen| said(screen, &args.id, state))?;
    Ok(Outcome::Fine)
}

fn rotate(args: &RotateArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let mut body = Map::new();
    if let Some(overlap) = args.overlap {
        body.insert("overlap_seconds".to_owned(), json!(overlap.as_secs()));
    }
    if let Some(secret) = &args.secret {
        body.insert("secret".to_owned(), json!(secret));
    }
    let data =
        client.data(&Call::post(format!("{}/rotate-secret", path(&args.id))).with(Value::Object(body)))?;
    if args.connection.json {
        return json_only(&data);
    }
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    to_people(colour, |screen| {
        said(screen, &args.id, "has a new secret")?;
        secret(screen, text("secret"))?;
        let until = When::now(&SystemClock::new()).shown_or_dash(text("previous_expires_at"));
        screen.line(&[Piece::new(FAINT, format!("The secret before it signs as well until {until}."))])
    })?;
    Ok(Outcome::Fine)
}

fn remove(args: &OneArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    client.data(&Call::delete(path(&args.id)))?;
    if args.connection.json {
        return json_only(&json!({ "id": args.id, "deleted": true }));
    }
    to_people(colour, |screen| {
        said(screen, &args.id, "is deleted, and what was pending for it is cancelled")
    })?;
    Ok(Outcome::Fine)
}

/// Says one thing about the endpoint `id`.
fn said<W: io::Write>(screen: &mut Screen<W>, id: &str, what: &str) -> io::Result<()> {
    screen.line(&[Piece::new(STRONG, printable(id)), Piece::new(PLAIN, format!(" {what}"))])
}

/// Shows a secret that is not shown again.
fn secret<W: io::Write>(screen: &mut Screen<W>, secret: Option<&str>) -> io::Result<()> {
    let Some(secret) = secret else { return Ok(()) };
    screen.line(&[Piece::new(FAINT, "  secret  "), Piece::new(STRONG, printable(secret))])?;
    screen.line(&[Piece::new(PLAIN, "Store it now where the receiver finds it: no list shows it again.")])
}

fn json_only(data: &impl serde::Serialize) -> Result<Outcome, Failure> {
    print_json(data)?;
    Ok(Outcome::Fine)
}
