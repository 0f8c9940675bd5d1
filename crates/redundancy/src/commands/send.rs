//! `redundancy send`: publishes an event, and waits for its deliveries if that is wanted.

use std::fs::File;
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::output::{print_json, to_people};
use super::{Failure, Outcome, complain, connection, deliveries};
use crate::cli::send::SendArgs;
use crate::client::records::Delivery;
use crate::client::{Call, Client, ClientError};
use crate::figures::count;
use crate::progress::Progress;
use crate::terminal::excerpt::printable;
use crate::terminal::flow::Piece;
use crate::terminal::style::{PLAIN, STRONG};

const PATH: &str = "/api/v1/webhooks/events";
/// No service takes more.
const MAX_DATA_BYTES: u64 = 16 << 20;
/// Between two looks at the deliveries: short for a person, long for a service.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The request. The data goes out byte for byte, so that receivers get the numbers that were written.
#[derive(Serialize)]
struct NewEvent<'a> {
    r#type: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

pub(super) fn run(args: &SendArgs, colour: bool) -> Result<Outcome, Failure> {
    let data = data(&args.data)?;
    let event = NewEvent { r#type: &args.kind, data: &data, user_id: args.user.as_deref() };
    let body = serde_json::to_string(&event).map_err(|error| Failure::Other(error.to_string()))?;
    let client = connection::open(&args.connection)?;
    let mut call = Call::post(PATH).with(body);
    if let Some(key) = &args.idempotency_key {
        call = call.once(key)?;
    }
    let accepted = client.data(&call)?;
    let foreign = || ClientError::Foreign(client.address().to_string());
    let id = accepted.get("event_id").and_then(Value::as_str).ok_or_else(foreign)?;
    let total = accepted.get("deliveries").and_then(Value::as_u64).ok_or_else(foreign)?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    if !args.connection.json {
        to_people(colour, |screen| {
            let queued = format!(" is accepted, with {}", deliveries_of(total));
            screen.line(&[Piece::new(STRONG, printable(id)), Piece::new(PLAIN, queued)])
        })?;
    }
    let Some(seconds) = args.wait else {
        if args.connection.json {
            print_json(&accepted)?;
        }
        return Ok(Outcome::Fine);
    };
    let (items, ended) = if total == 0 {
        (Vec::new(), Vec::new())
    } else {
        waited(&client, id, total, Duration::from_secs(seconds))?
    };
    if args.connection.json {
        print_json(&json!({ "event_id": id, "deliveries": items }))?;
    } else if !ended.is_empty() {
        to_people(colour, |screen| {
            screen.blank()?;
            deliveries::table(screen, &ended)
        })?;
    }
    let waiting = total.saturating_sub(ended.iter().filter(|delivery| delivery.has_ended()).count());
    if waiting > 0 {
        let verb = if waiting == 1 { "has" } else { "have" };
        complain(&format!("{} {verb} not ended after {seconds} s", deliveries_of(waiting)));
    }
    let is_fine = waiting == 0 && ended.iter().all(|delivery| delivery.state == "succeeded");
    Ok(if is_fine { Outcome::Fine } else { Outcome::Found })
}

fn deliveries_of(number: usize) -> String {
    let counted = count(number, "delivery");
    counted.strip_suffix("deliverys").map_or(counted.clone(), |number| format!("{number}deliveries"))
}

/// Waits until all `total` deliveries of an event have ended, or so long, and gives them as they are then.
fn waited(
    client: &Client,
    event: &str,
    total: usize,
    patience: Duration,
) -> Result<(Vec<Value>, Vec<Delivery>), Failure> {
    let end = Instant::now() + patience;
    let progress = Progress::open_ended();
    loop {
        let listed = client.list(deliveries::PATH, &[("event_id", Some(event.to_owned()))], total)?;
        let found: Vec<Delivery> =
            listed.items.iter().map(|item| client.record(item)).collect::<Result<_, _>>()?;
        let ended = found.iter().filter(|delivery| delivery.has_ended()).count();
        let left = end.saturating_duration_since(Instant::now());
        if ended >= total || left.is_zero() {
            return Ok((listed.items, found));
        }
        progress.begin(&format!("{ended} of {} have ended", deliveries_of(total)));
        thread::sleep(LOOK_EVERY.min(left));
    }
}

/// The data as the user gave it, which must be JSON.
fn data(given: &str) -> Result<Box<RawValue>, Failure> {
    let (text, from) = match given.strip_prefix('@') {
        _ if given == "-" => (read(&mut io::stdin().lock()), "standard input"),
        Some(path) => (File::open(path).and_then(|mut file| read(&mut file)), path),
        None => (Ok(given.to_owned()), "--data"),
    };
    let text = text.map_err(|error| Failure::Other(format!("{from}: cannot be read: {error}")))?;
    RawValue::from_string(text).map_err(|error| {
        let remedy = "give JSON such as '{\"report\": 7}', a text in quotation marks within";
        Failure::Usage(format!("{from}: this is no JSON ({error}): {remedy}"))
    })
}

fn read(source: &mut impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MAX_DATA_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_DATA_BYTES {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(text)
}
