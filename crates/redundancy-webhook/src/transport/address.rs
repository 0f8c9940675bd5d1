//! Which addresses may be called: those of the public Internet, and those that the operator allows.
//!
//! Whoever may register an endpoint could otherwise have the service call what only the service can reach: databases
//! beside it, the machine itself, a cloud's metadata (server-side request forgery). The tables follow IANA's registries of
//! special-purpose addresses, <https://www.iana.org/assignments/iana-ipv4-special-registry> and the same for IPv6. Where
//! these leave a doubt, the address is refused: no receiver lives there.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not reached over the public Internet: network and length of its prefix.
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    // "This network", the unspecified address among it (RFC 791).
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by carriers (RFC 6598); Alibaba Cloud's metadata among it.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback (RFC 1122).
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Microsoft Azure's platform services: public by number, but inside each virtual machine.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local (RFC 3927), and with it the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private (RFC 1918).
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments (RFC 6890); Oracle Cloud's metadata among it.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4, given up (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private (RFC 1918).
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarking (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast (RFC 5771).
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved (RFC 1112), broadcast among it.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The part of IPv6 that is given out for use between networks. All else is local, multicast or reserved: loopback,
/// link-local, site-local, unique local, discard-only `100::/64`, segment routing `5f00::/16`.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What inside [`GLOBAL_V6`] is not reached over the public Internet all the same.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849, RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, given up (RFC 7526).
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// What translates to IPv4 for all networks alike (RFC 6052).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// What a network's own translator takes (RFC 8215).
const NAT64_LOCAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48);
/// IPv4 over IPv6 by servers of Teredo (RFC 4380).
const TEREDO: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32);
/// IPv6 over IPv4 by relays (RFC 3056).
const SIX_TO_FOUR: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// Which addresses may be called. Asking costs some dozen comparisons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// The public Internet, and beside it the networks in `allowed`.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether `address` may be called.
    ///
    /// An IPv6 address that stands for one of IPv4 (mapped, or NAT64's common prefix) is judged as that one. Other forms
    /// that carry an IPv4 address (compatible, a network's own NAT64, 6to4, Teredo, ISATAP) need both to be allowed.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.allows_v4(address),
            IpAddr::V6(address) => self.allows_v6(address),
        }
    }

    fn allows_v4(&self, address: Ipv4Addr) -> bool {
        is_global_v4(address) || self.is_listed(address.into())
    }

    fn allows_v6(&self, address: Ipv6Addr) -> bool {
        if let Some(mapped) = address.to_ipv4_mapped() {
            return self.allows_v4(mapped);
        }
        if is_in_v6(address, NAT64) {
            return self.allows_v4(low_v4(address.to_bits()));
        }
        (is_global_v6(address) || self.is_listed(address.into()))
            && embedded(address).into_iter().flatten().all(|inner| self.allows_v4(inner))
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4
        .iter()
        .any(|&(network, length)| (address.to_bits() ^ network.to_bits()).leading_zeros() >= length)
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    is_in_v6(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|&network| is_in_v6(address, network))
}

fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

/// The IPv4 addresses that an IPv6 address carries, by the forms that need both to be allowed.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let bits = address.to_bits();
    let low = low_v4(bits);
    if is_in_v6(address, NAT64_LOCAL) {
        // Where the address stands depends on the length of the translator's prefix, which only that network knows:
        // /48, /56, /64 or /96, each leaving out bits 64 to 71 (RFC 6052, section 2.2). All readings must be allowed.
        // What reads as 0.0.0.0/8, which no translator passes on, is rather the zeros of another form.
        let readings = [
            low_v4((bits >> 64 & 0xffff) << 16 | (bits >> 40 & 0xffff)),
            low_v4((bits >> 64 & 0xff) << 24 | (bits >> 32 & 0xff_ffff)),
            low_v4(bits >> 24),
            low,
        ];
        return readings.map(|reading| (reading.octets()[0] != 0).then_some(reading));
    }
    if is_in_v6(address, TEREDO) {
        // The server, and the client with all bits turned.
        return [Some(low_v4(bits >> 64)), Some(low_v4(!bits)), None, None];
    }
    if is_in_v6(address, SIX_TO_FOUR) {
        return [Some(low_v4(bits >> 80)), isatap(bits), None, None];
    }
    let is_compatible = bits >> 32 == 0 && !address.is_unspecified() && !address.is_loopback();
    [is_compatible.then_some(low), isatap(bits), None, None]
}

/// The IPv4 address of an ISATAP interface, `…:0:5efe:a.b.c.d` or `…:200:5efe:a.b.c.d` under any prefix (RFC 5214).
fn isatap(bits: u128) -> Option<Ipv4Addr> {
    matches!(bits >> 32 & 0xffff_ffff, 0x0000_5efe | 0x0200_5efe).then(|| low_v4(bits))
}

/// The lowest 32 bits as an address.
fn low_v4(bits: u128) -> Ipv4Addr {
    let [.., a, b, c, d] = bits.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}
