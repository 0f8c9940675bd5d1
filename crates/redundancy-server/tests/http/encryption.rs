//! TLS on the listener itself: who gets in, what is shown, what changes while it runs, and what speaks no TLS.

use crate::authority::{Authority, Identity, connect, encrypted};
use crate::service::Service;
use crate::socket::Listening;
use rcgen::{CertificateParams, date_time_ymd};
use redundancy_server::{Credentials, CredentialsFault, CredentialsPart, Encryption, ServeOptions};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::pki_types::CertificateDer;

const LAST: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const NEXT: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn listening(encryption: &Encryption) -> Listening {
    let service = Service::new();
    let options = encrypted(ServeOptions::new(service.app.readiness()), encryption);
    Listening::with(service, options).await
}

/// What comes in answer to `bytes` up to the end of the connection.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &str) -> io::Result<String> {
    stream.write_all(bytes.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

/// The certificate that the server showed.
fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Fails unless the server ends the connection without an answer, whether while it is set up or right after.
async fn assert_refused(connected: io::Result<TlsStream<TcpStream>>) {
    if let Ok(mut stream) = connected {
        let answer = exchange(&mut stream, LAST).await;
        assert!(answer.is_err(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_believes_the_certificate_is_answered_and_told_to_come_encrypted_again() {
    let authority = Authority::new();
    let listening = listening(&authority.certify("localhost").encryption(None)).await;
    for protocols in [&[][..], &["http/1.1"]] {
        let mut stream = connect(&listening, &authority.client(protocols, None)).await.unwrap();
        let answer = exchange(&mut stream, LAST).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=60\r\n"), "{answer}");
    }
    assert!(connect(&listening, &Authority::new().client(&[], None)).await.is_err());
}

#[tokio::test]
async fn a_service_in_clear_does_not_speak_of_encryption() {
    let listening = Listening::new(Service::new()).await;
    let reply = listening.exchange(NEXT).await;
    assert_eq!((reply.status, reply.header("strict-transport-security")), (200, None));
}

#[tokio::test]
async fn http_in_clear_is_told_to_come_encrypted() {
    let listening = listening(&Authority::new().certify("localhost").encryption(None)).await;
    let long = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(100_000));
    for request in [LAST, NEXT, &long] {
        let mut client = listening.connect().await;
        client.send(request).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
    }
    let mut client = listening.connect().await;
    client.send([0, 1, 2, 3]).await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_ends_the_connection() {
    let service = Service::new();
    let encryption = Authority::new().certify("localhost").encryption(None);
    let options = ServeOptions {
        handshake_timeout: Duration::from_millis(100),
        ..encrypted(ServeOptions::new(service.app.readiness()), &encryption)
    };
    let listening = Listening::with(service, options).await;
    assert_eq!(listening.connect().await.rest().await, "");
    let mut client = listening.connect().await;
    // The head of a record that never comes.
    client.send([0x16, 3, 1, 2, 0]).await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_up_the_end() {
    let listening = listening(&Authority::new().certify("localhost").encryption(None)).await;
    let mut client = listening.connect().await;
    client.send([0x16, 3, 1, 2, 0]).await;
    listening.begin_shutdown();
    assert_eq!(listening.ended().await.cut_off, 0);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn clients_without_a_certificate_of_the_authority_are_kept_out_if_there_is_one() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let listening = listening(&servers.certify("localhost").encryption(Some(&clients))).await;
    let known = clients.certify("client");
    let mut stream = connect(&listening, &servers.client(&[], Some(&known))).await.unwrap();
    assert!(exchange(&mut stream, LAST).await.unwrap().starts_with("HTTP/1.1 200"));
    let stranger = Authority::new().certify("client");
    for shown in [None, Some(&stranger)] {
        assert_refused(connect(&listening, &servers.client(&[], shown)).await).await;
    }
}

#[tokio::test]
async fn a_client_that_is_refused_gets_to_know_why_although_it_has_sent_a_request() {
    let authority = Authority::new();
    let listening = listening(&authority.certify("localhost").encryption(Some(&authority))).await;
    let mut stream = connect(&listening, &authority.client(&[], None)).await.unwrap();
    let error = exchange(&mut stream, LAST).await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn new_connections_get_a_new_certificate_and_old_ones_go_on() {
    let authority = Authority::new();
    let (old, new) = (authority.certify("localhost"), authority.certify("localhost"));
    let encryption = old.encryption(None);
    let listening = listening(&encryption).await;
    let client = authority.client(&[], None);
    let mut before = connect(&listening, &client).await.unwrap();
    encryption.replace(&new.credentials(None).unwrap());
    let after = connect(&listening, &client).await.unwrap();
    assert_ne!(shown(&before), shown(&after));
    assert!(exchange(&mut before, LAST).await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn sessions_are_resumed_until_the_certificate_is_replaced() {
    let authority = Authority::new();
    let identity = authority.certify("localhost");
    let encryption = identity.encryption(None);
    let listening = listening(&encryption).await;
    let client = authority.client(&[], None);
    let kind = async || {
        let mut stream = connect(&listening, &client).await.unwrap();
        // What the client needs to resume the session comes with the answer.
        exchange(&mut stream, LAST).await.unwrap();
        stream.get_ref().1.handshake_kind().unwrap()
    };
    assert_eq!((kind().await, kind().await), (HandshakeKind::Full, HandshakeKind::Resumed));
    encryption.replace(&identity.credentials(None).unwrap());
    assert_eq!(kind().await, HandshakeKind::Full);
}

#[test]
fn what_makes_no_credentials_is_told_by_part_and_remedy() {
    let (authority, other) = (Authority::new(), Authority::new());
    let Identity { certificate, key } = authority.certify("localhost");
    let other_key = other.certify("localhost").key;
    let broken = |text: &str| text.replacen("MI", "!!", 1);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, clients, fault, part) in [
        ("", &*key, None, CredentialsFault::NoCertificate, CredentialsPart::Certificate),
        (&key, &key, None, CredentialsFault::NoCertificate, CredentialsPart::Certificate),
        (&broken(&certificate), &key, None, CredentialsFault::BadCertificate, CredentialsPart::Certificate),
        (no_certificate, &key, None, CredentialsFault::BadCertificate, CredentialsPart::Certificate),
        (&certificate, "", None, CredentialsFault::NoKey, CredentialsPart::Key),
        (&certificate, &certificate, None, CredentialsFault::NoKey, CredentialsPart::Key),
        (&certificate, encrypted, None, CredentialsFault::EncryptedKey, CredentialsPart::Key),
        (&certificate, &broken(&key), None, CredentialsFault::BadKey, CredentialsPart::Key),
        (&certificate, &other_key, None, CredentialsFault::KeyDoesNotFit, CredentialsPart::Key),
        (
            &certificate,
            &key,
            Some(""),
            CredentialsFault::NoClientAuthority,
            CredentialsPart::ClientAuthorities,
        ),
        (
            &certificate,
            &key,
            Some(no_certificate),
            CredentialsFault::BadClientAuthority,
            CredentialsPart::ClientAuthorities,
        ),
    ] {
        let made = Credentials::from_pem(certificate.as_bytes(), key.as_bytes(), clients.map(str::as_bytes));
        assert_eq!(made.map(|_| ()).map_err(|fault| (fault, fault.part())), Err((fault, part)));
    }
    let together = format!("{key}{certificate}");
    Credentials::from_pem(together.as_bytes(), together.as_bytes(), Some(authority.pem.as_bytes())).unwrap();
}

#[test]
fn credentials_tell_when_they_are_valid() {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2026, 1, 2);
    params.not_after = date_time_ymd(2027, 3, 4);
    let credentials = Authority::new().certify_with(&params).credentials(None).unwrap();
    let validity = credentials.validity().unwrap();
    assert_eq!(validity.not_before.to_string(), "2026-01-02T00:00:00.000Z");
    assert_eq!(validity.not_after.to_string(), "2027-03-04T00:00:00.000Z");
}
