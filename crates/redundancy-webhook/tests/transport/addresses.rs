//! Which addresses are called: tables of addresses, of answers of DNS, and of URLs that try to get around the rules.

use crate::names::{Names, addresses};
use crate::receiver::{GENEROUS, Receiver, SHORT, call, loopback_allowed, request, transport};
use proptest::prelude::*;
use redundancy_webhook::transport::{AddressPolicy, HttpTransport, Transport as _, TransportConfig};
use redundancy_webhook::url::RefusedUrl;
use redundancy_webhook::{EndpointUrl, FailureReason};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Not on the public Internet: both ends of each network where they matter.
const BLOCKED: &[&str] = &[
    // IPv4: unspecified, private, carriers, loopback, clouds, link-local.
    "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200",
    "127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.0 172.31.255.255",
    // Assignments, documentation, relays, private, benchmarking, multicast, reserved, broadcast.
    "192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255",
    "198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255",
    // IPv6: unspecified, loopback, discard-only, segment routing, not assigned, private, clouds, local, multicast.
    ":: ::1 100::1 5f00::1 4000::1 1fff::1 8000::1 fc00::1 fdff::1 fd00:ec2::254 fd20:ce::254 fe80::1 febf::1",
    "fec0::1 feff::1 ff02::1 ff0e::1",
    // Assignments for protocols: Teredo, benchmarking, ORCHID; documentation.
    "2001::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 3fff::1 3fff:fff::1",
    // Forms that carry a forbidden IPv4 address: mapped, compatible, NAT64 common and local.
    "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::10.0.0.1 64:ff9b::127.0.0.1",
    "64:ff9b::10.1.2.3 64:ff9b::169.254.169.254 64:ff9b:1::127.0.0.1 64:ff9b:1:7f00:0:100::",
    // 6to4 of 10.0.0.1 and 127.0.0.1, Teredo with a server and a client inside, ISATAP under a public prefix.
    "2002:a00:1::1 2002:7f00:1::1 2001:0:7f00:1::1 2001:0:808:808:0:0:80ff:fffe 2600::5efe:10.0.0.1",
    "2600::200:5efe:127.0.0.1 2600:1:2:3:0:5efe:a9fe:a9fe",
    // Forms that are given up, even with a public address inside.
    "::8.8.8.8 64:ff9b:1::8.8.8.8 2002:808:808::1 ::ffff:0:8.8.8.8",
];

/// On the public Internet: also the neighbours of what is not.
const PUBLIC: &[&str] = &[
    "1.0.0.0 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0",
    "168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0",
    "192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255",
    "198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255",
    "2000::1 2001:200::1 2001:db7::1 2001:db9::1 2001:4860:4860::8888 2003::1 2606:4700::1111 3ffe::1 3fff:1000::1",
    "::ffff:8.8.8.8 64:ff9b::8.8.8.8 2600::5efe:8.8.8.8",
];

fn policy(networks: &[&str]) -> AddressPolicy {
    AddressPolicy::new(networks.iter().map(|network| network.parse().unwrap()).collect())
}

fn all(lines: &[&str]) -> Vec<IpAddr> {
    lines.iter().flat_map(|line| addresses(line)).collect()
}

#[test]
fn only_addresses_of_the_public_internet_are_allowed_without_being_listed() {
    for address in all(BLOCKED) {
        assert!(!AddressPolicy::default().allows(address), "{address}");
    }
    for address in all(PUBLIC) {
        assert!(AddressPolicy::default().allows(address), "{address}");
    }
}

#[test]
fn a_listed_network_is_allowed_and_opens_no_other() {
    for (network, allowed, still_blocked) in [
        (
            "10.0.0.0/8",
            "10.1.2.3 ::ffff:10.1.2.3 64:ff9b::10.1.2.3 8.8.8.8",
            "127.0.0.1 ::ffff:127.0.0.1 ::10.1.2.3 2002:a01:203::1",
        ),
        ("fd00::/8", "fd00::1", "fc00::1 fd00::5efe:127.0.0.1 ::1"),
        ("::1/128", "::1", "127.0.0.1 ::"),
        // All of IPv6 still does not lead to what lies in IPv4.
        (
            "::/0",
            "fe80::1 ::1 2001:db8::1 2002:808:808::1 ::8.8.8.8 2001:0:808:808::f7f7:f7f7",
            "::ffff:127.0.0.1 64:ff9b::127.0.0.1 ::127.0.0.1 2002:7f00:1::1 2001:0:7f00:1::f7f7:f7f7 2001:0:808:808::80ff:fffe",
        ),
        (
            "64:ff9b:1::/48",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b:1::127.0.0.1 64:ff9b:1:7f00:0:100:: 64:ff9b:1:7f:0:1:: 64:ff9b:1:1:7f:0:100:0",
        ),
        ("0.0.0.0/0", "127.0.0.1 ::ffff:127.0.0.1 10.0.0.1", "::1 fd00::1"),
    ] {
        for address in addresses(allowed) {
            assert!(policy(&[network]).allows(address), "{address} with {network}");
        }
        for address in addresses(still_blocked) {
            assert!(!policy(&[network]).allows(address), "{address} with {network}");
        }
    }
}

proptest! {
    #[test]
    fn an_address_that_stands_for_one_of_ipv4_is_judged_as_that_one(bits: u32, network: u32, length in 0_u8..=32) {
        let address = Ipv4Addr::from_bits(bits);
        let network = ipnet::Ipv4Net::new(Ipv4Addr::from_bits(network), length).unwrap().trunc();
        let nat64 = Ipv6Addr::from_bits(0x0064_ff9b_u128 << 96 | u128::from(bits));
        for policy in [AddressPolicy::default(), AddressPolicy::new(vec![network.into()])] {
            let expected = policy.allows(address.into());
            prop_assert_eq!(policy.allows(address.to_ipv6_mapped().into()), expected);
            prop_assert_eq!(policy.allows(nat64.into()), expected);
        }
    }

    #[test]
    fn nothing_outside_2000_3_is_public_but_what_stands_for_ipv4(bits in 0x4000_u128 << 112..) {
        prop_assert!(!AddressPolicy::default().allows(Ipv6Addr::from_bits(bits).into()));
    }
}

/// What a name server may answer to get around the rules: one forbidden address, alone or among others, at any place.
const HOSTILE_ANSWERS: &[&str] = &[
    "127.0.0.1",
    "8.8.8.8 127.0.0.1",
    "127.0.0.1 8.8.8.8",
    "8.8.8.8 1.1.1.1 9.9.9.9 8.8.4.4 1.0.0.1 8.8.8.8 1.1.1.1 9.9.9.9 8.8.4.4 127.0.0.1",
    "2606:4700::1111 ::1",
    "8.8.8.8 ::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "0.0.0.0",
    "8.8.8.8 0.0.0.0",
    "::",
    "::1",
    "10.0.0.1 8.8.8.8",
    "169.254.169.254",
    "fd00:ec2::254 2606:4700::1111",
    "fe80::1",
    "100.100.100.200",
    "255.255.255.255",
    "224.0.0.1",
    "2002:7f00:1::",
];

#[tokio::test]
async fn a_name_with_one_forbidden_address_is_not_called_at_all() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for answer in HOSTILE_ANSWERS {
        let transport = HttpTransport::new(TransportConfig::default())
            .unwrap()
            .with_resolver(Arc::new(Names::answering(&[answer])));
        let result = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(result, Err(FailureReason::BlockedAddress), "{answer}");
    }
    assert_eq!(receiver.accepted().await, 0);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_at_the_second_look_up_is_refused_and_not_dialled() {
    // 127.0.0.1 stands for an address that is allowed, 127.0.0.2 for one that is not; at both something listens.
    let allowed =
        Receiver::closing_after("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let forbidden = tokio::net::TcpListener::bind(("127.0.0.2", allowed.port)).await.unwrap();
    let names = Arc::new(Names::answering(&["127.0.0.1", "127.0.0.2", "127.0.0.1 127.0.0.2"]));
    let transport =
        HttpTransport::new(loopback_allowed()).unwrap().with_resolver(Arc::<Names>::clone(&names));
    let send = || transport.send(request("http://rebind.test:{port}/", allowed.port, GENEROUS));
    assert_eq!(send().await.unwrap().status, 200);
    assert_eq!(send().await, Err(FailureReason::BlockedAddress));
    assert_eq!(send().await, Err(FailureReason::BlockedAddress));
    assert_eq!(names.asked().len(), 3, "one look-up for each connection");
    // The first to come to the forbidden listener is the test itself.
    let own = tokio::net::TcpStream::connect(("127.0.0.2", allowed.port)).await.unwrap();
    let (_, peer) = forbidden.accept().await.unwrap();
    assert_eq!(peer, own.local_addr().unwrap());
    assert_eq!(allowed.accepted().await, 1);
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    // Were there a second look-up, it would lead to where nobody listens.
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let names = Arc::new(Names::answering(&["127.0.0.1", "127.0.0.3"]));
    let transport =
        HttpTransport::new(loopback_allowed()).unwrap().with_resolver(Arc::<Names>::clone(&names));
    let sent = transport.send(request("http://once.test:{port}/", receiver.port, GENEROUS)).await;
    assert_eq!(sent.unwrap().status, 204);
    assert_eq!(names.asked(), ["once.test"]);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_accept() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let config = TransportConfig { policy: policy(&["127.0.0.0/8"]), ..TransportConfig::default() };
    for (answer, expected) in [
        ("127.0.0.1 127.0.0.2 127.0.0.3", Ok(204)),
        ("127.0.0.2 127.0.0.1 127.0.0.3", Ok(204)),
        ("::ffff:127.0.0.2 ::ffff:127.0.0.1", Ok(204)),
        ("127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8 127.0.0.1", Ok(204)),
        // Eight are tried.
        (
            "127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8 127.0.0.9 127.0.0.1",
            Err(FailureReason::Connect),
        ),
    ] {
        let names = Arc::new(Names::answering(&[answer]));
        let transport = HttpTransport::new(config.clone()).unwrap().with_resolver(names);
        let sent = transport.send(request("http://many.test:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(sent.map(|answer| answer.status), expected, "{answer}");
    }
}

#[tokio::test]
async fn an_address_that_is_silent_leaves_time_for_the_next() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    // When a listener's queue is full, Linux drops what else comes, as if there were no such host.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    let silent = SocketAddr::from(([127, 0, 0, 2], receiver.port));
    socket.bind(silent).unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut queue = Vec::new();
    while let Ok(connected) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(silent)).await {
        queue.push(connected.unwrap());
    }
    let config = TransportConfig { policy: policy(&["127.0.0.0/8"]), ..TransportConfig::default() };
    for (answer, timeout, expected) in [
        ("127.0.0.2 127.0.0.1", Duration::from_secs(5), Ok(204)),
        ("127.0.0.2", SHORT, Err(FailureReason::Timeout)),
    ] {
        let names = Arc::new(Names::answering(&[answer]));
        let transport = HttpTransport::new(config.clone()).unwrap().with_resolver(names);
        let sent = transport.send(request("http://silent.test:{port}/", receiver.port, timeout)).await;
        assert_eq!(sent.map(|answer| answer.status), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_name_is_looked_up_by_the_system_unless_told_otherwise() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    for (networks, expected) in
        [(&["127.0.0.0/8", "::1/128"][..], Ok(204)), (&[][..], Err(FailureReason::BlockedAddress))]
    {
        let config = TransportConfig { policy: policy(networks), ..TransportConfig::default() };
        let transport = HttpTransport::new(config).unwrap();
        let sent = transport.send(request("http://localhost:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(sent.map(|answer| answer.status), expected);
    }
    assert_eq!(receiver.accepted().await, 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/", target.port);
        let head =
            format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let answer = call(&Receiver::closing_after(head).await, GENEROUS).await.unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.headers.contains(&("location".to_owned(), location)));
    }
    assert_eq!(target.accepted().await, 0);
}

#[tokio::test]
async fn a_url_without_tls_is_not_called_where_tls_is_demanded() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport = HttpTransport::new(TransportConfig { https_only: true, ..loopback_allowed() }).unwrap();
    let sent = transport.send(request("http://127.0.0.1:{port}/", receiver.port, GENEROUS)).await;
    assert_eq!(sent, Err(FailureReason::BlockedAddress));
    assert_eq!(receiver.accepted().await, 0);
    let url: EndpointUrl = "http://example.com/".parse().unwrap();
    assert_eq!(url.check(&AddressPolicy::default(), true), Err(RefusedUrl::NotHttps));
    assert_eq!(url.check(&AddressPolicy::default(), false), Ok(()));
}

#[tokio::test]
async fn a_name_without_an_address_fails_as_dns() {
    for names in [Names::answering(&[]), Names::answering(&[""])] {
        let transport = HttpTransport::new(loopback_allowed()).unwrap().with_resolver(Arc::new(names));
        assert_eq!(
            transport.send(request("http://nobody.test/", 80, GENEROUS)).await,
            Err(FailureReason::Dns)
        );
    }
}

#[tokio::test]
async fn a_name_that_no_system_can_look_up_fails_as_dns_and_breaks_nothing() {
    let transport = HttpTransport::new(loopback_allowed()).unwrap();
    let too_long = format!("http://{}/", "a.".repeat(600));
    for url in
        ["http://a..b/", "http://-/", "http://_._/", "http://%00.test", &too_long, "http://xn--zzzzzzzz99/"]
    {
        if url.parse::<EndpointUrl>().is_ok() {
            assert_eq!(transport.send(request(url, 80, GENEROUS)).await, Err(FailureReason::Dns), "{url}");
        }
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_fails_as_connect() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let sent = transport().send(request("http://closed.test:{port}/", free, GENEROUS)).await;
    assert_eq!(sent, Err(FailureReason::Connect));
}
