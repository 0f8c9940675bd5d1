//! Fetches the public keys of the issuer of tokens.

use std::time::Duration;

use async_trait::async_trait;
use redundancy_server::KeySetSource;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use crate::client::{Call, Client, ServiceAddress};
use crate::settings::Access;

/// How long each of at most two exchanges may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Where an issuer says where its keys are (`OpenID` Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The issuer of tokens, as the settings name it.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    key_set_url: Option<String>,
    /// The address of the issuer, where to ask for it otherwise.
    address: String,
    tasks: TaskTracker,
}

impl Issuer {
    pub(super) fn new(access: &Access) -> Self {
        let address = access.token_rules.issuer.clone().unwrap_or_default();
        Self { key_set_url: access.key_set_url.clone(), address, tasks: TaskTracker::new() }
    }

    /// Blocks: a client has a runtime of its own.
    fn fetch_now(&self) -> Result<Vec<u8>, String> {
        if let Some(url) = &self.key_set_url {
            return get(url);
        }
        let asked = get(&format!("{}{DISCOVERY}", self.address.trim_end_matches('/')))?;
        let said: Value = serde_json::from_slice(&asked).map_err(|error| error.to_string())?;
        let url = said.get("jwks_uri").and_then(Value::as_str);
        get(url.ok_or("the issuer does not say where its keys are")?)
    }
}

#[async_trait]
impl KeySetSource for Issuer {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let issuer = self.clone();
        let fetched = self.tasks.spawn_blocking(move || issuer.fetch_now());
        fetched.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn get(url: &str) -> Result<Vec<u8>, String> {
    let address: ServiceAddress = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let client = Client::new(address, None).map_err(|error| error.to_string())?;
    let answer = client.answer(&Call::get("").within(DEADLINE)).map_err(|error| error.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("{url} answers {}", answer.status));
    }
    Ok(answer.body.to_vec())
}
