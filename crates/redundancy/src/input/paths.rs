//! What the user typed as files: names, `-`, and patterns that the shell left alone.

use std::path::{Path, PathBuf};

use super::{Input, InputError};

/// The inputs that `names` stand for, in order. A name that no file has is a pattern if it holds `*`, `?` or `[`; a
/// pattern that stands for no file is given back with the reason.
#[must_use]
pub fn expand(names: &[PathBuf]) -> Vec<Result<Input, (String, InputError)>> {
    names.iter().flat_map(|name| expand_one(name)).collect()
}

fn expand_one(name: &Path) -> Vec<Result<Input, (String, InputError)>> {
    let Some(pattern) = name.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return vec![Ok(Input::named(name))];
    };
    if name.exists() {
        return vec![Ok(Input::File(name.to_owned()))];
    }
    let fail = |error: InputError| vec![Err((pattern.to_owned(), error))];
    let matches = match glob::glob(pattern) {
        Ok(matches) => matches,
        Err(error) => return fail(error.into()),
    };
    let inputs: Vec<_> = matches
        // A folder is no text, and a pipe that was not named waits for a writer who may never come.
        .filter(|found| {
            found.as_ref().map_or(true, |path| path.metadata().map_or(true, |file| file.is_file()))
        })
        .map(|found| match found {
            Ok(path) => Ok(Input::File(path)),
            Err(error) => Err((error.path().display().to_string(), InputError::Io(error.into()))),
        })
        .collect();
    if inputs.is_empty() { fail(InputError::NoMatch) } else { inputs }
}
