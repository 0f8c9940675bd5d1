//! Goes through the texts that the user named. One that cannot be read is reported, and the others are still looked into.

use super::{Failure, Outcome, complain};
use crate::input::{Document, Format, Input, InputError};
use crate::progress::Progress;

/// Whether a text gives reason to complain, as the user defined it.
pub(super) type Verdict = Outcome;

/// Calls `look` with every text of `inputs`. The outcome is the worst of all.
pub(super) fn each(
    inputs: Vec<Result<Input, (String, InputError)>>,
    format: Option<Format>,
    mut look: impl FnMut(&Progress, &Document) -> Result<Verdict, Failure>,
) -> Result<Outcome, Failure> {
    let progress = Progress::new(total_bytes(&inputs));
    let mut outcome = Outcome::Fine;
    for input in inputs {
        let document = input.and_then(|input| read(&input, format, &progress));
        match document {
            Ok((document, bytes)) => {
                if look(&progress, &document)? == Outcome::Found {
                    outcome = Outcome::Found;
                }
                progress.advance(bytes);
            }
            Err((name, error)) => {
                progress.aside(|| complain(&format!("{name}: {error}")));
                outcome = Outcome::Found;
            }
        }
    }
    Ok(outcome)
}

/// Reads two texts; complains about each that cannot be read.
pub(super) fn both(inputs: &[Input; 2], format: Option<Format>) -> Result<Option<[Document; 2]>, Failure> {
    if *inputs == [Input::Stdin, Input::Stdin] {
        return Err(Failure::Usage("only one of the two texts can be standard input".to_owned()));
    }
    let [first, second] = inputs.each_ref().map(|input| match input.read(format) {
        Ok(document) => Some(document),
        Err(error) => {
            complain(&format!("{}: {error}", input.name()));
            None
        }
    });
    Ok(first.zip(second).map(|(first, second)| [first, second]))
}

fn read(
    input: &Input,
    format: Option<Format>,
    progress: &Progress,
) -> Result<(Document, u64), (String, InputError)> {
    progress.begin(&input.name());
    let bytes = input.size_bytes().unwrap_or_default();
    match input.read(format) {
        Ok(document) => Ok((document, bytes)),
        Err(error) => Err((input.name(), error)),
    }
}

/// How many bytes there are to read, if that is known of all inputs.
fn total_bytes(inputs: &[Result<Input, (String, InputError)>]) -> Option<u64> {
    inputs.iter().flatten().map(Input::size_bytes).sum()
}
