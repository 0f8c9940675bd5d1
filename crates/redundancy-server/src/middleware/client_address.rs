//! Where a request comes from: the other end of the connection, or what a trusted proxy says of it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Addresses in `X-Forwarded-For` that are looked at, from its end.
const MOST_HOPS: usize = 32;
/// What one customer of a provider has of IPv6 at least, in bits: within it addresses are changed at will.
const V6_NETWORK_BITS: u32 = 64;

/// The other end of a connection. The server puts it with every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS.
    pub(crate) is_encrypted: bool,
}

/// Where a request comes from, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) Option<IpAddr>);

impl ClientAddress {
    /// Where `request` comes from. The last address that no trusted proxy has is believed: what stands before it, anybody can write.
    pub(crate) fn of(request: &Request, trusted: &[IpNet]) -> Self {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip().to_canonical());
        let Some(peer) = peer.filter(|_| !trusted.is_empty()) else { return Self(peer) };
        Self(Some(last_untrusted(peer, request.headers(), trusted)))
    }

    /// What callers are told apart by who do not say who they are.
    pub(crate) fn group(self) -> String {
        match self.0 {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let bits = address.to_bits() >> (128 - V6_NETWORK_BITS) << (128 - V6_NETWORK_BITS);
                format!("{}/{V6_NETWORK_BITS}", Ipv6Addr::from_bits(bits))
            }
        }
    }
}

fn last_untrusted(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut known = peer;
    if !is_trusted(known) {
        return known;
    }
    let lines: Vec<&[u8]> = headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    for hop in hops.take(MOST_HOPS) {
        // Something else than an address was not written by a proxy of ours. What is known so far is the best there is.
        let Some(address) = str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) else { break };
        known = address;
        if !is_trusted(known) {
            break;
        }
    }
    known
}

/// An address, perhaps with a port or in brackets as some proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|full| full.ip()));
    address.map(|address| address.to_canonical()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = Request::new(Body::empty());
        request
            .extensions_mut()
            .insert(Peer { address: SocketAddr::new(peer.parse().unwrap(), 1), is_encrypted: false });
        for line in forwarded {
            let line: Vec<u8> = line.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
            request.headers_mut().append(X_FORWARDED_FOR, HeaderValue::from_bytes(&line).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        ClientAddress::of(&request, &trusted).0.unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_saw() {
        let proxies = &["10.0.0.0/8"];
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], proxies), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], proxies), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"], proxies), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9", "198.51.100.7"], proxies), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, nonsense"], proxies), "10.0.0.1");
        // What is no text does not hide what stands behind it, nor let through what stands before it.
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "\u{ff}, 198.51.100.7"], proxies), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "\u{ff}"], proxies), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["[2001:db8::1]:443"], proxies), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &[], proxies), "10.0.0.1");
    }

    #[test]
    fn callers_by_ipv6_are_told_apart_by_their_network() {
        let group = |text: &str| ClientAddress(Some(text.parse().unwrap())).group();
        assert_eq!(group("2001:db8:1:2:3::4"), group("2001:db8:1:2:ffff::"));
        assert_ne!(group("2001:db8:1:2::"), group("2001:db8:1:3::"));
        assert_eq!(group("192.0.2.1"), "192.0.2.1");
    }
}
