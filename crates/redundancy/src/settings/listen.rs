//! Where the service listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::keys;
use super::parse;
use super::reader::{Parsed, Reader};

/// Where the service listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address, as HOST and PORT say it. Port 0 is any free port.
    pub address: SocketAddr,
    /// Where health and metrics are, in clear, if they have an address of their own.
    pub monitoring: Option<SocketAddr>,
}

impl Listen {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let host = reader.value(&keys::HOST, host);
        let port = reader.value(&keys::PORT, parse::number(0..=u16::MAX));
        let monitoring = reader.optional(&keys::METRICS_LISTEN, host_and_port);
        let address = SocketAddr::new(host?, port?);
        if monitoring == Some(address) && address.port() != 0 {
            reader.refuse(&keys::METRICS_LISTEN, "must be another address than that of HOST and PORT");
        }
        Some(Self { address, monitoring })
    }
}

/// An address of this machine. Names are not looked up: what one stands for can change, and with it who can connect.
fn host(text: &str) -> Parsed<IpAddr> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| {
        "must be an IP address of this machine, such as 127.0.0.1, 0.0.0.0 (all of IPv4) or :: (all)"
            .to_owned()
    })
}

/// An address of this machine and a port.
fn host_and_port(text: &str) -> Parsed<SocketAddr> {
    let parts = text.rsplit_once(':').and_then(|(address, port)| {
        let is_bare = address.contains(':') && !address.starts_with('[');
        // Without brackets the end of an IPv6 address cannot be told from a port.
        if is_bare { None } else { Some(SocketAddr::new(host(address).ok()?, port.parse().ok()?)) }
    });
    parts.ok_or_else(|| {
        "must be an IP address of this machine and a port, such as 127.0.0.1:9090, 0.0.0.0:9090 or [::1]:9090".to_owned()
    })
}
