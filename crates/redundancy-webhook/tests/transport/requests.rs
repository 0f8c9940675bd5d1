//! What receivers get.

use crate::receiver::{GENEROUS, Receiver, read_request, request, transport};
use http::{HeaderName, HeaderValue};
use redundancy_webhook::transport::{OutgoingRequest, Transport as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

/// What a receiver gets when `request` has been changed by `change`, as text in small letters; and its port.
async fn received(url: &str, change: impl FnOnce(&mut OutgoingRequest)) -> (String, u16) {
    let (requests, mut arrived) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream, _| {
        let requests = requests.clone();
        async move {
            requests.send(read_request(&mut stream).await.unwrap()).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let mut outgoing = request(url, receiver.port, GENEROUS);
    change(&mut outgoing);
    assert_eq!(transport().send(outgoing).await.unwrap().status, 204);
    (arrived.recv().await.unwrap(), receiver.port)
}

fn add(request: &mut OutgoingRequest, name: &'static str, value: &'static str) {
    request.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
}

#[tokio::test]
async fn a_request_arrives_as_a_post_with_its_path_headers_and_bytes() {
    let (text, port) = received("http://Receiver.TEST:{port}/a/b?c=d%20e&f", |request| {
        request.body = "{\"é\":1}".into();
        add(request, "webhook-id", "evt_1");
    })
    .await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[1..].sort_unstable();
    let host = format!("host: receiver.test:{port}");
    let agent = format!("user-agent: content-redundancy-detector/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "POST /a/b?c=d%20e&f HTTP/1.1",
            "content-length: 8",
            host.as_str(),
            agent.as_str(),
            "webhook-id: evt_1"
        ]
    );
    assert_eq!(body, "{\"é\":1}");
}

#[tokio::test]
async fn user_info_becomes_basic_authorization_and_is_not_in_the_request_line_or_host() {
    // From RFC 7617, section 2: Aladdin with "open sesame"; and its section 2.1: test with "123£".
    for (url, credentials) in [
        ("http://Aladdin:open%20sesame@receiver.test:{port}/", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("http://test:123£@receiver.test:{port}/", "dGVzdDoxMjPCow=="),
        ("http://token@receiver.test:{port}/", "dG9rZW46"),
    ] {
        let (text, port) = received(url, |_| ()).await;
        assert!(text.contains(&format!("\r\nauthorization: Basic {credentials}\r\n")), "{text}");
        assert!(
            text.starts_with("POST / HTTP/1.1\r\n")
                && text.contains(&format!("\r\nhost: receiver.test:{port}\r\n"))
        );
    }
}

#[tokio::test]
async fn an_authorization_of_the_callers_own_goes_before_user_info() {
    let (text, _) =
        received("http://a:b@receiver.test:{port}/", |request| add(request, "authorization", "Bearer x"))
            .await;
    assert!(text.contains("authorization: Bearer x\r\n") && !text.contains("Basic"));
}

#[tokio::test]
async fn headers_about_the_connection_are_not_the_callers_to_set() {
    let (text, port) = received("http://receiver.test:{port}/", |request| {
        for (name, value) in [
            ("host", "elsewhere.test"),
            ("content-length", "1000"),
            ("transfer-encoding", "chunked"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("keep-alive", "timeout=1"),
            ("proxy-connection", "close"),
            ("user-agent", "own/1"),
        ] {
            add(request, name, value);
        }
    })
    .await;
    let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "host", "user-agent"]);
    assert!(text.contains("content-length: 2\r\n") && text.contains("user-agent: own/1\r\n"));
    assert!(text.contains(&format!("host: receiver.test:{port}\r\n")));
}

#[tokio::test]
async fn no_proxy_of_the_environment_is_used() {
    let proxy = Receiver::answering("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
    // The environment of a running process cannot be changed safely, so a test of this program runs in another.
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "requests::a_request_arrives_as_a_post_with_its_path_headers_and_bytes"]);
    command.kill_on_drop(true);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, format!("http://127.0.0.1:{}", proxy.port));
    }
    let output = command.env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(proxy.accepted().await, 0);
}
