//! Connections that are used again, and those that cannot be.

use crate::receiver::{GENEROUS, Receiver, SHORT, loopback_allowed, read_request, request, transport};
use redundancy_webhook::FailureReason;
use redundancy_webhook::transport::{HttpTransport, Transport as _, TransportConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    ] {
        let receiver = Receiver::answering(answer).await;
        let transport = transport();
        for _ in 0..20 {
            let sent = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
            assert_eq!(sent.unwrap().status.to_string(), answer[9..12]);
        }
        assert_eq!(receiver.accepted().await, 1, "{answer}");
    }
}

#[tokio::test]
async fn a_connection_is_not_shared_between_hosts() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport = transport();
    for name in ["a", "b", "a", "b"] {
        let url = format!("http://{name}.test:{{port}}/");
        assert_eq!(transport.send(request(&url, receiver.port, GENEROUS)).await.unwrap().status, 204);
    }
    assert_eq!(receiver.accepted().await, 2);
}

#[tokio::test]
async fn no_connection_is_kept_when_none_may_be() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport =
        HttpTransport::new(TransportConfig { max_idle_per_host: 0, ..loopback_allowed() }).unwrap();
    for _ in 0..3 {
        let sent = transport.send(request("http://127.0.0.1:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(sent.unwrap().status, 204);
    }
    assert_eq!(receiver.accepted().await, 3);
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_again_is_not() {
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n{}", "x".repeat(20_000));
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        // An answer that nobody asked for would be taken for that of the next request.
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 201 Smuggled\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        long.leak(),
    ] {
        let receiver = Receiver::answering(answer).await;
        let transport = transport();
        for _ in 0..3 {
            let sent = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
            assert_eq!(sent.unwrap().status.to_string(), answer[9..12]);
        }
        assert_eq!(receiver.accepted().await, 3, "{}", &answer[..60]);
    }
}

#[tokio::test]
async fn a_request_on_a_connection_that_the_receiver_closes_is_sent_on_a_new_one() {
    // The first connection answers once, and closes when the second request has arrived: there is no way to know before.
    let receiver = Receiver::start(|mut stream, number| async move {
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        if number > 0 && read_request(&mut stream).await.is_some() {
            stream.write_all(OK).await.unwrap();
        } else {
            read_request(&mut stream).await;
        }
    })
    .await;
    let transport = transport();
    for _ in 0..3 {
        let sent = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(sent.unwrap().body, b"ok");
    }
    assert_eq!(receiver.accepted().await, 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let (closed, mut when_closed) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream, _| {
        let closed = closed.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = transport();
    for _ in 0..5 {
        let sent = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
        assert_eq!(sent.unwrap().status, 200);
        when_closed.recv().await.unwrap();
    }
    assert_eq!(receiver.accepted().await, 5);
}

#[tokio::test]
async fn an_answer_that_comes_before_its_request_is_not_taken_for_it() {
    let (first_done, when_first_done) = tokio::sync::watch::channel(false);
    let (smuggled, mut when_smuggled) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream, number| {
        let (mut when_first_done, smuggled) = (when_first_done.clone(), smuggled.clone());
        async move {
            read_request(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            if number == 0 {
                when_first_done.wait_for(|&done| done).await.unwrap();
                stream.write_all(b"HTTP/1.1 201 Smuggled\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                smuggled.send(()).unwrap();
                read_request(&mut stream).await;
            }
        }
    })
    .await;
    let transport = transport();
    let send = || transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS));
    assert_eq!(send().await.unwrap().status, 200);
    first_done.send(true).unwrap();
    when_smuggled.recv().await.unwrap();
    // What came in before this exchange has been noticed when it is over.
    let other = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let exchange = transport.send(request("http://other.test:{port}/", other.port, GENEROUS)).await;
    assert_eq!(exchange.unwrap().status, 204);
    assert_eq!(send().await.unwrap().status, 200);
    assert_eq!(receiver.accepted().await, 2);
}

#[tokio::test]
async fn a_request_whose_answer_has_begun_is_not_sent_again() {
    let (requests, mut arrived) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream, _| {
        let requests = requests.clone();
        async move {
            for answer in [OK, b"HTTP/1.1 200 O"] {
                requests.send(read_request(&mut stream).await.unwrap()).unwrap();
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let transport = transport();
    let send = || transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS));
    assert_eq!(send().await.unwrap().status, 200);
    assert_eq!(send().await, Err(FailureReason::Protocol));
    assert_eq!(receiver.accepted().await, 1);
    assert!(arrived.recv().await.is_some() && arrived.recv().await.is_some() && arrived.try_recv().is_err());
}

#[tokio::test]
async fn a_connection_on_which_a_request_timed_out_is_not_used_again() {
    // The late answer to the first request must not become that of the second.
    let (go, when_to_go) = tokio::sync::watch::channel(false);
    let receiver = Receiver::start(move |mut stream, number| {
        let mut when_to_go = when_to_go.clone();
        async move {
            read_request(&mut stream).await;
            if number == 0 {
                when_to_go.wait_for(|&go| go).await.unwrap();
                drop(stream.write_all(b"HTTP/1.1 500 Late\r\ncontent-length: 0\r\n\r\n").await);
            } else {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let transport = transport();
    let late = transport.send(request("http://receiver.test:{port}/", receiver.port, SHORT)).await;
    assert_eq!(late, Err(FailureReason::Timeout));
    go.send(true).unwrap();
    let next = transport.send(request("http://receiver.test:{port}/", receiver.port, GENEROUS)).await;
    assert_eq!(next.unwrap().status, 200);
}
