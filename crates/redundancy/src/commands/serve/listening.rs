//! The addresses that the service listens on, and what it says about them.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::super::Failure;

/// Connections that wait to be accepted at most: a burst of clients should not be turned away.
const BACKLOG: u32 = 1024;

/// Listens on `address`; `settings` says how another one can be chosen.
pub(super) fn listen(address: SocketAddr, settings: &Settings) -> Result<TcpListener, Failure> {
    let socket = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the connections of the run before to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    socket()
        .map_err(|error| Failure::Other(format!("cannot listen on {address}: {}", settings.remedy(&error))))
}

/// What chooses an address.
pub(super) struct Settings {
    host: &'static str,
    port: &'static str,
}

/// Where the service itself is.
pub(super) const OF_SERVICE: Settings = Settings { host: "HOST or --host", port: "PORT or --port" };
/// Where health and metrics are.
pub(super) const OF_MONITORING: Settings = Settings { host: "METRICS_LISTEN", port: "METRICS_LISTEN" };

impl Settings {
    fn remedy(&self, error: &io::Error) -> String {
        let Self { host, port } = self;
        let known = [
            (
                io::ErrorKind::AddrInUse,
                format!("another program uses this port; stop it, or choose another one with {port}"),
            ),
            (
                io::ErrorKind::PermissionDenied,
                format!("the system does not allow this port; choose one above 1023 with {port}"),
            ),
            (
                io::ErrorKind::AddrNotAvailable,
                format!("this machine does not have that address; choose another one with {host}"),
            ),
        ];
        let remedy = known.into_iter().find(|(kind, _)| *kind == error.kind());
        remedy.map_or_else(|| error.to_string(), |(_, remedy)| remedy)
    }
}

/// Says where the service is. The log goes to standard error, so this line is all that stands on standard output.
pub(super) fn greet(address: SocketAddr, is_encrypted: bool, monitoring: Option<SocketAddr>) {
    let scheme = if is_encrypted { "https" } else { "http" };
    let monitoring = monitoring.map(|address| format!("; health and metrics are at http://{address}"));
    // A service that nobody listens to on standard output is none the worse for it.
    let _ = writeln!(
        io::stdout(),
        "redundancy {} listens on {scheme}://{address} (Ctrl-C ends it; the API is explained at {scheme}://{address}/docs{})",
        env!("CARGO_PKG_VERSION"),
        monitoring.unwrap_or_default()
    );
}
