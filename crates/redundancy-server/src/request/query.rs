//! Query parameters. No route takes any yet, so every one is a fault: a caller who believes that a parameter works should
//! hear that it does not.

use super::fields::Faults;

/// Longest name that is repeated in an answer, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Reports every parameter of `query`.
pub(crate) fn refuse_all(query: Option<&str>, faults: &mut Faults) {
    for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()) {
        let name: String =
            parameter.split('=').next().unwrap_or_default().chars().take(MAX_NAME_CHARS).collect();
        faults.add(format!("?{name}"), "is not a known query parameter: leave it out".to_owned());
    }
}
