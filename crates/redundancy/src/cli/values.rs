//! Parsers of values, with messages that say what would do.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    within(0.0..=1.0)(text)
}

/// A number from 0 to 100.
pub(super) fn score(text: &str) -> Result<f64, String> {
    within(0.0..=100.0)(text)
}

/// A language tag (BCP 47): a language of 2 or 3 letters, and subtags, which do not matter here. Gives the language in
/// lower case.
pub(super) fn language(text: &str) -> Result<String, String> {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        matches!(language.len(), 2..=3) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |tag: &str| matches!(tag.len(), 1..=8) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_language && subtags.all(is_subtag) {
        return Ok(language.to_ascii_lowercase());
    }
    Err("must be a language tag such as en or es-MX".to_owned())
}

/// A file to write a page to. Only names of pages are taken, because a text named here by mistake would be lost.
pub(super) fn page(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    if ending.is_some_and(|ending| ending == "html" || ending == "htm") {
        return Ok(path);
    }
    Err("must be the name of a page to write, such as report.html".to_owned())
}

/// An address of a service: `http://`, a host, and perhaps a port.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let sane = text.strip_prefix("http://").is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@')
            && has_sound_port(rest)
    });
    if sane {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err("must be an address such as http://127.0.0.1:8000 (https is not spoken here: ask the service behind it)".to_owned())
}

/// Whether the host that `rest` of an address begins with has a port that there can be, or none.
fn has_sound_port(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let behind_host = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    behind_host.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `KEY=VALUE`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be a setting and its value, such as MAX_CONTENT_BYTES=4MiB".to_owned()),
    }
}

fn within(range: RangeInclusive<f64>) -> impl Fn(&str) -> Result<f64, String> {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_their_range_are_refused() {
        assert_eq!(share("0.5"), Ok(0.5));
        assert_eq!(score("100"), Ok(100.0));
        for text in ["", "1.01", "-0.1", "NaN", "inf", "half"] {
            assert_eq!(share(text), Err("must be a number from 0 to 1".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_language_is_told_by_the_first_subtag() {
        assert_eq!(language("ES-419").as_deref(), Ok("es"));
        for text in ["", "e", "english", "en_US", "en-", "ñ"] {
            assert!(language(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_not_taken_for_a_page_to_write() {
        assert_eq!(page("a/b.HTML"), Ok(PathBuf::from("a/b.HTML")));
        for text in ["a.txt", "html", "-", ""] {
            assert!(page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_host_and_no_credentials() {
        assert_eq!(http_url("http://[::1]:80/").as_deref(), Ok("http://[::1]:80"));
        for text in ["https://a", "a:80", "http://", "http:///a", "http://:80", "http://u:p@a", "http://a b"]
            .into_iter()
            .chain(["http://a:99999", "http://[::1]:x/b", "http://a:", "http://a:0"])
        {
            assert!(http_url(text).is_err(), "{text}");
        }
    }
}
