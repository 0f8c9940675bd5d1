//! `redundancy search`: which documents of a service's index have something in common with texts.

use serde_json::{Value, json};

use super::output::{print_json, to_people};
use super::{Failure, Outcome, connection, documents};
use crate::cli::search::SearchArgs;
use crate::client::Call;
use crate::client::records::Found;
use crate::input::{Document, expand};
use crate::terminal;

const PATH: &str = "/api/v1/duplicates/search";

pub(super) fn run(args: &SearchArgs, colour: bool) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let mut is_first = true;
    documents::each(expand(&args.files), args.read.format, |progress, document| {
        let mut answer = client.data(&Call::post(PATH).with(body(args, document)))?;
        let found: Found = client.record(&answer)?;
        progress.aside(|| {
            if args.connection.json {
                return print_json(&named(&mut answer, document));
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

/// The request. Positions are asked for in bytes, which is how texts are cut here, unless they go on to another program.
fn body(args: &SearchArgs, document: &Document) -> Value {
    let mut body = json!({
        "content": document.text,
        "mode": args.mode.name(),
        "limit": args.limit,
        "offset_unit": if args.connection.json { "chars" } else { "bytes" },
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(args.collection.as_ref().map(|name| ("collection".to_owned(), json!(name))));
        fields.extend(args.threshold.map(|threshold| ("threshold".to_owned(), json!(threshold))));
    }
    body
}

/// The answer with the name of the file, and its text if positions are not those of the file.
fn named(answer: &mut Value, document: &Document) -> Value {
    let mut named = json!({ "file": document.name });
    if let Some(fields) = named.as_object_mut() {
        if !document.is_verbatim {
            fields.insert("content".to_owned(), json!(document.text));
        }
        fields.extend(answer.as_object_mut().map(std::mem::take).into_iter().flatten());
    }
    named
}
