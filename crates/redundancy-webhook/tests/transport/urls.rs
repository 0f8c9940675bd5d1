//! URLs that try to lead elsewhere than they seem to, and what a URL shows of itself.

use crate::names::Names;
use crate::receiver::{GENEROUS, Receiver, request};
use proptest::prelude::*;
use redundancy_webhook::transport::{
    AddressPolicy, HttpTransport, OutgoingRequest, Transport as _, TransportConfig,
};
use redundancy_webhook::url::{InvalidUrl, RefusedUrl};
use redundancy_webhook::{EndpointUrl, FailureReason};
use std::sync::Arc;

/// What becomes of a hostile URL.
#[derive(Clone, Copy)]
enum Fate {
    /// It is no URL of an endpoint.
    Invalid,
    /// It spells out this address, which is refused when the endpoint is registered.
    Address(&'static str),
    /// It leads to this name, which is looked up; the test's name server says 127.0.0.1.
    Name(&'static str),
}
use Fate::{Address, Invalid, Name};

/// `{port}` stands for the port of a receiver on 127.0.0.1 that must never be called.
const HOSTILE: &[(&str, Fate)] = &[
    // Forms of IPv4: decimal, octal, hexadecimal, short, mixed, with leading zeros, escaped.
    ("http://127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://2130706433:{port}/", Address("127.0.0.1")),
    ("http://0x7f000001:{port}/", Address("127.0.0.1")),
    ("http://0X7F000001:{port}/", Address("127.0.0.1")),
    ("http://017700000001:{port}/", Address("127.0.0.1")),
    ("http://0177.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://0177.0000.0000.0001:{port}/", Address("127.0.0.1")),
    ("http://0x7f.0x0.0x0.0x1:{port}/", Address("127.0.0.1")),
    ("http://0x7f.1:{port}/", Address("127.0.0.1")),
    ("http://127.1:{port}/", Address("127.0.0.1")),
    ("http://127.0.1:{port}/", Address("127.0.0.1")),
    ("http://127.0.0.1.:{port}/", Address("127.0.0.1")),
    ("http://127.0x0.00.1:{port}/", Address("127.0.0.1")),
    ("http://127.0.0.0x:{port}/", Address("127.0.0.0")),
    ("http://0:{port}/", Address("0.0.0.0")),
    ("http://0.0.0.0:{port}/", Address("0.0.0.0")),
    ("http://0x:{port}/", Address("0.0.0.0")),
    ("http://127.255.255.254:{port}/", Address("127.255.255.254")),
    ("http://%31%32%37.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://127%2e0%2E0%2e1:{port}/", Address("127.0.0.1")),
    ("http://0251.0376.0251.0376/latest/meta-data/", Address("169.254.169.254")),
    ("http://2852039166/latest/meta-data/", Address("169.254.169.254")),
    ("http://0xa9fea9fe/", Address("169.254.169.254")),
    ("http://169.254.43518/", Address("169.254.169.254")),
    ("http://10.1/", Address("10.0.0.1")),
    ("http://192.168.257/", Address("192.168.1.1")),
    ("http://255.255.255.255/", Address("255.255.255.255")),
    // Too large, too many parts, no number: no address, and mostly no name either.
    ("http://4294967296:{port}/", Invalid),
    ("http://127.0.0.256:{port}/", Invalid),
    ("http://127.0.0.0.1:{port}/", Invalid),
    ("http://127.0.0.1..:{port}/", Name("127.0.0.1..")),
    ("http://1.2.3.08:{port}/", Invalid),
    ("http://0x100000000:{port}/", Invalid),
    ("http://127.0.0.1%00.example.com:{port}/", Invalid),
    // Digits, dots and letters of other scripts that mean the same.
    ("http://①②⑦.0.0.①:{port}/", Address("127.0.0.1")),
    ("http://１２７.０.０.１:{port}/", Address("127.0.0.1")),
    ("http://127。0。0。1:{port}/", Address("127.0.0.1")),
    ("http://127．0．0．1:{port}/", Address("127.0.0.1")),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/", Name("localhost")),
    ("http://ｌｏｃａｌｈｏｓｔ:{port}/", Name("localhost")),
    ("http://local\u{ad}host:{port}/", Name("localhost")),
    ("http://BÜCHER.test:{port}/", Name("xn--bcher-kva.test")),
    ("http://xn--bcher-kva.test:{port}/", Name("xn--bcher-kva.test")),
    ("http://xn--a:{port}/", Invalid),
    // Forms of IPv6.
    ("http://[::1]:{port}/", Address("::1")),
    ("http://[::]:{port}/", Address("::")),
    ("http://[0:0:0:0:0:0:0:1]:{port}/", Address("::1")),
    ("http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/", Address("::1")),
    ("http://[::ffff:127.0.0.1]:{port}/", Address("127.0.0.1")),
    ("http://[::ffff:7f00:1]:{port}/", Address("127.0.0.1")),
    ("http://[::FFFF:7F00:0001]:{port}/", Address("127.0.0.1")),
    ("http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", Address("127.0.0.1")),
    ("http://[::127.0.0.1]:{port}/", Address("::7f00:1")),
    ("http://[64:ff9b::127.0.0.1]:{port}/", Address("64:ff9b::7f00:1")),
    ("http://[64:ff9b:1::7f00:1]:{port}/", Address("64:ff9b:1::7f00:1")),
    ("http://[2002:7f00:1::]:{port}/", Address("2002:7f00:1::")),
    ("http://[2001:0:7f00:1::]:{port}/", Address("2001:0:7f00:1::")),
    ("http://[fe80::1]:{port}/", Address("fe80::1")),
    ("http://[fd00:ec2::254]/latest/meta-data/", Address("fd00:ec2::254")),
    ("http://[fec0::1]/", Address("fec0::1")),
    ("http://[ff02::1]/", Address("ff02::1")),
    ("http://[2001:db8::1]/", Address("2001:db8::1")),
    ("http://[fe80::1%25eth0]:{port}/", Invalid),
    ("http://[::1%lo]:{port}/", Invalid),
    ("http://[::ffff:0x7f.0.0.1]:{port}/", Invalid),
    ("http://[::1:{port}/", Invalid),
    ("http://::1:{port}/", Invalid),
    ("http://[127.0.0.1]:{port}/", Invalid),
    // User info that looks like a host, and hosts that look like user info.
    ("http://example.com@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://example.com:80@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://example.com:80@example.org@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://example.com%2f@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://example.com%23@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://example.com;@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://127.0.0.1:{port}\\@example.com/", Address("127.0.0.1")),
    ("http://127.0.0.1:{port}?@example.com/", Address("127.0.0.1")),
    ("http://127.0.0.1:{port}#@example.com/", Invalid),
    ("http://127.0.0.1:{port}/@example.com", Address("127.0.0.1")),
    ("http://@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://:@127.0.0.1:{port}/", Address("127.0.0.1")),
    ("http://127.0.0.1 @example.com:{port}/", Invalid),
    ("http://127.0.0.1\t:{port}/", Invalid),
    ("http://127.0.0.1\r\nX-Injected:{port}/", Invalid),
    ("http://exam\nple.com:{port}/", Invalid),
    (" http://127.0.0.1:{port}/", Invalid),
    ("http://example.com:{port}/ HTTP/1.1\r\nHost: internal", Invalid),
    // Names that lead inside, spelt in several ways.
    ("http://localhost:{port}/", Name("localhost")),
    ("http://LOCALHOST:{port}/", Name("localhost")),
    ("http://localhost.:{port}/", Name("localhost.")),
    ("http://%6c%6f%63%61%6c%68%6f%73%74:{port}/", Name("localhost")),
    ("http://localhost.localdomain:{port}/", Name("localhost.localdomain")),
    ("http://127.0.0.1.nip.io:{port}/", Name("127.0.0.1.nip.io")),
    ("http://metadata.google.internal/", Name("metadata.google.internal")),
    ("http://instance-data:{port}/", Name("instance-data")),
    ("http://a..b:{port}/", Name("a..b")),
    // Other schemes, none, and no host.
    ("file:///etc/passwd", Invalid),
    ("gopher://127.0.0.1:{port}/_GET", Invalid),
    ("ftp://127.0.0.1:{port}/", Invalid),
    ("ws://127.0.0.1:{port}/", Invalid),
    ("unix:///var/run/docker.sock", Invalid),
    ("javascript://127.0.0.1/", Invalid),
    ("//127.0.0.1:{port}/", Invalid),
    ("/hook", Invalid),
    ("127.0.0.1:{port}", Invalid),
    ("http:127.0.0.1:{port}/", Invalid),
    ("http:/127.0.0.1:{port}/", Invalid),
    ("http:///127.0.0.1:{port}/", Invalid),
    ("http://\\127.0.0.1:{port}/", Invalid),
    ("http:\\\\127.0.0.1:{port}\\", Invalid),
    ("http+unix://127.0.0.1:{port}/", Invalid),
    ("http://", Invalid),
    ("http://:{port}/", Invalid),
    ("http://user@/", Invalid),
    ("", Invalid),
    // Ports that are none.
    ("http://127.0.0.1:0/", Invalid),
    ("http://127.0.0.1:65536/", Invalid),
    ("http://127.0.0.1:-1/", Invalid),
    ("http://127.0.0.1:80:{port}/", Invalid),
    // Characters that no host has.
    ("http://exa<mple.com:{port}/", Invalid),
    ("http://exa|mple.com:{port}/", Invalid),
    ("http://exa^mple.com:{port}/", Invalid),
    ("http://exa%20mple.com:{port}/", Invalid),
    ("http://exa%0d%0ample.com:{port}/", Invalid),
    ("http://exa%2fmple.com:{port}/", Invalid),
    ("http://exa%40mple.com:{port}/", Invalid),
    ("http://exa%zzmple.com:{port}/", Invalid),
];

#[tokio::test]
async fn no_way_of_writing_a_url_leads_to_a_forbidden_address() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let mut wrong = Vec::new();
    for &(text, expected) in HOSTILE {
        let fate = fate_of(&text.replace("{port}", &receiver.port.to_string())).await;
        let expected = match expected {
            Invalid => "invalid".to_owned(),
            Address(address) => format!("address {address}"),
            Name(name) => format!("name {name}"),
        };
        if fate != expected {
            wrong.push(format!("{text}: {fate} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(receiver.accepted().await, 0);
}

/// What becomes of a URL, which must not be called, where names lead to 127.0.0.1 and nothing is allowed.
async fn fate_of(text: &str) -> String {
    let Ok(url) = text.parse::<EndpointUrl>() else { return "invalid".to_owned() };
    let names = Arc::new(Names::answering(&["127.0.0.1"]));
    let transport =
        HttpTransport::new(TransportConfig::default()).unwrap().with_resolver(Arc::<Names>::clone(&names));
    let checked = url.check(&AddressPolicy::default(), false);
    let sent = transport.send(OutgoingRequest { url, ..request("http://x/", 80, GENEROUS) }).await;
    match (sent, checked, names.asked().as_slice()) {
        (Err(FailureReason::BlockedAddress), Err(RefusedUrl::BlockedAddress(address)), []) => {
            format!("address {address}")
        }
        (Err(FailureReason::BlockedAddress), Ok(()), [name]) => format!("name {name}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_no_url_is_refused_with_a_reason() {
    let refused = |text: &str| text.parse::<EndpointUrl>().unwrap_err();
    let long = format!("http://example.com/{}", "x".repeat(2048));
    assert_eq!(refused(&long), InvalidUrl::TooLong(long.len()));
    // Short enough as given, too long when escaped.
    assert!(matches!(refused(&format!("http://example.com/{}", "é".repeat(900))), InvalidUrl::TooLong(5419)));
    assert_eq!(refused("http://example.com/a b"), InvalidUrl::Blank);
    assert_eq!(refused("ftp://example.com/"), InvalidUrl::Scheme);
    assert!(matches!(refused("http:///path"), InvalidUrl::Host(_)));
    assert_eq!(refused("http://example.com:0/"), InvalidUrl::Port);
    assert_eq!(refused("http://example.com:99999/"), InvalidUrl::Port);
    assert_eq!(refused("http://example.com/#part"), InvalidUrl::Fragment);
}

#[test]
fn a_url_never_shows_its_password() {
    for (text, shown) in [
        ("https://user:secret@example.com/hook?a=b", "https://user:***@example.com/hook?a=b"),
        ("https://:secret@example.com:8443/", "https://:***@example.com:8443/"),
        // A user alone is often a token.
        ("https://secret@[2606:4700::1111]/", "https://***@[2606:4700::1111]/"),
        ("https://example.com/hook", "https://example.com/hook"),
    ] {
        let url: EndpointUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("EndpointUrl({shown:?})"));
        assert_eq!(url.as_str(), text);
        let request = OutgoingRequest { url, ..request("http://x/", 80, GENEROUS) };
        assert!(!format!("{request:?}").contains("secret"));
    }
}

proptest! {
    #[test]
    fn a_url_reads_back_from_its_text(text in "https?://([a-z]{0,4}(:[!-~]{0,4})?@)?[a-z0-9.-]{1,12}(:[0-9]{1,5})?(/[!-~é]{0,8})?") {
        if let Ok(url) = text.parse::<EndpointUrl>() {
            prop_assert_eq!(url.as_str().parse::<EndpointUrl>().unwrap(), url);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}", rest in "\\PC{0,40}") {
        drop(text.parse::<EndpointUrl>());
        drop(format!("http://{text}/{rest}").parse::<EndpointUrl>());
    }

    #[test]
    fn a_password_of_any_characters_is_not_shown(password in "[!-~]{12,20}") {
        let mut url = url::Url::parse("http://user@example.com/").unwrap();
        url.set_password(Some(&password)).unwrap();
        let escaped = url.password().unwrap().to_owned();
        let url: EndpointUrl = url.as_str().parse().unwrap();
        let shown = format!("{url} {url:?}");
        prop_assert!(!shown.contains(&password) && !shown.contains(&escaped));
    }
}
