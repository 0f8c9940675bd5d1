//! Where a document is: a service, and a path and query there, both as they were written.

use std::fmt;
use std::str::FromStr;

use super::address::ServiceAddress;

/// The address of a document. It has no user, no password and no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    service: ServiceAddress,
    /// Begins with a slash.
    path: String,
    /// What stands behind the question mark, if there is one.
    query: Option<String>,
}

/// What would do as an address of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an address such as https://login.example.org/keys or http://127.0.0.1:8080/keys?set=1, without user and password"
)]
pub struct InvalidLocation;

impl Location {
    /// Who has it.
    #[must_use]
    pub const fn service(&self) -> &ServiceAddress {
        &self.service
    }

    /// What to ask for there: the path, and the query if there is one.
    #[must_use]
    pub fn target(&self) -> String {
        let query = self.query.as_deref().map(|query| format!("?{query}"));
        format!("{}{}", self.path, query.unwrap_or_default())
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let (place, query) = text.split_once('?').map_or((text, None), |(place, query)| (place, Some(query)));
        let (scheme, rest) = place.split_once("://").ok_or(InvalidLocation)?;
        let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let is_sane = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte);
        if !path.bytes().chain(query.unwrap_or_default().bytes()).all(is_sane) {
            return Err(InvalidLocation);
        }
        let service = format!("{scheme}://{authority}").parse().map_err(|_| InvalidLocation)?;
        Ok(Self { service, path: path.to_owned(), query: query.map(str::to_owned) })
    }
}

impl fmt::Display for Location {
    /// Without the query, in which a secret may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.service, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_stay_as_they_were_written() {
        for (text, target, shown) in [
            ("https://a/keys?appid=1", "/keys?appid=1", "https://a/keys"),
            ("https://a/t/keys/", "/t/keys/", "https://a/t/keys/"),
            ("https://a/keys/?p=b2c_1/x@y?", "/keys/?p=b2c_1/x@y?", "https://a/keys/"),
            ("http://[::1]:9?x", "/?x", "http://[::1]:9/"),
            ("https://a/keys?", "/keys?", "https://a/keys"),
            ("https://a", "/", "https://a/"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!((location.target().as_str(), location.to_string().as_str()), (target, shown));
        }
    }

    #[test]
    fn what_names_no_document_is_refused() {
        for text in [
            "a/keys",
            "ftp://a/keys",
            "https:///keys",
            "https://u:p@a/keys",
            "https://u:p/x@a",
            "https://u:p?x@a",
            "https://a/keys#x",
            "https://a/keys?a b",
            "https://a/ke ys",
            "?https://a",
        ] {
            assert_eq!(text.parse::<Location>(), Err(InvalidLocation), "{text}");
        }
    }
}
