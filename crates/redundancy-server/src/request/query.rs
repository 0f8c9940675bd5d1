//! Query parameters. A parameter that a route does not know is a fault: a caller who believes that it works should hear that it
//! does not.

use super::fields::Faults;

/// Longest name that is repeated in an answer, in characters.
const MAX_NAME_CHARS: usize = 64;

/// When a caller wants the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// In the answer.
    Now,
    /// Under the id in the answer, when it is done.
    Later,
}

/// Reads `async=true` or `async=false`, and reports every other parameter of `query`.
pub(super) fn timing(query: Option<&str>, faults: &mut Faults) -> Timing {
    let mut timing = Timing::Now;
    for (name, value) in parameters(query) {
        match (name, value) {
            ("async", "true") => timing = Timing::Later,
            ("async", "false") => timing = Timing::Now,
            ("async", _) => faults.add("?async".to_owned(), "must be true or false".to_owned()),
            (name, _) => refuse(name, faults),
        }
    }
    timing
}

/// Reports every parameter of `query`.
pub(super) fn refuse_all(query: Option<&str>, faults: &mut Faults) {
    for (name, _) in parameters(query) {
        refuse(name, faults);
    }
}

fn parameters(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let parameters = query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
    parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn refuse(name: &str, faults: &mut Faults) {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    faults.add(format!("?{name}"), "is not a known query parameter: leave it out".to_owned());
}
