//! `redundancy deliveries`: shows what became of events, and has deliveries attempted again.

use std::io;

use super::output::{print_json, terminal_columns, to_people};
use super::{Failure, Outcome, complain, connection};
use crate::cli::deliveries::{DeliveriesArgs, DeliveriesCommand, FilterArgs, ListArgs, RetryArgs, ShowArgs};
use crate::client::address::encoded;
use crate::client::pages::Listed;
use crate::client::records::Delivery;
use crate::client::{Call, Client};
use crate::clock::SystemClock;
use crate::terminal::delivery;
use crate::terminal::excerpt::printable;
use crate::terminal::flow::Piece;
use crate::terminal::style::{FAINT, PLAIN, STRONG};
use crate::terminal::when::When;

/// Where deliveries are.
pub(super) const PATH: &str = "/api/v1/webhooks/deliveries";

pub(super) fn run(args: &DeliveriesArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        DeliveriesCommand::List(args) => list(args, colour),
        DeliveriesCommand::Show(args) => show(args, colour),
        DeliveriesCommand::Retry(args) => retry(args, colour),
    }
}

fn list(args: &ListArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let mut parameters = filter(&args.filter);
    parameters.push(("state", args.state.map(|state| state.as_str().to_owned())));
    let listed = client.list(PATH, &parameters, args.limit)?;
    print(&client, &listed, args.connection.json, colour, "There are no such deliveries.")
}

/// The filters as the API names them.
pub(super) fn filter(args: &FilterArgs) -> Vec<(&'static str, Option<String>)> {
    let now = When::now(&SystemClock::new()).date();
    vec![
        ("endpoint_id", args.endpoint.clone()),
        ("event_id", args.event.clone()),
        ("event_type", args.kind.clone()),
        ("since", args.since.map(|since| since.utc(now))),
        ("until", args.until.map(|until| until.utc(now))),
    ]
}

/// Prints a list of deliveries, or `nothing` in its place.
pub(super) fn print(
    client: &Client,
    listed: &Listed,
    json: bool,
    colour: bool,
    nothing: &str,
) -> Result<Outcome, Failure> {
    if json {
        print_json(listed)?;
        return Ok(Outcome::Fine);
    }
    let deliveries: Vec<Delivery> =
        listed.items.iter().map(|item| client.record(item)).collect::<Result<_, _>>()?;
    to_people(colour, |screen| {
        if deliveries.is_empty() {
            return screen.line(&[Piece::new(PLAIN, nothing)]);
        }
        table(screen, &deliveries)?;
        if listed.next_cursor.is_some() {
            screen.line(&[Piece::new(FAINT, "… and more (--limit shows more)")])?;
        }
        Ok(())
    })?;
    Ok(Outcome::Fine)
}

/// Prints a table of deliveries as wide as the terminal.
pub(super) fn table<W: io::Write>(
    screen: &mut crate::terminal::Screen<W>,
    deliveries: &[Delivery],
) -> io::Result<()> {
    delivery::list(screen, terminal_columns(), deliveries, When::now(&SystemClock::new()))
}

fn show(args: &ShowArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let data = client.data(&Call::get(format!("{PATH}/{}", encoded(&args.id))))?;
    if args.connection.json {
        print_json(&data)?;
        return Ok(Outcome::Fine);
    }
    let shown: Delivery = client.record(&data)?;
    let when = When::now(&SystemClock::new());
    to_people(colour, |screen| delivery::show(screen, terminal_columns(), &shown, when))?;
    Ok(Outcome::Fine)
}

fn retry(args: &RetryArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    each(&client, &args.ids, args.connection.json, colour, |id| format!("{PATH}/{}/retry", encoded(id)))
}

/// Has each of the deliveries `ids` queued by a POST to its path. One that will not be is reported, and the others are
/// queued all the same; a service that is away ends it.
pub(super) fn each(
    client: &Client,
    ids: &[String],
    json: bool,
    colour: bool,
    path: impl Fn(&str) -> String,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Fine;
    for id in ids {
        match client.data(&Call::post(path(id)).with("{}")) {
            Ok(data) if json => print_json(&data)?,
            Ok(_) => to_people(colour, |screen| {
                screen.line(&[Piece::new(STRONG, printable(id)), Piece::new(PLAIN, " is queued")])
            })?,
            Err(error) if error.status().is_some() => {
                complain(&format!("{id}: {error}"));
                outcome = Outcome::Found;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcome)
}
