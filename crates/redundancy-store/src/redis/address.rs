//! Where Redis is: one server, or some nodes of a Cluster. Read from a URL, which may hold a password, so it is never shown.

use redis::{ConnectionInfo, IntoConnectionInfo as _};
use std::fmt;
use std::str::FromStr;

/// Where Redis is, from `redis://`, `rediss://` (TLS), `redis+cluster://` or `rediss+cluster://`. Of a Cluster one or more nodes
/// are named, with commas between them; it tells of the others itself.
#[derive(Clone)]
pub struct RedisAddress {
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) is_cluster: bool,
}

/// A text is no address of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be redis://[user:password@]host[:port][/database] (rediss:// with TLS) or \
     redis+cluster://[user:password@]host:port,host:port (rediss+cluster:// with TLS)"
)]
pub struct InvalidRedisAddress;

impl FromStr for RedisAddress {
    type Err = InvalidRedisAddress;

    fn from_str(text: &str) -> Result<Self, InvalidRedisAddress> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(InvalidRedisAddress)?;
        let (scheme, is_cluster) = match scheme {
            "redis" | "rediss" => (scheme, false),
            "redis+cluster" => ("redis", true),
            "rediss+cluster" => ("rediss", true),
            _ => return Err(InvalidRedisAddress),
        };
        let (user, hosts) = rest.rsplit_once('@').map_or(("", rest), |(user, hosts)| (user, hosts));
        let at = if user.is_empty() { "" } else { "@" };
        let hosts: Vec<&str> = if is_cluster { hosts.split(',').collect() } else { vec![hosts] };
        let node = |host: &str| format!("{scheme}://{user}{at}{host}").into_connection_info();
        let nodes: Result<Vec<_>, _> = hosts.into_iter().map(|host| node(host.trim())).collect();
        Ok(Self { nodes: nodes.map_err(|_| InvalidRedisAddress)?, is_cluster })
    }
}

impl fmt::Debug for RedisAddress {
    /// Hosts and ports only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes.iter().map(|node| node.addr().to_string());
        f.debug_list().entries(nodes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_and_clusters_are_read_and_their_passwords_are_not_shown() {
        for (text, shown, is_cluster) in [
            ("redis://127.0.0.1", r#"["127.0.0.1:6379"]"#, false),
            ("rediss://user:hidden@redis.example:6380/2", r#"["redis.example:6380"]"#, false),
            ("redis+cluster://:hidden@a:1,b:2", r#"["a:1", "b:2"]"#, true),
            ("rediss+cluster://a:1", r#"["a:1"]"#, true),
        ] {
            let address: RedisAddress = text.parse().unwrap();
            assert_eq!((format!("{address:?}").as_str(), address.is_cluster), (shown, is_cluster), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "127.0.0.1:6379", "http://127.0.0.1", "redis://", "redis+cluster://a:1,,b:2", "redis://a:x"]
        {
            assert!(text.parse::<RedisAddress>().is_err(), "{text}");
        }
    }
}
