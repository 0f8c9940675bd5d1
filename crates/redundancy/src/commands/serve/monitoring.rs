//! Health and metrics at an address of their own: for those who watch over the service, and who need not be its callers.

use std::net::SocketAddr;
use std::time::Duration;

use redundancy_server::{App, ServeOptions, monitoring_router, serve};
use tokio::net::TcpListener;

use super::super::Failure;
use super::listening::{self, listen};

/// Connections at the same time. Probes and scrapes need a few.
pub(super) const MAX_CONNECTIONS: usize = 256;
/// How long a scrape may go on after all else has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// The listener, and the address that the system gave it.
pub(super) struct Monitoring {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Monitoring {
    /// Listens where the settings say, if they do.
    pub(super) fn listen(address: Option<SocketAddr>) -> Result<Option<Self>, Failure> {
        let Some(address) = address else { return Ok(None) };
        let listener = listen(address, &listening::OF_MONITORING)?;
        let address = listener.local_addr()?;
        if !address.ip().to_canonical().is_loopback() {
            tracing::warn!(
                setting = "METRICS_LISTEN",
                "other machines can reach this address, and nobody is asked there who they are: see to it that only those can who watch over the service"
            );
        }
        Ok(Some(Self { listener, address }))
    }

    /// Answers in clear until `ended`: also while the service drains, so that it can be seen to.
    pub(super) async fn run(self, app: App, options: ServeOptions, ended: impl Future<Output = ()>) {
        let options = ServeOptions {
            max_connections: MAX_CONNECTIONS,
            drain_timeout: DRAIN,
            encryption: None,
            ..options
        };
        serve(self.listener, monitoring_router(app), options, ended).await;
    }
}
