//! The service that the user means, ready to be talked to.

use super::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::client::{Client, ClientError, ServiceAddress};
use crate::settings::Purpose;

/// A client of the service that `args` and the settings name.
pub(super) fn open(args: &ConnectionArgs) -> Result<Client, Failure> {
    let settings = super::settings(&args.settings, Purpose::Show)?;
    let address = args.url.clone().unwrap_or_else(|| ServiceAddress::of(settings.listen.address));
    Ok(Client::new(address, settings.client.api_key.as_ref())?)
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if error.is_misuse() { Self::Usage(error.to_string()) } else { Self::Other(error.to_string()) }
    }
}
