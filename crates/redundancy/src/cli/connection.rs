//! Which service a command talks to.

use clap::Args;

use super::service::SettingsArgs;
use super::values;
use crate::client::ServiceAddress;

/// A running service.
#[derive(Debug, Args)]
pub struct ConnectionArgs {
    /// The address of the service [default: the HOST and PORT of the settings]
    #[arg(
        long,
        value_name = "URL",
        value_parser = values::service_address,
        conflicts_with_all = ["host", "port"],
        help_heading = "Service",
        long_help = "The address of the service [default: the HOST and PORT of the settings]. One that asks for a key \
                     gets that of the setting REDUNDANCY_API_KEY. Over https:// its certificate must come from an authority \
                     that this machine believes; SSL_CERT_FILE names a PEM file with other ones. Where it wants a certificate of its clients, the settings \
                     REDUNDANCY_CLIENT_CERT and REDUNDANCY_CLIENT_KEY name PEM files with one and its private key"
    )]
    pub url: Option<ServiceAddress>,
    /// Print what the service says as JSON
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}
