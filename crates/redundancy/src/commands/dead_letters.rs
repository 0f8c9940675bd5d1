//! `redundancy dead-letters`: shows deliveries that were given up, and queues them again.

use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};

use super::deliveries::{self, filter};
use super::output::{print_json, to_people};
use super::{Failure, Outcome, connection};
use crate::cli::dead_letters::{DeadLettersArgs, DeadLettersCommand, ListArgs, RequeueArgs};
use crate::client::address::encoded;
use crate::client::records::Job;
use crate::client::{Call, Client};
use crate::figures::count;
use crate::progress::Progress;
use crate::terminal::flow::Piece;
use crate::terminal::style::{PLAIN, STRONG};

const PATH: &str = "/api/v1/webhooks/dead-letters";
const JOBS: &str = "/api/v1/webhooks/jobs";
/// Between two looks at a job: short for a person, long for a service.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(args: &DeadLettersArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        DeadLettersCommand::List(args) => list(args, colour),
        DeadLettersCommand::Requeue(args) => requeue(args, colour),
    }
}

fn list(args: &ListArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let listed = client.list(PATH, &filter(&args.filter), args.limit)?;
    deliveries::print(&client, &listed, args.connection.json, colour, "There are no such dead letters.")
}

fn requeue(args: &RequeueArgs, colour: bool) -> Result<Outcome, Failure> {
    if !args.all && !args.filter.is_empty() {
        return Err(Failure::Usage("filters go with --all, not with ids".to_owned()));
    }
    let client = connection::open(&args.connection)?;
    if !args.all {
        return deliveries::each(&client, &args.ids, args.connection.json, colour, |id| {
            format!("{PATH}/{}/requeue", encoded(id))
        });
    }
    let given = filter(&args.filter).into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let body: Map<String, Value> = given.map(|(name, value)| (name, Value::String(value))).collect();
    let accepted = client.data(&Call::post(format!("{PATH}/requeue")).with(Value::Object(body)))?;
    let data = followed(&client, accepted)?;
    let job: Job = client.record(&data)?;
    if args.connection.json {
        print_json(&data)?;
    } else {
        let queued = usize::try_from(job.queued).unwrap_or(usize::MAX);
        let (verb, queued) = (if queued == 1 { "is" } else { "are" }, count(queued, "dead letter"));
        to_people(colour, |screen| {
            screen.line(&[Piece::new(STRONG, queued), Piece::new(PLAIN, format!(" {verb} queued again"))])
        })?;
    }
    Ok(if job.has_failed() { Outcome::Found } else { Outcome::Fine })
}

/// Follows a job to its end.
fn followed(client: &Client, accepted: Value) -> Result<Value, Failure> {
    let progress = Progress::open_ended();
    let mut data = accepted;
    loop {
        let job: Job = client.record(&data)?;
        if !job.is_running() {
            return Ok(data);
        }
        progress.begin(&format!("{} queued, {} looked at", job.queued, job.examined));
        thread::sleep(LOOK_EVERY);
        data = client.data(&Call::get(format!("{JOBS}/{}", encoded(&job.id))))?;
    }
}
