//! Who is asking: what callers prove it with, and what follows from it.
//!
//! [`Access`] is what the executable puts together from settings. The layer `middleware/admission.rs` asks it about every request. What
//! a scope is, and what is kept of keys, is said in [`redundancy_engine::access`].

mod api_keys;
pub(crate) mod credential;
mod key_set;
mod tokens;

pub use api_keys::{ApiKeys, FixedKey};
pub(crate) use key_set::IssuerContact;
pub use key_set::KeySetSource;
pub use tokens::{TokenRules, Tokens, Verification};

use crate::app::{Workspace, Workspaces};
use axum::http::HeaderMap;
use ipnet::IpNet;
use redundancy_engine::StoreError;
use redundancy_engine::access::{AccessStore, Actor, KeyId, Pepper, Quota, RateLimiter, Scope, Tenant};
use std::sync::Arc;
use std::time::Duration;

/// How callers prove who they are.
#[derive(Debug)]
pub enum Authentication {
    /// They do not: everybody may do everything.
    None,
    /// By a key.
    ApiKey(ApiKeys),
    /// By a JSON Web Token (RFC 7519).
    Jwt(Tokens),
}

/// Who may do what, and how often.
pub struct Access {
    /// How callers prove who they are.
    pub authentication: Authentication,
    /// Where keys and the audit log are.
    pub store: Arc<dyn AccessStore>,
    /// What goes into the digests of new keys.
    pub pepper: Option<Pepper>,
    /// Who counts requests.
    pub rates: Arc<dyn RateLimiter>,
    /// How much each caller may ask.
    pub quota: Quota,
    /// Whose word about the address of a caller is believed (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpNet>,
    /// What tenants have.
    pub workspaces: Arc<dyn Workspaces>,
}

/// A caller that has proved who it is, or need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Who it is.
    pub(crate) actor: Actor,
    /// What it may do.
    pub(crate) scope: Scope,
    /// Whose things it sees.
    pub(crate) tenant: Option<Tenant>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// It did not prove who it is, or not well enough: what would do.
    Unproven(&'static str),
    /// It is known, and may do nothing here: why.
    Forbidden(&'static str),
    /// Whether the proof is good could not be found out.
    Unknown(StoreError),
    /// It names a key that is not known here, and the issuer may have it by now: [`Authentication::identify_anew`] asks.
    NewKey,
    /// The keys of the issuer of tokens are not known, and it does not say what they are.
    NoKeys,
}

/// No tenants: for services that do not know callers apart.
#[derive(Debug)]
struct NoWorkspaces;

impl Access {
    /// Everybody may do everything, as often as is sane.
    #[must_use]
    pub fn open(store: Arc<dyn AccessStore>, rates: Arc<dyn RateLimiter>) -> Self {
        Self {
            authentication: Authentication::None,
            store,
            pepper: None,
            rates,
            quota: Quota { requests: 1_000_000_000, window: Duration::from_mins(1) },
            trusted_proxies: Vec::new(),
            workspaces: Arc::new(NoWorkspaces),
        }
    }
}

impl Authentication {
    /// Who a request with these headers is from. It does not wait for the issuer of tokens.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        match self {
            Self::None => Ok(Principal { actor: Actor::Anonymous, scope: Scope::Admin, tenant: None }),
            Self::ApiKey(keys) => keys.identify(credential::key(headers)?).await,
            Self::Jwt(tokens) => tokens.identify(credential::token(headers)?),
        }
    }

    /// The key `id` was revoked: it opens nothing here any more, without waiting until the store is asked again.
    pub(crate) fn forget_key(&self, id: KeyId) {
        match self {
            Self::ApiKey(keys) => keys.forget(id),
            Self::None | Self::Jwt(_) => {}
        }
    }

    /// How the issuer of tokens answers, where one is asked.
    pub(crate) fn issuer(&self) -> Option<IssuerContact> {
        match self {
            Self::None | Self::ApiKey(_) => None,
            Self::Jwt(tokens) => tokens.issuer(),
        }
    }

    /// The same after a [`Refusal::NewKey`]: waits until the issuer of tokens was asked for its keys, if not too many wait for that already.
    pub(crate) async fn identify_anew(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        match self {
            Self::None | Self::ApiKey(_) => self.identify(headers).await,
            Self::Jwt(tokens) => tokens.identify_anew(credential::token(headers)?).await,
        }
    }
}

#[async_trait::async_trait]
impl Workspaces for NoWorkspaces {
    async fn of(&self, _: &Tenant) -> Result<Arc<Workspace>, StoreError> {
        Err(StoreError::Unavailable("there are no tenants here".to_owned()))
    }

    fn open(&self) -> Vec<Arc<Workspace>> {
        Vec::new()
    }
}
