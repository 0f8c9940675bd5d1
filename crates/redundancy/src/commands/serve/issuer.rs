//! Fetches the public keys of the issuer of tokens.

use std::time::Duration;

use async_trait::async_trait;
use redundancy_server::KeySetSource;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use crate::client::{Call, Client, ClientError, Location};
use crate::settings::Access;

/// How long each of at most two exchanges may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Where an issuer says where its keys are (`OpenID` Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// So much of what an issuer calls itself stands in the log, in characters.
const LONGEST_NAME: usize = 200;

/// The issuer of tokens, as the settings name it.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    key_set_url: Option<Location>,
    /// The address of the issuer, where to ask for it otherwise.
    address: String,
    tasks: TaskTracker,
}

impl Issuer {
    pub(super) fn new(access: &Access) -> Self {
        let address = access.token_rules.issuer.clone().unwrap_or_default();
        Self { key_set_url: access.key_set_url.clone(), address, tasks: TaskTracker::new() }
    }

    /// Blocks: a client has a runtime of its own. What goes wrong is told without queries and without what may hold a password.
    fn fetch_now(&self) -> Result<Vec<u8>, String> {
        if let Some(location) = &self.key_set_url {
            return get(location);
        }
        let discovery = format!("{}{DISCOVERY}", self.address.trim_end_matches('/'));
        let discovery: Location = discovery.parse().map_err(|error| format!("JWT_ISSUER {error}"))?;
        let asked = get(&discovery)?;
        let said: Value = serde_json::from_slice(&asked).map_err(|error| error.to_string())?;
        let text = |member: &str| said.get(member).and_then(Value::as_str);
        // OpenID Connect Discovery 1.0, section 4.3: or one issuer could speak for another.
        let name = text("issuer").unwrap_or_default();
        if name != self.address {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            return Err(format!(
                "{discovery} is of the issuer {name:?}, which is not JWT_ISSUER to the letter"
            ));
        }
        let url = text("jwks_uri").ok_or("the issuer does not say where its keys are")?;
        let url = url.parse().map_err(|error| format!("the `jwks_uri` that the issuer tells {error}"))?;
        get(&url)
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

fn get(location: &Location) -> Result<Vec<u8>, String> {
    let client = Client::new(location.service().clone(), None).map_err(|error| error.to_string())?;
    let call = Call::get(location.target()).within(DEADLINE);
    let answer = client.answer(&call).map_err(told)?;
    if !answer.status.is_success() {
        return Err(format!("{location} answers {}", answer.status));
    }
    Ok(answer.body.to_vec())
}

/// What is wrong, without what an error tells those who look for this service.
fn told(error: ClientError) -> String {
    if let ClientError::Unreachable { address, why } = error {
        format!("cannot connect to {address}: {why}")
    } else if let ClientError::Foreign(address) = error {
        format!("{address} does not answer in HTTP")
    } else {
        error.to_string()
    }
}
