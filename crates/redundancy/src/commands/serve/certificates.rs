//! The encryption of the running service: made from its files, and made anew when they change.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use redundancy_engine::{Clock, Timestamp};
use redundancy_server::{Credentials, CredentialsPart, Encryption, Validity};

use super::super::Failure;
use crate::certificates::{CertificateContents, CertificateFault, CertificateFiles};
use crate::settings::Transport;
use crate::settings::transport::key_of;

/// How often the files are read. They are small, and reading tells also what the time of a change does not.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long before the end of a certificate the log begins to warn. By then one that is renewed by itself has been.
const WARN_BEFORE: Duration = Duration::from_hours(7 * 24);

/// The encryption of the service. While this is there, a thread watches over the files.
pub(super) struct Certificates {
    pub(super) encryption: Encryption,
    /// Ends the thread when it is dropped.
    _stop: Sender<()>,
}

/// How a certificate stands to the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    NotYet,
    EndsSoon,
    Over,
}

/// A certificate that is watched, lest its end comes as a surprise.
struct Watched {
    part: CredentialsPart,
    validity: Validity,
    /// As it was told the last time.
    standing: Standing,
}

/// Watches over the files.
struct Watch {
    files: CertificateFiles,
    encryption: Encryption,
    clock: Arc<dyn Clock>,
    /// What new connections get.
    in_use: CertificateContents,
    /// The certificate, and the authorities of clients.
    watched: Vec<Watched>,
    /// What was found the last time, if that is not in use.
    found: Option<Result<CertificateContents, CertificateFault>>,
    /// Whether that has been dealt with.
    is_told: bool,
}

impl Certificates {
    /// The encryption that the settings ask for, if they do.
    pub(super) fn of(transport: &Transport, clock: Arc<dyn Clock>) -> Result<Option<Self>, Failure> {
        let Some(files) = transport.certificates.clone() else { return Ok(None) };
        let read = || {
            let contents = files.read()?;
            let credentials = contents.credentials()?;
            Ok((contents, credentials))
        };
        let (in_use, credentials) = read().map_err(|fault: CertificateFault| {
            Failure::Other(format!("{}: the file {fault}", key_of(fault.part()).name))
        })?;
        let encryption = Encryption::new(&credentials, transport.hsts);
        let mut watch = Watch {
            files,
            encryption: encryption.clone(),
            clock,
            in_use,
            watched: Watched::all(&credentials),
            found: None,
            is_told: false,
        };
        watch.tell_standing();
        let (stop, stopped) = mpsc::channel();
        // Nobody waits for this thread: it does nothing that must be finished.
        let started = thread::Builder::new().name("certificates".to_owned()).spawn(move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                watch.look();
            }
        });
        started.map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
        Ok(Some(Self { encryption, _stop: stop }))
    }
}

impl Watch {
    /// Takes what the files hold now, if that is new and will do. It must have been there at the look before: files are often
    /// written in parts and one after another.
    fn look(&mut self) {
        let found = self.files.read();
        if found.as_ref().is_ok_and(|contents| *contents == self.in_use) {
            self.found = None;
        } else if self.found.as_ref() != Some(&found) {
            self.found = Some(found);
            self.is_told = false;
        } else if !self.is_told {
            self.is_told = true;
            match found.and_then(|contents| Ok((contents.credentials()?, contents))) {
                Ok((credentials, contents)) => self.take(&credentials, contents),
                Err(fault) => tracing::error!(
                    setting = key_of(fault.part()).name,
                    %fault,
                    "the new certificate will not do; the one before stays in use"
                ),
            }
        }
        self.tell_standing();
    }

    fn take(&mut self, credentials: &Credentials, contents: CertificateContents) {
        self.encryption.replace(credentials);
        self.watched = Watched::all(credentials);
        self.in_use = contents;
        self.found = None;
        let not_after = credentials.validity().map(|validity| tracing::field::display(validity.not_after));
        tracing::info!(not_after, "new connections get the new certificate");
    }

    /// Warns when a certificate in use begins not to be good.
    fn tell_standing(&mut self) {
        let now = self.clock.now();
        for watched in &mut self.watched {
            watched.tell_standing(now);
        }
    }
}

impl Watched {
    fn all(credentials: &Credentials) -> Vec<Self> {
        let own = credentials.validity().map(|validity| (CredentialsPart::Certificate, validity));
        let authorities = credentials.authorities().iter();
        let authorities = authorities.map(|validity| (CredentialsPart::ClientAuthorities, *validity));
        let all = own.into_iter().chain(authorities);
        all.map(|(part, validity)| Self { part, validity, standing: Standing::Good }).collect()
    }

    fn tell_standing(&mut self, now: Timestamp) {
        let Validity { not_before, not_after } = self.validity;
        let standing = Standing::at(now, not_before, not_after);
        if standing == self.standing {
            return;
        }
        self.standing = standing;
        let setting = key_of(self.part).name;
        match (standing, self.part == CredentialsPart::ClientAuthorities) {
            (Standing::Good, _) => {}
            (Standing::NotYet, false) => {
                tracing::warn!(setting, %not_before, "the certificate is not valid yet: clients will refuse it");
            }
            (Standing::EndsSoon, false) => {
                tracing::warn!(setting, %not_after, "the certificate ends soon: renew it");
            }
            (Standing::Over, false) => {
                tracing::warn!(setting, %not_after, "the certificate has expired: clients will refuse it");
            }
            (Standing::NotYet, true) => {
                tracing::warn!(setting, %not_before, "an authority of clients is not valid yet: its clients are let in all the same");
            }
            (Standing::EndsSoon, true) => {
                tracing::warn!(setting, %not_after, "an authority of clients ends soon: its clients are let in also after its end, until it is taken out");
            }
            (Standing::Over, true) => {
                tracing::warn!(setting, %not_after, "an authority of clients has expired: its clients are let in all the same, until it is taken out");
            }
        }
    }
}

impl Standing {
    fn at(now: Timestamp, not_before: Timestamp, not_after: Timestamp) -> Self {
        if now > not_after {
            Self::Over
        } else if now < not_before {
            Self::NotYet
        } else if now.plus(WARN_BEFORE) > not_after {
            Self::EndsSoon
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_good_between_its_beginning_and_a_week_before_its_end() {
        let day = |days: u64| Timestamp::from_millis(days * 24 * 3600 * 1000);
        let standing = |now: u64| Standing::at(day(now), day(10), day(100));
        assert_eq!([9, 10, 93].map(standing), [Standing::NotYet, Standing::Good, Standing::Good]);
        assert_eq!([94, 100, 101].map(standing), [Standing::EndsSoon, Standing::EndsSoon, Standing::Over]);
        // One that is made for a few days is near its end from its beginning on.
        assert_eq!(Standing::at(day(1), day(1), day(3)), Standing::EndsSoon);
    }
}
