//! From a URL to a connection: one look-up, one check, and then the address that was checked.

use super::address::AddressPolicy;
use super::resolver::Resolver;
use super::stream::Stream;
use super::tls::Tls;
use crate::url::UrlHost;
use crate::{EndpointUrl, FailureReason};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::pki_types::ServerName;

/// How many addresses of a name are tried. With more, each would get too small a part of the time.
const MAX_DIALLED: usize = 8;

/// Opens connections.
pub(super) struct Dialer {
    pub(super) policy: AddressPolicy,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) tls: Tls,
}

impl Dialer {
    /// Connects to where `url` leads. The caller gives up at `deadline`; here it only divides the time between addresses.
    pub(super) async fn dial(&self, url: &EndpointUrl, deadline: Instant) -> Result<Stream, FailureReason> {
        let addresses = self.addresses(url).await?;
        let stream = connect_first(&addresses, url.port(), deadline).await?;
        // A request is one or two small writes, and nothing is gained by waiting for more. If the system refuses, it is
        // only slower.
        drop(stream.set_nodelay(true));
        if url.is_https() {
            let stream = self.tls.connect(server_name(url.host())?, stream).await?;
            Ok(Stream::encrypted(stream))
        } else {
            Ok(Stream::plain(stream))
        }
    }

    /// The addresses to try, all of them allowed. One that is not allowed among others refuses all: a name that leads to
    /// both sides of a wall is either an attack or a mistake.
    async fn addresses(&self, url: &EndpointUrl) -> Result<Vec<IpAddr>, FailureReason> {
        let addresses = match url.host() {
            UrlHost::Address(address) => vec![*address],
            UrlHost::Name(name) => self.resolver.resolve(name).await.map_err(|_| FailureReason::Dns)?,
        };
        if addresses.is_empty() {
            return Err(FailureReason::Dns);
        }
        if !addresses.iter().all(|&address| self.policy.allows(address)) {
            return Err(FailureReason::BlockedAddress);
        }
        Ok(addresses)
    }
}

/// The first address that accepts a connection. Each but the last may take an equal part of the time that is left.
async fn connect_first(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, FailureReason> {
    let tried = addresses.get(..MAX_DIALLED).unwrap_or(addresses);
    let mut remaining = u32::try_from(tried.len()).unwrap_or(u32::MAX);
    for address in tried {
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / remaining;
        remaining = remaining.saturating_sub(1).max(1);
        let address = SocketAddr::new(address.to_canonical(), port);
        if let Ok(Ok(stream)) = timeout_at(until, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(if Instant::now() >= deadline { FailureReason::Timeout } else { FailureReason::Connect })
}

/// Whom the certificate must be for.
fn server_name(host: &UrlHost) -> Result<ServerName<'static>, FailureReason> {
    match host {
        UrlHost::Address(address) => Ok(ServerName::from(*address)),
        UrlHost::Name(name) => ServerName::try_from(name.to_string()).map_err(|_| FailureReason::Tls),
    }
}
