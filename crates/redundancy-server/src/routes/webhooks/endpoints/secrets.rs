//! The signing secret of an endpoint: shown on request, and replaced with an overlap.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::{ApiError, Failure};
use crate::request::fields::Fields;
use crate::request::path::{Id, Named};
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Checked, Limits, NoParameters};
use crate::wire::values::Secret;
use redundancy_engine::webhook::SigningSecret;
use redundancy_engine::webhook::ids::EndpointId;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long the secret before signs too, unless the caller says otherwise.
const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);
/// The longest time that it may.
const MAX_OVERLAP_SECONDS: u64 = 30 * 86_400;

/// How a secret is to be replaced.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationBody {
    /// The new secret; made when left out.
    #[schema(value_type = Option<Secret>)]
    secret: Option<String>,
    /// How long the secret before signs too.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: Option<u64>,
}

/// A request to replace a secret.
pub(crate) struct Rotation {
    secret: Option<SigningSecret>,
    overlap: Duration,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotatedData {
    /// The new secret.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// When the secret before signs no more. Until then requests carry a signature by each.
    #[schema(example = "2026-01-03T03:04:05.678Z")]
    previous_expires_at: String,
}

/// A secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretData {
    /// What deliveries are signed with.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// Replace the signing secret
///
/// Both the new and the old secret sign during the overlap, so that receivers have time to follow. At most four earlier secrets
/// sign beside the current one: with more rotations than that in one overlap the oldest goes early.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/endpoints/{id}/rotate-secret",
    operation_id = "rotate_secret",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    request_body(content = RotationBody, example = json!({"overlap_seconds": 86400})),
    responses(
        (status = 200, description = "The new secret", body = Envelope<RotatedData>),
        (status = 409, description = "Others changed the endpoint at the same time, again and again", body = Failure),
    ),
)]
pub(crate) async fn rotate(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    Checked { body: Rotation { secret, overlap }, .. }: Checked<Rotation>,
) -> Result<Envelope<RotatedData>, ApiError> {
    let (secret, expires_at) = app.webhooks().rotate_secret(&id, secret, overlap).await?;
    Ok(Envelope::ok(RotatedData { secret: secret.reveal(), previous_expires_at: expires_at.to_string() }))
}

/// Show the signing secret
///
/// Each time this is done is written into the audit log.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/endpoints/{id}/secret",
    operation_id = "show_secret",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    responses((status = 200, description = "The secret", body = Envelope<SecretData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    _: NoParameters,
) -> Result<Envelope<SecretData>, ApiError> {
    let record = app.webhooks().endpoint(&id).await?.ok_or_else(EndpointId::unknown)?;
    Ok(Envelope::ok(SecretData { secret: record.endpoint.secret.reveal() }))
}

impl Body for Rotation {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;
    const MAY_BE_EMPTY: bool = true;

    fn read(fields: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        let secret = fields.optional("secret", rules::parsed);
        let overlap = fields.optional("overlap_seconds", |value| {
            let seconds = rules::natural(value)?;
            if seconds > MAX_OVERLAP_SECONDS {
                return Err(Refusal::new(format!(
                    "must be from 0 to {MAX_OVERLAP_SECONDS}, which is 30 days"
                )));
            }
            Ok(Duration::from_secs(seconds))
        });
        Some(Self { secret: secret?, overlap: overlap?.unwrap_or(DEFAULT_OVERLAP) })
    }
}
