//! Receivers that misbehave: each costs at most the time-out, and never more memory than is kept.

use crate::names::Silence;
use crate::receiver::{GENEROUS, Receiver, SHORT, call, loopback_allowed, read_request, request};
use redundancy_webhook::FailureReason;
use redundancy_webhook::transport::{HttpTransport, ReceiverResponse, Transport as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// The answer to `bytes` from a receiver that closes after them.
async fn answer_to(bytes: impl Into<Vec<u8>>) -> Result<ReceiverResponse, FailureReason> {
    call(&Receiver::closing_after(bytes).await, GENEROUS).await
}

#[tokio::test]
async fn any_complete_answer_is_an_answer_whatever_its_status() {
    for status in [200, 204, 299, 304, 400, 404, 410, 429, 500, 503, 599, 999] {
        let answer = answer_to(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")).await.unwrap();
        assert_eq!((answer.status, answer.body.len(), answer.is_truncated), (status, 0, false));
    }
}

#[tokio::test]
async fn bodies_of_every_framing_are_read_to_their_end() {
    for head in [
        "content-length: 5\r\n\r\nhello",
        "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nt: 1\r\n\r\n",
        "connection: close\r\n\r\nhello",
    ] {
        let answer = answer_to(format!("HTTP/1.1 200 OK\r\n{head}")).await.unwrap();
        assert_eq!((answer.body.as_slice(), answer.is_truncated), (&b"hello"[..], false), "{head}");
    }
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(answer_to(interim).await.unwrap().status, 202);
}

#[tokio::test]
async fn a_body_is_kept_up_to_16_kib() {
    for (length, is_truncated) in [(16_383, false), (16_384, false), (16_385, true), (1_000_000, true)] {
        let body = "x".repeat(length);
        for head in [format!("content-length: {length}"), "connection: close".to_owned()] {
            let answer = answer_to(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).await.unwrap();
            assert_eq!(
                (answer.body.len(), answer.is_truncated),
                (length.min(16_384), is_truncated),
                "{head}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_and_its_connection_closed() {
    for head in ["connection: close\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"] {
        let (closed, mut when_closed) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |mut stream, _| {
            let closed = closed.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await.unwrap();
                let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
                while stream.write_all(piece.as_bytes()).await.is_ok() {}
                closed.send(()).unwrap();
            }
        })
        .await;
        let answer = call(&receiver, GENEROUS).await.unwrap();
        assert_eq!((answer.status, answer.body.len(), answer.is_truncated), (200, 16_384, true));
        when_closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_body_announced_beyond_all_measure_is_not_read() {
    for length in ["16777217", "10000000000", "18446744073709551613"] {
        let answer = answer_to(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nxxxx")).await;
        assert_eq!(answer, Err(FailureReason::BodyTooLarge), "{length}");
    }
}

#[tokio::test]
async fn an_answer_that_ends_early_is_none() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        assert_eq!(answer_to(bytes).await, Err(FailureReason::Protocol), "{bytes:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_none() {
    let garbage: Vec<u8> = (0_u8..=250).cycle().step_by(37).take(2048).collect();
    let endless_chunk_size =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", "0".repeat(100_000));
    let cases: [&[u8]; 14] = [
        &garbage,
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"<html>200 OK</html>\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: minus one\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        endless_chunk_size.as_bytes(),
    ];
    for bytes in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!(answer_to(bytes).await, Err(FailureReason::Protocol), "{shown:?}");
    }
}

#[tokio::test]
async fn a_200_with_garbage_behind_it_is_an_answer_with_a_strange_body() {
    let garbage = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nx-odd: caf\xe9\r\n\r\n\xff\xfe\0\x01\x80\xc3";
    let answer = answer_to(*garbage).await.unwrap();
    assert_eq!(answer.body, b"\xff\xfe\0\x01\x80\xc3");
    assert!(answer.headers.contains(&("x-odd".to_owned(), "caf\u{fffd}".to_owned())));
}

#[tokio::test]
async fn a_huge_head_is_none_and_of_a_large_one_the_first_headers_are_kept() {
    for head in [
        format!("x: {}\r\n", "y".repeat(40_000)),
        "x: y\r\n".repeat(5_000),
        format!("{}: y\r\n", "x".repeat(70_000)),
    ] {
        let answer = answer_to(format!("HTTP/1.1 200 OK\r\n{head}content-length: 0\r\n\r\n")).await;
        assert_eq!(answer, Err(FailureReason::Protocol), "{} bytes", head.len());
    }
    let endless_reason = format!("HTTP/1.1 200 {}", "O".repeat(100_000));
    assert_eq!(answer_to(endless_reason).await, Err(FailureReason::Protocol));
    let many = answer_to(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", "x: y\r\n".repeat(90)))
        .await
        .unwrap();
    assert_eq!(many.headers.len(), 64);
    let wide = format!("x: {}\r\n", "y".repeat(3_000)).repeat(4);
    let wide = answer_to(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{wide}\r\n")).await.unwrap();
    assert_eq!(wide.headers.len(), 3, "content-length and two of 3001 bytes");
}

#[tokio::test]
async fn whoever_never_finishes_an_answer_costs_the_time_out_and_no_more() {
    let starts = [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];
    for start in starts {
        let (closed, mut when_closed) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |mut stream, _| {
            let closed = closed.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(start.as_bytes()).await.unwrap();
                // Nothing more comes, until the transport gives up.
                drop(stream.read(&mut [0; 16]).await);
                closed.send(()).unwrap();
            }
        })
        .await;
        assert_eq!(call(&receiver, SHORT).await, Err(FailureReason::Timeout), "{start:?}");
        when_closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_drip_of_bytes_does_not_hold_off_the_time_out() {
    for (start, drop_of) in [
        ("", "HTTP/1.1 200 OK\r\nx-endless: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
    ] {
        let (closed, mut when_closed) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |mut stream, _| {
            let closed = closed.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(start.as_bytes()).await.unwrap();
                let mut drops = drop_of.bytes().chain(std::iter::repeat(b'x'));
                let mut interval = tokio::time::interval(Duration::from_millis(50));
                while stream.write_all(&[drops.next().unwrap()]).await.is_ok() {
                    interval.tick().await;
                }
                closed.send(()).unwrap();
            }
        })
        .await;
        assert_eq!(call(&receiver, SHORT).await, Err(FailureReason::Timeout), "{start:?}");
        when_closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn interim_answers_without_end_do_not_hold_off_the_time_out() {
    let receiver = Receiver::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(call(&receiver, SHORT).await, Err(FailureReason::Timeout));
}

#[tokio::test]
async fn a_look_up_without_answer_costs_the_time_out_and_no_more() {
    let transport = HttpTransport::new(loopback_allowed()).unwrap().with_resolver(Arc::new(Silence));
    assert_eq!(transport.send(request("http://slow.test/", 80, SHORT)).await, Err(FailureReason::Timeout));
}

#[tokio::test]
async fn a_receiver_that_reads_nothing_costs_the_time_out_and_no_more() {
    let receiver = Receiver::start(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut request = request("http://deaf.test:{port}/", receiver.port, SHORT);
    request.body = vec![b'x'; 32 * 1024 * 1024].into();
    assert_eq!(crate::receiver::transport().send(request).await, Err(FailureReason::Timeout));
}
