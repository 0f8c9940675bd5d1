//! `redundancy keys`: makes, lists and revokes API keys in the store itself, so that there can be one before the service asks for it.

use std::sync::Arc;

use redundancy_engine::access::{AccessStore, Actor, ApiKey, AuditEntry, AuditId, KeyId, NewKey, Pepper};
use redundancy_engine::webhook::store::PageRequest;
use redundancy_engine::{Clock as _, StoreError, Timestamp};
use redundancy_store::{EmbeddedAccess, RedisAccess};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::output::{print_json, terminal_columns, to_people};
use super::serve::redis_config;
use super::{Failure, Outcome};
use crate::cli::keys::{CommonArgs, CreateArgs, KeysArgs, KeysCommand, ListArgs, RevokeArgs};
use crate::clock::SystemClock;
use crate::random::SystemRandom;
use crate::settings::storage::StorageType;
use crate::settings::{Purpose, Settings};
use crate::terminal::flow::Piece;
use crate::terminal::key;
use crate::terminal::style::{FAINT, PLAIN, STRONG};
use crate::terminal::when::When;

/// Keys that are read at once.
const PART: usize = 200;

/// Where keys are, opened.
struct Opened {
    runtime: Runtime,
    store: Arc<dyn AccessStore>,
    pepper: Option<Pepper>,
    clock: Arc<SystemClock>,
    random: Arc<SystemRandom>,
}

/// A key as it is printed for programs.
#[derive(Serialize)]
struct KeyJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    tenant: Option<String>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    needs_secret_key: bool,
}

#[derive(Serialize)]
struct KeysJson {
    items: Vec<KeyJson>,
}

pub(super) fn run(args: &KeysArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        KeysCommand::Create(args) => create(args, colour),
        KeysCommand::List(args) => list(args, colour),
        KeysCommand::Revoke(args) => revoke(args, colour),
    }
}

fn create(args: &CreateArgs, colour: bool) -> Result<Outcome, Failure> {
    let opened = Opened::open(&args.common)?;
    let expires_at = args.expires.map(|life| opened.clock.now().plus(life));
    let new = NewKey { name: args.name.clone(), scope: args.scope, tenant: args.tenant.clone(), expires_at };
    let (secret, kept) = ApiKey::new(new, opened.pepper.as_ref(), &*opened.clock, &*opened.random);
    opened.done(opened.store.put_key(kept.clone()))?;
    opened.note("key.created", &kept)?;
    if args.common.json {
        print_json(&KeyJson { key: Some(secret.reveal().to_owned()), ..KeyJson::from(kept) })?;
        return Ok(Outcome::Fine);
    }
    to_people(colour, |screen| {
        screen.line(&[Piece::new(STRONG, secret.reveal())])?;
        screen.line(&[
            Piece::new(FAINT, "This is the key; it is not shown again. Its id is "),
            Piece::new(PLAIN, kept.id.to_string()),
            Piece::new(FAINT, "."),
        ])
    })?;
    Ok(Outcome::Fine)
}

fn list(args: &ListArgs, colour: bool) -> Result<Outcome, Failure> {
    let opened = Opened::open(&args.common)?;
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { after, limit: PART };
        let part = opened.done(opened.store.keys(args.tenant.as_ref(), page))?;
        keys.extend(part.items);
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    if args.common.json {
        print_json(&KeysJson { items: keys.into_iter().map(KeyJson::from).collect() })?;
        return Ok(Outcome::Fine);
    }
    let when = When::now(&*opened.clock);
    to_people(colour, |screen| {
        if keys.is_empty() {
            return screen.line(&[Piece::new(PLAIN, "There are no keys.")]);
        }
        key::list(screen, terminal_columns(), &keys, opened.pepper.as_ref(), opened.clock.now(), when)
    })?;
    Ok(Outcome::Fine)
}

fn revoke(args: &RevokeArgs, colour: bool) -> Result<Outcome, Failure> {
    let opened = Opened::open(&args.common)?;
    let revoked = opened.done(opened.store.revoke_key(args.id, opened.clock.now()))?;
    let revoked = revoked.ok_or_else(|| unknown(args.id))?;
    opened.note("key.revoked", &revoked)?;
    if args.common.json {
        print_json(&KeyJson::from(revoked))?;
        return Ok(Outcome::Fine);
    }
    to_people(colour, |screen| {
        screen.line(&[Piece::new(STRONG, args.id.to_string()), Piece::new(PLAIN, " is revoked")])
    })?;
    Ok(Outcome::Fine)
}

impl Opened {
    fn open(args: &CommonArgs) -> Result<Self, Failure> {
        let settings = super::settings(&args.settings, Purpose::Show)?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let random =
            SystemRandom::new().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(random));
        let store = store(&settings, &clock, &random)?;
        Ok(Self { runtime, store, pepper: settings.delivery.pepper(), clock, random })
    }

    fn done<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
        self.runtime.block_on(work).map_err(|error| Failure::Other(error.to_string()))
    }

    /// Writes into the audit log what was done to `key`.
    fn note(&self, action: &str, key: &ApiKey) -> Result<(), Failure> {
        let entry = AuditEntry {
            id: AuditId::new(&*self.clock, &*self.random),
            at: self.clock.now(),
            actor: Actor::Operator,
            tenant: key.tenant.clone(),
            action: action.to_owned(),
            target: Some(key.id.to_string()),
            fields: Vec::new(),
            request_id: None,
            address: None,
        };
        self.done(self.store.record(entry))
    }
}

fn store(
    settings: &Settings,
    clock: &Arc<SystemClock>,
    random: &Arc<SystemRandom>,
) -> Result<Arc<dyn AccessStore>, Failure> {
    match settings.storage.storage_type {
        StorageType::Memory => Err(Failure::Usage(
            "WEBHOOK_STORAGE_TYPE=memory keeps nothing that another process could see: give keys in API_KEYS, or use another store"
                .to_owned(),
        )),
        StorageType::Redis => {
            let config = redis_config(settings, None, clock.clone(), random.clone())?;
            Ok(Arc::new(RedisAccess::new(config)))
        }
        StorageType::Auto | StorageType::Embedded => {
            let opened = EmbeddedAccess::open(&settings.storage.data_dir);
            Ok(Arc::new(opened.map_err(|error| Failure::Other(error.to_string()))?))
        }
    }
}

fn unknown(id: KeyId) -> Failure {
    Failure::Other(format!("there is no key {id}; `redundancy keys list` lists them"))
}

impl From<ApiKey> for KeyJson {
    fn from(key: ApiKey) -> Self {
        let shown = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        Self {
            key: None,
            id: key.id.to_string(),
            needs_secret_key: key.digest.is_keyed(),
            name: key.name,
            scopes: key.scope.names(),
            tenant: key.tenant.map(String::from),
            created_at: key.created_at.to_string(),
            expires_at: shown(key.expires_at),
            revoked_at: shown(key.revoked_at),
        }
    }
}
