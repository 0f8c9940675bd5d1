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
}

impl Listen {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let host = reader.value(&keys::HOST, host);
        let port = reader.value(&keys::PORT, parse::number(0..=u16::MAX));
        Some(Self { address: SocketAddr::new(host?, port?) })
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
