//! Hides what must not be shown of a value.

use super::keys::{Key, Secrecy};

/// Stands where something was hidden. Its length says nothing about what stood there.
const HIDDEN: &str = "****";

/// `value` as it may be shown.
pub(super) fn masked(key: &Key, value: &str) -> String {
    match key.secrecy {
        Secrecy::Open => value.to_owned(),
        Secrecy::Credentials => without_credentials(value),
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

/// An address without its user, password and query. What is no address might be anything, a password too.
fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return HIDDEN.to_owned();
    };
    let (before_query, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?****"));
    // A password may hold an unescaped `@`, so the last one counts.
    match before_query.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://{HIDDEN}@{place}{query}"),
        None => format!("{scheme}://{before_query}{query}"),
    }
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
            ("me:pass@host", "****"),
        ] {
            assert_eq!(masked(&keys::REDIS_URL, address), shown);
        }
    }

    #[test]
    fn nothing_is_shown_of_a_secret() {
        assert_eq!(masked(&keys::JWT_SECRET, "0123456789"), HIDDEN);
        assert_eq!(masked(&keys::HOST, "::1"), "::1");
    }
}
