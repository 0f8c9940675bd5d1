//! URLs as anybody may register them: nothing panics, what is taken reads back as the same, no password is shown, and no address
//! that is not public gets through, however it is spelt.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redundancy_webhook::EndpointUrl;
use redundancy_webhook::transport::AddressPolicy;
use std::net::IpAddr;
use std::sync::LazyLock;

static PUBLIC: LazyLock<AddressPolicy> = LazyLock::new(AddressPolicy::default);
static ANY: LazyLock<AddressPolicy> = LazyLock::new(|| {
    AddressPolicy::new(["0.0.0.0/0", "::/0"].map(|network| network.parse().expect("a network")).into())
});

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let Ok(url) = text.parse::<EndpointUrl>() else { return };
    assert_eq!(url.as_str().parse(), Ok(url.clone()), "{text:?}");
    assert_eq!(url.check(&ANY, false), Ok(()), "{text:?}");
    assert_eq!(url.check(&ANY, true).is_ok(), url.is_https(), "{text:?}");
    let (user, host) = authority(url.as_str());
    if is_surely_not_public(host) {
        assert!(url.check(&PUBLIC, false).is_err(), "{text:?} gets through as {host}");
    }
    let shown = url.to_string();
    let (shown_user, shown_host) = authority(&shown);
    assert_eq!(shown_host, host, "{text:?}");
    assert_eq!(shown_user.is_some(), user.is_some(), "{text:?}");
    assert!(shown_user.is_none_or(|user| user.ends_with("***")), "{text:?} is shown as {shown}");
});

/// User info and host of a URL as the parser wrote it.
fn authority(url: &str) -> (Option<&str>, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => host.split(':').next().unwrap_or(host),
    };
    (user, host)
}

/// By the standard library's own judgement, which knows only the plainest cases.
fn is_surely_not_public(host: &str) -> bool {
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
        Err(_) => false,
    }
}
