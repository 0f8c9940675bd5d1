//! Hides what must not be shown of a value.

use std::net::Ipv6Addr;

use super::keys::{Key, Secrecy};

/// Stands where something was hidden. Its length says nothing about what stood there.
const HIDDEN: &str = "****";

/// `value` as it may be shown.
pub(super) fn masked(key: &Key, value: &str) -> String {
    match key.secrecy {
        Secrecy::Open => value.to_owned(),
        Secrecy::Name if !value.contains('@') && !value.contains("://") => value.to_owned(),
        Secrecy::Credentials | Secrecy::Name => without_credentials(value),
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

/// An address without its user, password, query and fragment. What is no address might be anything, a password too; so
/// might a part that is not clearly a host and a port.
fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return HIDDEN.to_owned();
    };
    // A password may hold an unescaped `@`, so the last one counts.
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(user, rest)| (user, rest));
    let shown_user = if user.is_empty() { String::new() } else { format!("{HIDDEN}@") };
    let (place, query) = match rest.find(['?', '#']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), "?****"),
        None => (rest, ""),
    };
    let authority = place.split('/').next().unwrap_or_default();
    // Behind a query an `@` may be a part of a password that stands there.
    if user.contains(['?', '#']) || !is_host_and_port(authority) {
        return format!("{scheme}://{HIDDEN}");
    }
    format!("{scheme}://{shown_user}{place}{query}")
}

/// Whether `authority` is a host, with a port or without one. What stands behind a colon and is no port may be a password.
fn is_host_and_port(authority: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    if let Some((host, behind)) = authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return host.parse::<Ipv6Addr>().is_ok()
            && (behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    !host.is_empty() && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::keys;

    #[test]
    fn an_address_is_shown_without_user_password_and_query() {
        for (address, shown) in [
            ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
            ("redis://me:pa@ss@host:6379", "redis://****@host:6379"),
            ("rediss://host?password=pass", "rediss://host?****"),
            ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
            ("redis://me@[::1]", "redis://****@[::1]"),
            ("me:pass@host", "****"),
        ] {
            assert_eq!(masked(&keys::REDIS_URL, address), shown);
        }
    }

    #[test]
    fn what_may_be_a_password_without_a_host_is_hidden() {
        for rest in [
            ":hunter2",
            "u:hunter2",
            ":hunter2#x",
            ":6379",
            ":hunter/2",
            "u:hunter2/0?a=b",
            "u:65536",
            "[hunter2]",
            "[::1]:hunter2",
            "me:hun?ter@2",
            "me:hun#ter@2",
            "host?password=hun@ter2",
            "me:pass@host:hunter2",
        ] {
            assert_eq!(masked(&keys::REDIS_URL, &format!("rediss://{rest}")), "rediss://****", "{rest}");
        }
    }

    #[test]
    fn a_name_is_shown_unless_a_password_may_stand_in_it() {
        for (name, shown) in [
            ("acme", "acme"),
            ("https://login.example.org/t/1", "https://login.example.org/t/1"),
            ("https://me:pass@host/t", "https://****@host/t"),
            ("https://me:pa/ss@host", "https://****@host"),
            ("https://me:pass", "https://****"),
            ("me:pass@host", "****"),
        ] {
            assert_eq!(masked(&keys::JWT_ISSUER, name), shown);
        }
    }

    #[test]
    fn nothing_is_shown_of_a_secret() {
        assert_eq!(masked(&keys::JWT_SECRET, "0123456789"), HIDDEN);
        assert_eq!(masked(&keys::HOST, "::1"), "::1");
    }
}
