//! The service with encryption of its own: its files, their renewal while it runs, who gets in, and the commands that talk to it.

use std::fs;
use std::io::{self, Write as _};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::kit::{Answer, Place, Service};

const ENCRYPTED: [(&str, &str); 2] = [("TLS_CERT", "cert.pem"), ("TLS_KEY", "key.pem")];
const GET_HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        Self::until(4000)
    }

    fn until(year: i32) -> Self {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(year, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self) -> Identity {
        self.certify_until(4000)
    }

    fn certify_until(&self, year: i32) -> Identity {
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Asks the service for its health as a client that believes this authority. Gives the certificate of the service too.
    fn ask(
        &self,
        service: &Service,
        shown: Option<&Identity>,
    ) -> io::Result<(String, CertificateDer<'static>)> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                    .unwrap()
            }
        };
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, service.connect());
        stream.write_all(GET_HEALTH)?;
        let mut answer = String::new();
        io::Read::read_to_string(&mut stream, &mut answer)?;
        Ok((answer, stream.conn.peer_certificates().unwrap()[0].clone().into_owned()))
    }
}

impl Identity {
    /// Puts the files of the certificate into a folder.
    fn put(&self, place: &Place) {
        fs::write(place.path().join("cert.pem"), &self.certificate).unwrap();
        fs::write(place.path().join("key.pem"), &self.key).unwrap();
    }
}

/// A folder with the files of a certificate and of its authority.
fn place_with(authority: &Authority, identity: &Identity) -> Place {
    let place = Place::new().file("ca.pem", authority.pem());
    identity.put(&place);
    place
}

#[test]
fn it_is_asked_over_tls_by_commands_that_believe_a_private_authority() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    let service = place.serve(&ENCRYPTED);
    let url = service.url();
    assert!(url.starts_with("https://"), "{url}");
    let (answer, _) = authority.ask(&service, None).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("max-age=31536000"), "{answer}");

    let believed = [("SSL_CERT_FILE", "ca.pem")];
    let run = place.run_with(&believed, &["health", "--url", &url]).ended_with(0);
    assert!(run.out.contains("is ready: status ok"), "{}", run.out);
    // The settings of the service say that it is encrypted, and where.
    let port = service.address.port().to_string();
    let settings = [ENCRYPTED[0], ENCRYPTED[1], believed[0], ("PORT", &port)];
    place.run_with(&settings, &["health"]).ended_with(0);
    let run = place.run(&["health", "--url", &url]).ended_with(1);
    assert!(run.err.contains("no secure connection") && run.err.contains("SSL_CERT_FILE"), "{}", run.err);
    let in_clear = url.replace("https", "http");
    let run = place.run(&["health", "--url", &in_clear]).ended_with(1);
    assert!(run.err.contains("400"), "{}", run.err);
}

#[test]
fn metrics_tell_until_when_the_certificate_is_good_also_after_its_renewal() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify_until(2100));
    let mut service = place.serve(&[ENCRYPTED[0], ENCRYPTED[1], ("METRICS_LISTEN", "127.0.0.1:0")]);
    let shown = |service: &Service| {
        let metrics = service.get_monitoring("/metrics").body;
        let line = metrics.lines().find_map(|line| line.strip_prefix("tls_certificate_not_after_seconds "));
        line.unwrap().to_owned()
    };
    assert_eq!(shown(&service), "4102444800.0");
    authority.certify_until(2101).put(&place);
    service.wait_for_log("new connections get the new certificate");
    assert_eq!(shown(&service), "4133980800.0");
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    let mut service = place.serve(&ENCRYPTED);
    let (_, first) = authority.ask(&service, None).unwrap();
    authority.certify().put(&place);
    service.wait_for_log("new connections get the new certificate");
    let (_, second) = authority.ask(&service, None).unwrap();
    assert_ne!(first, second);

    fs::write(place.path().join("key.pem"), authority.certify().key).unwrap();
    let line = service.wait_for_log("the one before stays in use");
    assert!(line.contains("TLS_KEY") && line.contains("the private key of another certificate"), "{line}");
    assert_eq!(authority.ask(&service, None).unwrap().1, second);
    fs::remove_file(place.path().join("cert.pem")).unwrap();
    let line = service.wait_for_log("the one before stays in use");
    assert!(line.contains("TLS_CERT") && line.contains("cannot be read"), "{line}");
    assert_eq!(authority.ask(&service, None).unwrap().1, second);
}

#[test]
fn clients_must_show_a_certificate_of_the_authority_in_force() {
    let (authority, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let place = place_with(&authority, &authority.certify()).file("clients.pem", clients.pem());
    let mut service = place.serve(&[ENCRYPTED[0], ENCRYPTED[1], ("TLS_CLIENT_CA", "clients.pem")]);
    let (one, other) = (clients.certify(), others.certify());
    let gets_in = |service: &Service, shown| authority.ask(service, shown).is_ok();
    assert!(gets_in(&service, Some(&one)) && !gets_in(&service, Some(&other)) && !gets_in(&service, None));
    fs::write(place.path().join("clients.pem"), others.pem()).unwrap();
    service.wait_for_log("new connections get the new certificate");
    assert!(!gets_in(&service, Some(&one)) && gets_in(&service, Some(&other)) && !gets_in(&service, None));
}

#[test]
fn commands_show_the_certificate_that_settings_name() {
    let authority = Authority::new();
    let shown = authority.certify();
    let place = place_with(&authority, &authority.certify())
        .file("shown.pem", &shown.certificate)
        .file("shown.key", &shown.key);
    let service = place.serve(&[ENCRYPTED[0], ENCRYPTED[1], ("TLS_CLIENT_CA", "ca.pem")]);
    let url = service.url();
    let believed = ("SSL_CERT_FILE", "ca.pem");
    let [certificate, key] =
        [("REDUNDANCY_CLIENT_CERT", "shown.pem"), ("REDUNDANCY_CLIENT_KEY", "shown.key")];
    place.run_with(&[believed, certificate, key], &["health", "--url", &url]).ended_with(0);
    let run = place.run_with(&[believed], &["health", "--url", &url]).ended_with(1);
    assert!(run.err.contains("REDUNDANCY_CLIENT_CERT"), "{}", run.err);
    let run = place.run_with(&[believed, certificate], &["health", "--url", &url]).ended_with(2);
    assert!(run.err.contains("REDUNDANCY_CLIENT_KEY") && run.err.contains("is needed"), "{}", run.err);
    let swapped = [believed, certificate, (key.0, "shown.pem")];
    let run = place.run_with(&swapped, &["health", "--url", &url]).ended_with(1);
    assert!(run.err.contains("shown.pem: holds no private key"), "{}", run.err);
}

#[test]
fn files_that_will_not_do_are_told_before_it_starts() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify()).file("other.pem", authority.certify().key);
    for (variables, said) in [
        (
            [ENCRYPTED[0], ("TLS_KEY", "other.pem")],
            "TLS_KEY = \"other.pem\" (environment): holds the private key of another",
        ),
        (
            [ENCRYPTED[0], ("TLS_KEY", "none.pem")],
            "TLS_KEY = \"none.pem\" (environment): cannot be read: No such file",
        ),
        (
            [("TLS_CERT", "key.pem"), ENCRYPTED[1]],
            "TLS_CERT = \"key.pem\" (environment): holds no certificate",
        ),
    ] {
        let run = place.run_with(&variables, &["serve", "--port", "0"]).ended_with(2);
        assert!(run.err.contains(said), "{}\nlacks {said}", run.err);
    }
}

#[test]
fn a_certificate_that_has_expired_is_warned_of() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify_until(2020));
    let mut service = place.serve(&ENCRYPTED);
    let line = service.wait_for_log("the certificate has expired");
    assert!(line.contains("WARN") && line.contains("2020-01-01T00:00:00.000Z"), "{line}");
}

#[test]
fn an_authority_of_clients_that_has_expired_is_warned_of() {
    let (authority, old) = (Authority::new(), Authority::until(2020));
    let both = format!("{}{}", authority.pem(), old.pem());
    let place = place_with(&authority, &authority.certify()).file("clients.pem", both);
    let mut service = place.serve(&[ENCRYPTED[0], ENCRYPTED[1], ("TLS_CLIENT_CA", "clients.pem")]);
    let line = service.wait_for_log("an authority of clients has expired");
    assert!(line.contains("TLS_CLIENT_CA") && line.contains("2020-01-01T00:00:00.000Z"), "{line}");
    // That is how TLS treats authorities, and why it is told.
    assert!(authority.ask(&service, Some(&old.certify())).is_ok());
}

/// A pipe that nobody writes to.
#[cfg(unix)]
fn make_pipe(place: &Place, name: &str) {
    let made = std::process::Command::new("mkfifo").arg(place.path().join(name)).status().unwrap();
    assert!(made.success());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_refused_before_it_starts() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    make_pipe(&place, "pipe.pem");
    std::os::unix::fs::symlink("pipe.pem", place.path().join("link.pem")).unwrap();
    for variables in [
        [("TLS_CERT", "pipe.pem"), ENCRYPTED[1], ("PORT", "0")],
        [ENCRYPTED[0], ("TLS_KEY", "link.pem"), ("PORT", "0")],
        [ENCRYPTED[0], ENCRYPTED[1], ("TLS_CLIENT_CA", "pipe.pem")],
    ] {
        let run = place.run_with(&variables, &["serve"]).ended_with(2);
        assert!(run.err.contains("cannot be read: it is no regular file"), "{}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_takes_the_place_of_a_file_does_not_keep_later_files_out() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    let mut service = place.serve(&ENCRYPTED);
    let path = place.path().join("cert.pem");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    make_pipe(&place, "cert.pem");
    let line = service.wait_for_log("the one before stays in use");
    assert!(line.contains("TLS_CERT") && line.contains("no regular file"), "{line}");
    fs::remove_file(&path).unwrap();
    let renewed = authority.certify();
    fs::write(place.path().join("key.pem"), renewed.key).unwrap();
    fs::write(&path, &renewed.certificate).unwrap();
    service.wait_for_log("new connections get the new certificate");
    assert_ne!(
        authority.ask(&service, None).unwrap().1.as_ref(),
        CertificateDer::from_pem_slice(&good).unwrap().as_ref()
    );
}

#[test]
fn it_ends_in_good_order() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    let service = place.serve(&ENCRYPTED);
    assert!(authority.ask(&service, None).is_ok());
    service.signal("TERM");
    let (code, log) = service.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn http_in_clear_is_answered_with_where_to_go() {
    let authority = Authority::new();
    let place = place_with(&authority, &authority.certify());
    let service = place.serve(&ENCRYPTED);
    let mut stream = service.connect();
    stream.write_all(GET_HEALTH).unwrap();
    let answer = Answer::read(stream);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("https://"), "{}", answer.body);
}
