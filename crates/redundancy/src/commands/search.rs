//! `redundancy search`: which documents of a service's index have something in common with texts.

use serde::Serialize;
use serde_json::Value;

use super::output::{print_json, to_people};
use super::{Failure, Outcome, connection, documents};
use crate::cli::search::SearchArgs;
use crate::client::Call;
use crate::client::records::Found;
use crate::input::expand;
use crate::terminal;

const PATH: &str = "/api/v1/duplicates/search";

/// The request.
#[derive(Serialize)]
struct Query<'q> {
    content: &'q str,
    mode: &'static str,
    limit: u16,
    offset_unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'q str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
}

/// The answer with the name of the file, and its text if positions are not those of the file.
#[derive(Serialize)]
struct OfFile<'f> {
    file: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'f str>,
    #[serde(flatten)]
    answer: &'f Value,
}

pub(super) fn run(args: &SearchArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let mut is_first = true;
    documents::each(expand(&args.files), args.read.format, |progress, document| {
        let query = Query {
            content: &document.text,
            mode: args.mode.name(),
            limit: args.limit,
            // Texts are cut by bytes here; other programs count characters.
            offset_unit: if args.connection.json { "chars" } else { "bytes" },
            collection: args.collection.as_deref(),
            threshold: args.threshold,
        };
        let query = serde_json::to_string(&query).map_err(|error| Failure::Other(error.to_string()))?;
        let answer = client.data(&Call::post(PATH).with(query))?;
        let found: Found = client.record(&answer)?;
        progress.aside(|| {
            if args.connection.json {
                let content = (!document.is_verbatim).then_some(document.text.as_str());
                return print_json(&OfFile { file: &document.name, content, answer: &answer });
            }
            to_people(colour, |screen| {
                if !std::mem::take(&mut is_first) {
                    screen.blank()?;
                }
                terminal::search::print(screen, document, &found, args.top)
            })
        })?;
        let is_found = args.fail_if_found && !found.matches.is_empty();
        Ok(if is_found { Outcome::Found } else { Outcome::Fine })
    })
}
