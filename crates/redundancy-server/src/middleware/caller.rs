//! What a caller is called where callers are told apart: who it is, or where it is.

use super::client_address::{ClientAddress, Peer};
use crate::identity::Principal;
use axum::http::Extensions;
use redundancy_engine::access::Actor;
use std::sync::Arc;

/// The name of a caller.
#[derive(Debug, Clone)]
pub(super) struct CallerName(Arc<str>);

/// Whom a caller belongs to where memory and places are shared out: its tenant, which may make as many keys as it likes, or nobody but
/// itself. Empty before it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Party(Arc<str>);

impl CallerName {
    pub(super) fn new(principal: &Principal, address: ClientAddress) -> Self {
        let tenant = principal.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        let name = match &principal.actor {
            Actor::Anonymous | Actor::Operator => format!("address:{}", address.group()),
            Actor::ApiKey(id) => format!("key:{id}"),
            Actor::Token(id) => format!("token:{tenant}:{id}"),
        };
        Self(name.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Party {
    pub(super) fn new(principal: &Principal, caller: &CallerName) -> Self {
        match &principal.tenant {
            Some(tenant) => Self(format!("tenant:{tenant}").into()),
            None => Self(Arc::clone(&caller.0)),
        }
    }

    /// Whoever is at the other end of a connection, before it is known who asks.
    pub(crate) fn at(peer: Peer) -> Self {
        Self(format!("peer:{}", ClientAddress(Some(peer.address.ip())).group()).into())
    }

    /// That of the caller of a request that was admitted.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
impl From<&str> for Party {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}
