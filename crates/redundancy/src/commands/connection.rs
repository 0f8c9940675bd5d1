//! The service that the user means, ready to be talked to.

use super::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::client::{Client, ClientError, ServiceAddress};
use crate::settings::Purpose;

/// A client of the service that `args` and the settings name.
pub(super) fn open(args: &ConnectionArgs) -> Result<Client, Failure> {
    let settings = super::settings(&args.settings, Purpose::Show)?;
    let is_encrypted = settings.transport.certificates.is_some();
    let of_settings = || ServiceAddress::of(settings.listen.address, is_encrypted);
    let address = args.url.clone().unwrap_or_else(of_settings);
    Ok(Client::new(address, settings.client.api_key.as_ref())?.with_certificate(settings.client.certificate))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if error.is_misuse() { Self::Usage(error.to_string()) } else { Self::Other(error.to_string()) }
    }
}
