//! Query parameters. A parameter that a route does not know is a fault: a caller who believes that it works should hear that it
//! does not.

use super::cursor::List;
use super::fields::Faults;
use super::rules::Refusal;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;

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

/// The parameters that a route takes.
pub(crate) trait Query: Sized {
    /// Reads every parameter that it knows, and reports every fault. `None` only when a fault was reported.
    fn read(parameters: &mut Parameters<'_>) -> Option<Self>;
}

/// Parameters that have been checked.
pub(crate) struct Queried<T>(pub(crate) T);

/// What routes without a body take: nothing. An unknown query parameter is a fault here too.
pub(crate) struct NoParameters;

/// The parameters of one request, handed out by name.
pub(crate) struct Parameters<'f> {
    /// Name and value, both without escapes.
    pairs: Vec<(String, String)>,
    list: List,
    faults: &'f mut Faults,
}

impl<'f> Parameters<'f> {
    pub(super) fn new(uri: &Uri, faults: &'f mut Faults) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
        let pairs = pairs.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
        let pairs: Vec<_> = pairs.map(|(name, value)| (unescaped(name), unescaped(value))).collect();
        Self { list: List::new(uri.path(), &pairs), pairs, faults }
    }

    /// Which list is asked for, if one is.
    pub(crate) const fn list(&self) -> List {
        self.list
    }

    /// The value of a parameter. The outer `None` means that it is at fault.
    #[expect(
        clippy::option_option,
        reason = "a parameter at fault differs from one left out, and `?` sorts them"
    )]
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        rule: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Option<T>> {
        let Some(position) = self.pairs.iter().position(|(known, _)| known == name) else {
            return Some(None);
        };
        let (_, value) = self.pairs.remove(position);
        let others = self.pairs.len();
        self.pairs.retain(|(known, _)| known != name);
        if self.pairs.len() < others {
            self.faults.add(format!("?{name}"), "is given more than once: keep one".to_owned());
        }
        match rule(&value) {
            Ok(value) => Some(Some(value)),
            Err(refusal) => {
                self.faults.refuse(format!("?{name}"), refusal);
                None
            }
        }
    }

    /// Reports a fault of the parameter `name` that shows only beside others.
    pub(crate) fn refuse(&mut self, name: &str, refusal: Refusal) {
        self.faults.refuse(format!("?{name}"), refusal);
    }

    /// Reports every parameter that nobody asked for.
    pub(super) fn refuse_rest(self) {
        for (name, _) in &self.pairs {
            let name: String = name.chars().take(MAX_NAME_CHARS).collect();
            self.faults.add(format!("?{name}"), "is not a known query parameter: leave it out".to_owned());
        }
    }
}

impl Query for NoParameters {
    fn read(_: &mut Parameters<'_>) -> Option<Self> {
        Some(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Queried::from_request_parts(head, state).await.map(|Queried(nothing)| nothing)
    }
}

impl<T: Query, S: Sync> FromRequestParts<S> for Queried<T> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut faults = Faults::default();
        let mut parameters = Parameters::new(&head.uri, &mut faults);
        let value = T::read(&mut parameters);
        parameters.refuse_rest();
        match (faults.into_error(), value) {
            (None, Some(value)) => Ok(Self(value)),
            (Some(error), _) => Err(error),
            // Parameters that give neither a value nor a fault break the contract of [`Query::read`].
            (None, None) => Err(ApiError::internal()),
        }
    }
}

/// Reads `async=true` or `async=false`.
pub(super) fn timing(parameters: &mut Parameters<'_>) -> Timing {
    let rule = |value: &str| match value {
        "true" => Ok(Timing::Later),
        "false" => Ok(Timing::Now),
        _ => Err(Refusal::new("must be true or false")),
    };
    parameters.optional("async", rule).flatten().unwrap_or(Timing::Now)
}

/// `text` with every `%xx` replaced by what it stands for. A plus sign stays one: it has its place in times, and nothing here
/// holds blanks. What is no UTF-8 afterwards is replaced, and then no known name or value.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, tail @ ..] => {
                digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low, tail))
            }
            _ => None,
        };
        let (byte, tail) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_what_is_none_stays() {
        for (text, expected) in [
            ("a%20b", "a b"),
            ("2026-01-02T03:04:05%2b01:00", "2026-01-02T03:04:05+01:00"),
            ("2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05+01:00"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%C3%B1", "ñ"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(unescaped(text), expected);
        }
    }

    #[test]
    fn every_fault_of_a_query_is_reported() {
        let mut faults = Faults::default();
        let uri = Uri::from_static("/?a=1&b=2&&a=3&c&async=maybe");
        let mut parameters = Parameters::new(&uri, &mut faults);
        assert_eq!(parameters.optional("a", |value| Ok(value.to_owned())), Some(Some("1".to_owned())));
        assert_eq!(parameters.optional("d", |_| Ok(())), Some(None));
        assert_eq!(timing(&mut parameters), Timing::Now);
        parameters.refuse_rest();
        let error = format!("{:?}", faults.into_error());
        for field in ["?a", "?b", "?c", "?async"] {
            assert!(error.contains(&format!("\"{field}\"")), "{field}: {error}");
        }
    }
}
