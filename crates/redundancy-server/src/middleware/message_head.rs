//! Refuses heads that programs on the way could read in different ways (RFC 9112, sections 3.2 and 6.1; RFC 9113,
//! section 8.3.1). Heads that are no HTTP at all never get here: the connection answers those itself.

use axum::http::header::{HOST, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version};

/// What makes a head open to doubt, for whoever sent it.
pub(super) fn fault(version: Version, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let hosts = headers.get_all(HOST).iter().count();
    if version == Version::HTTP_2
        && let (Some(authority), Some(host)) = (uri.authority(), headers.get(HOST))
        && !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return Some(
            "The header Host and the authority of the request name different hosts. Send the authority alone.",
        );
    }
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        return Some("An HTTP/1.1 request has the header Host once. Send it, and no second one.");
    }
    if headers.get(HOST).is_some_and(|host| !names_host(host)) {
        return Some("The header Host names no host. Send a name or an address, and a port if need be.");
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_plain = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    (!is_plain).then_some(
        "The only Transfer-Encoding that is taken is chunked, once. Say in Content-Encoding how a body is compressed.",
    )
}

/// Whether a header Host is one by RFC 9112, section 3.2: a host and perhaps a port, or nothing.
fn names_host(value: &HeaderValue) -> bool {
    value.is_empty() || Authority::try_from(value.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_heads_with_one_meaning_pass() {
        let passes = |version, headers: &[(&str, &str)]| {
            let headers =
                headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let uri = if version == Version::HTTP_2 { "https://a/" } else { "/" };
            fault(version, &uri.parse().unwrap(), &headers).is_none()
        };
        let (host, chunked) = (("host", "a"), ("transfer-encoding", "Chunked"));
        assert!(passes(Version::HTTP_11, &[host]));
        assert!(passes(Version::HTTP_11, &[host, chunked]));
        for (named, is_taken) in [
            ("a.example:80", true),
            ("[::1]:80", true),
            ("", true),
            ("a b", false),
            ("u@a", false),
            ("a/b", false),
        ] {
            assert_eq!(passes(Version::HTTP_11, &[("host", named)]), is_taken, "{named}");
        }
        assert!(passes(Version::HTTP_10, &[]));
        assert!(passes(Version::HTTP_2, &[]));
        assert!(passes(Version::HTTP_2, &[("host", "A")]));
        assert!(!passes(Version::HTTP_2, &[("host", "b")]));
        assert!(!passes(Version::HTTP_2, &[host, host]));
        assert!(!passes(Version::HTTP_11, &[]));
        assert!(!passes(Version::HTTP_11, &[host, host]));
        assert!(!passes(Version::HTTP_10, &[host, host]));
        assert!(!passes(Version::HTTP_11, &[host, chunked, chunked]));
        assert!(!passes(Version::HTTP_11, &[host, ("transfer-encoding", "gzip, chunked")]));
    }
}
