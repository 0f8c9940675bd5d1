//! The address of a service, and how parts of a path are written in it.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Where a service is: scheme, host, port, and perhaps a path before all of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    is_encrypted: bool,
    /// As it is written in an address: an IPv6 address in brackets.
    host: String,
    port: u16,
    /// Empty, or begins with a slash and does not end with one.
    base_path: String,
}

/// What would do as an address of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an address such as http://127.0.0.1:8000 or https://redundancy.example.org, without user and password"
)]
pub struct InvalidAddress;

impl ServiceAddress {
    /// The service that listens on `listening`, in clear or encrypted, as this machine reaches it: all addresses of a machine
    /// include its loopback one.
    #[must_use]
    pub fn of(listening: SocketAddr, is_encrypted: bool) -> Self {
        let ip = match listening.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { is_encrypted, host, port: listening.port(), base_path: String::new() }
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The host to look up or to connect to.
    #[must_use]
    pub fn host(&self) -> &str {
        let inside = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inside.unwrap_or(&self.host)
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they stand in a request.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.default_port() {
            return self.host.clone();
        }
        format!("{}:{}", self.host, self.port)
    }

    /// What stands before every path of the service.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    const fn default_port(&self) -> u16 {
        if self.is_encrypted { 443 } else { 80 }
    }
}

impl FromStr for ServiceAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidAddress)?;
        let is_encrypted = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(InvalidAddress),
        };
        let is_sane = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\\"<>^`{|}".contains(&byte);
        if !rest.bytes().all(is_sane) {
            return Err(InvalidAddress);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = match authority.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((ip, behind)) => {
                ip.parse::<Ipv6Addr>().map_err(|_| InvalidAddress)?;
                let port = if behind.is_empty() { None } else { Some(behind.strip_prefix(':')) };
                (format!("[{ip}]"), port.map(|port| port.ok_or(InvalidAddress)).transpose()?)
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (authority.to_owned(), None),
            },
        };
        let mut address =
            Self { is_encrypted, host, port: 0, base_path: path.trim_end_matches('/').to_owned() };
        address.port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(InvalidAddress)?,
            None => address.default_port(),
        };
        if address.host.is_empty() { Err(InvalidAddress) } else { Ok(address) }
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.base_path)
    }
}

/// `text` as one part of a path or one value of a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    // Browsers and proxies take these for steps in the path, and drop them.
    match encoded.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => encoded,
    }
}

/// `path` with those `parameters` that have a value.
#[must_use]
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown_without_what_goes_without_saying() {
        for (text, shown, host, port) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1", 8000),
            ("HTTP://a:80/", "http://a", "a", 80),
            ("https://a.example.org/base/", "https://a.example.org/base", "a.example.org", 443),
            ("http://[::1]:9/", "http://[::1]:9", "::1", 9),
            ("https://[2001:db8::1]", "https://[2001:db8::1]", "2001:db8::1", 443),
        ] {
            let address: ServiceAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.host(), address.port()), (shown, host, port));
        }
    }

    #[test]
    fn what_is_no_address_of_a_service_is_refused() {
        for text in [
            "a:80",
            "ftp://a",
            "http://",
            "http:///a",
            "http://:80",
            "http://u:p@a",
            "http://a b",
            "http://a:99999",
            "http://[::1]:x/b",
            "http://[::1]x",
            "http://[a]",
            "http://a:",
            "http://a:0",
            "http://a?b",
            "http://a#b",
        ] {
            assert_eq!(text.parse::<ServiceAddress>(), Err(InvalidAddress), "{text}");
        }
    }

    #[test]
    fn a_service_on_all_addresses_is_asked_on_the_loopback_one() {
        for (listening, is_encrypted, asked) in [
            ("0.0.0.0:80", false, "http://127.0.0.1"),
            ("[::]:80", false, "http://[::1]"),
            ("10.0.0.1:8000", false, "http://10.0.0.1:8000"),
            ("0.0.0.0:443", true, "https://127.0.0.1"),
        ] {
            let address = ServiceAddress::of(listening.parse().unwrap(), is_encrypted);
            assert_eq!(address.to_string(), asked);
        }
    }

    #[test]
    fn no_part_of_a_path_can_leave_its_place() {
        for (text, written) in [
            ("ep_1-a.b", "ep_1-a.b"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("..", "%2E%2E"),
            ("ñ \r\n", "%C3%B1%20%0D%0A"),
        ] {
            assert_eq!(encoded(text), written);
        }
    }

    #[test]
    fn a_query_has_what_was_given() {
        let parameters = [("a", Some("1 2".to_owned())), ("b", None), ("c", Some("x".to_owned()))];
        assert_eq!(with_query("/p", &parameters), "/p?a=1%202&c=x");
        assert_eq!(with_query("/p", &[("a", None)]), "/p");
    }
}
