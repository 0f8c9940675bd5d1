//! `/api/v1/keys`: the API keys of callers. A tenant's administrator sees and makes those of the tenant; whoever belongs to none, all.

use crate::app::Here;
use crate::envelope::{Envelope, Located, PageData};
use crate::error::ApiError;
use crate::middleware::audit::Concerns;
use crate::request::fields::Fields;
use crate::request::json::Json;
use crate::request::path::{Id, Named};
use crate::request::query::{Parameters, Queried, Query};
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Checked, Limits, NoParameters};
use crate::routes::paging::{self, PageParameters, Part};
use crate::wire::values::KeyName;
use axum::Router;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::routing::{delete, get};
use redundancy_engine::access::{ApiKey, KeyId, MAX_KEY_NAME_CHARS, NewKey, Scope, Tenant};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

use crate::app::App;

/// The longest time that a key may be given.
const MAX_LIFE_SECONDS: u64 = 10 * 365 * 86_400;

/// All routes about keys.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/keys", get(list).post(create)).route("/api/v1/keys/{id}", delete(revoke))
}

/// A key to be made.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    /// What people call it.
    #[schema(value_type = KeyName)]
    name: String,
    /// What its holder may do: `read`, `write` or `admin`, each of which includes those before it.
    #[schema(value_type = Vec<ScopeName>, min_items = 1, example = json!(["write"]))]
    scopes: Vec<String>,
    /// Whose things its holder sees: that of the caller, unless the caller belongs to none.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    tenant: Option<String>,
    /// How long it is good for; without an end when left out.
    #[schema(minimum = 1, maximum = 315_360_000)]
    expires_in_seconds: Option<u64>,
}

/// What the holder of a key may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Scope)]
#[expect(dead_code, reason = "describes what is read by name")]
enum ScopeName {
    /// Look.
    Read,
    /// Look and change.
    Write,
    /// All of it.
    Admin,
}

/// A request for a key.
pub(crate) struct Wanted {
    name: String,
    scope: Scope,
    tenant: Option<Tenant>,
    life: Option<Duration>,
}

/// A part of the list of keys.
pub(crate) struct KeyPage(Part<u128>);

/// A key, without what opens anything.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyData {
    /// Its id.
    #[schema(example = "key_01kb3yq7w2e5m8f1n4r6t9v0xz")]
    id: String,
    /// What people call it.
    name: String,
    /// What its holder may do.
    scopes: Vec<&'static str>,
    /// Whose things its holder sees.
    tenant: Option<String>,
    /// When it was made.
    created_at: String,
    /// From when on it is of no use.
    expires_at: Option<String>,
    /// Since when it is of no use.
    revoked_at: Option<String>,
    /// Whether it was made with `WEBHOOK_SECRET_KEY`: then it opens nothing without that, or with another one.
    needs_secret_key: bool,
}

/// A key that was made just now.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedKeyData {
    /// The key itself. It is shown this once, and kept nowhere.
    key: String,
    #[serde(flatten)]
    about: KeyData,
}

/// Make an API key
///
/// The answer shows the key, this once.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    operation_id = "create_key",
    tag = "Access",
    request_body(content = NewKeyBody, example = json!({"name": "ci", "scopes": ["write"], "expires_in_seconds": 7_776_000})),
    responses((status = 201, description = "Made", body = Envelope<CreatedKeyData>)),
)]
pub(crate) async fn create(
    Here(app): Here,
    Checked { body: Wanted { name, scope, tenant, life }, .. }: Checked<Wanted>,
) -> Result<(Extension<Concerns>, Located<CreatedKeyData>), ApiError> {
    let own = app.tenant().cloned();
    if own.is_some() && tenant.is_some() && tenant != own {
        return Err(ApiError::forbidden("You can make keys for your own tenant only: leave `tenant` out."));
    }
    let expires_at = life.map(|life| app.clock().now().plus(life));
    let new = NewKey { name, scope, tenant: own.or(tenant), expires_at };
    let (secret, kept) = ApiKey::new(new, app.access().pepper.as_ref(), app.clock(), app.ids());
    let (about, concerns) = (KeyData::from(kept.clone()), Concerns(kept.tenant.clone()));
    app.access().store.put_key(kept).await?;
    let location = format!("/api/v1/keys/{}", about.id);
    let made = CreatedKeyData { key: secret.reveal().to_owned(), about };
    Ok((Extension(concerns), Envelope::created(made, &location)))
}

/// List API keys
///
/// In the order in which they were made, also those that are of no use any more. Keys that the settings give are not among them.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "list_keys",
    tag = "Access",
    params(PageParameters),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<KeyData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(KeyPage(Part { page, list })): Queried<KeyPage>,
) -> Result<Envelope<PageData<KeyData>>, ApiError> {
    let page = page.map(KeyId::from_number);
    let found = app.access().store.keys(app.tenant(), page).await?;
    Ok(Envelope::ok(paging::answer(list, found.items, found.next.map(KeyId::number).as_ref())))
}

/// Revoke an API key
///
/// It opens nothing any more here, and nothing in other replicas from about a second later on.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{id}",
    operation_id = "revoke_key",
    tag = "Access",
    params(("id" = String, Path, description = "The id of the key")),
    responses((status = 204, description = "Revoked")),
)]
pub(crate) async fn revoke(
    Here(app): Here,
    Id(id): Id<KeyId>,
    _: NoParameters,
) -> Result<(StatusCode, Extension<Concerns>), ApiError> {
    let store = &app.access().store;
    let key = store.key(id).await?.ok_or_else(KeyId::unknown)?;
    // One of another tenant is as good as none.
    if app.tenant().is_some() && key.tenant.as_ref() != app.tenant() {
        return Err(KeyId::unknown());
    }
    store.revoke_key(id, app.clock().now()).await?.ok_or_else(KeyId::unknown)?;
    app.access().authentication.forget_key(id);
    Ok((StatusCode::NO_CONTENT, Extension(Concerns(key.tenant))))
}

impl Body for Wanted {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        let name = fields.required("name", name);
        let scope = fields.required("scopes", scopes);
        let tenant = fields.optional("tenant", rules::parsed);
        let life = fields.optional("expires_in_seconds", |value| {
            let seconds = rules::natural(value)?;
            if (1..=MAX_LIFE_SECONDS).contains(&seconds) {
                return Ok(Duration::from_secs(seconds));
            }
            Err(Refusal::new(format!("must be from 1 to {MAX_LIFE_SECONDS}, which is ten years")))
        });
        Some(Self { name: name?, scope: scope?, tenant: tenant?, life: life? })
    }
}

/// What people call a key.
pub(crate) fn name(value: Json<'_>) -> Result<String, Refusal> {
    let name = rules::string(value)?;
    let fits = !name.trim().is_empty() && name.chars().count() <= MAX_KEY_NAME_CHARS;
    if fits { Ok(name) } else { Err(Refusal::new(format!("must have 1 to {MAX_KEY_NAME_CHARS} characters"))) }
}

/// The largest of the scopes that are named: it includes the others.
fn scopes(value: Json<'_>) -> Result<Scope, Refusal> {
    let refused = || Refusal::new("must be a list of one or more of read, write and admin");
    let Json::Array(items) = value else { return Err(refused()) };
    let scopes = items.into_iter().map(rules::parsed::<Scope>).collect::<Result<Vec<_>, _>>();
    scopes.ok().and_then(|scopes| scopes.into_iter().max()).ok_or_else(refused)
}

impl Query for KeyPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        paging::part(parameters).map(Self)
    }
}

impl Named for KeyId {
    const UNKNOWN: &'static str = "There is no key with this id.";
}

impl From<ApiKey> for KeyData {
    fn from(key: ApiKey) -> Self {
        let shown = |moment: Option<redundancy_engine::Timestamp>| moment.map(|moment| moment.to_string());
        Self {
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
