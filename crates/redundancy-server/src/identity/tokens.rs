//! Callers with JSON Web Tokens (RFC 7519), as RFC 8725 advises: the algorithm follows from the key and not from the token, issuer,
//! audience and expiry are checked, and nothing unsigned is looked at.

use super::key_set::{Found, IssuerContact, KeySet, KeySetSource, TooManyWait};
use super::{Principal, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use redundancy_engine::Clock;
use redundancy_engine::access::{Actor, Scope, Tenant};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// How far the clocks of issuers may be off, in seconds.
const LEEWAY_SECONDS: u64 = 30;
/// Claims that tell scopes, the first that is there: as a text with blanks (RFC 8693), or as a list.
const SCOPE_CLAIMS: [&str; 3] = ["scope", "scp", "permissions"];
/// What scopes may begin with, for issuers that serve many services.
const SCOPE_PREFIXES: [&str; 2] = ["redundancy:", "redundancy."];

/// Longest name of a holder, in bytes: what `OpenID` Connect Core 1.0, section 2, allows for `sub`.
const MAX_HOLDER_BYTES: usize = 255;

const LONG_HOLDER: &str =
    "The token calls its holder by more than the 255 characters that are allowed for `sub`.";
const BAD: &str = "The token is not valid here: get a new one from your issuer.";
const EXPIRED: &str = "The token has expired, or is not valid yet: get a new one from your issuer.";
const NO_SCOPE: &str = "The token says nothing of what its holder may do: its claim `scope`, `scp` or `permissions` must name read, write or admin.";
const NO_TENANT: &str =
    "The token names a tenant that cannot be one: its name has 1 to 64 letters, digits, _ or -.";

/// What a token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// Who issued it (`iss`).
    pub issuer: Option<String>,
    /// For whom it was issued (`aud`).
    pub audience: Option<String>,
    /// The claim that names the tenant of its holder.
    pub tenant_claim: String,
}

/// What a token is verified with.
pub enum Verification {
    /// A secret that the issuer shares: HS256.
    Secret(String),
    /// The public keys of the issuer: RS256 and its kin, ES256, ES384, `EdDSA`.
    KeySet(Arc<dyn KeySetSource>),
}

/// Recognises callers by their tokens.
pub struct Tokens {
    rules: TokenRules,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
}

enum Verifier {
    Secret(Box<DecodingKey>),
    KeySet(KeySet),
}

/// What the header of a token says.
#[derive(Deserialize)]
struct Head {
    #[serde(deserialize_with = "algorithm")]
    alg: Algorithm,
    /// What its key is called.
    kid: Option<String>,
}

impl Tokens {
    /// Recognises tokens that obey `rules`.
    #[must_use]
    pub fn new(rules: TokenRules, verification: Verification, clock: Arc<dyn Clock>) -> Self {
        let verifier = match verification {
            Verification::Secret(secret) => {
                Verifier::Secret(Box::new(DecodingKey::from_secret(secret.as_bytes())))
            }
            Verification::KeySet(source) => Verifier::KeySet(KeySet::new(source, Arc::clone(&clock))),
        };
        Self { rules, verifier, clock }
    }

    /// Who holds the token `text`. It waits for nobody: of a key that is not known, [`Refusal::NewKey`] says that the issuer should be
    /// asked.
    pub(super) fn identify(&self, text: &str) -> Result<Principal, Refusal> {
        let head = Head::of(text).ok_or(Refusal::Unproven(BAD))?;
        let claims = match &self.verifier {
            Verifier::Secret(key) => verified(text, &head, key, Algorithm::HS256)?,
            Verifier::KeySet(keys) => match keys.find(head.kid.as_deref()) {
                Found::Keys(keys) => {
                    let usable = keys.iter().find_map(|key| usable(key, head.alg));
                    let (key, algorithm) = usable.ok_or(Refusal::Unproven(BAD))?;
                    verified(text, &head, &key, algorithm)?
                }
                Found::None => return Err(Refusal::Unproven(BAD)),
                Found::New => return Err(Refusal::NewKey),
                Found::Unknown => return Err(Refusal::NoKeys),
            },
        };
        self.check(&claims)?;
        self.principal(&claims)
    }

    /// The same after the issuer was asked for its keys, or [`Refusal::NewKey`] at once where too many wait for that already.
    pub(super) async fn identify_anew(&self, text: &str) -> Result<Principal, Refusal> {
        if let Verifier::KeySet(keys) = &self.verifier {
            keys.learn().await.map_err(|TooManyWait| Refusal::NewKey)?;
        }
        self.identify(text)
    }

    /// How the issuer answers, if its public keys are asked for.
    pub(super) fn issuer(&self) -> Option<IssuerContact> {
        match &self.verifier {
            Verifier::Secret(_) => None,
            Verifier::KeySet(keys) => Some(keys.contact()),
        }
    }

    /// Times, issuer and audience.
    fn check(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let now = self.clock.now().as_seconds();
        let expires = claims.get("exp").and_then(seconds).ok_or(Refusal::Unproven(BAD))?;
        let begins = match claims.get("nbf") {
            None => 0,
            Some(value) => seconds(value).ok_or(Refusal::Unproven(BAD))?,
        };
        if now >= expires.saturating_add(LEEWAY_SECONDS) || now.saturating_add(LEEWAY_SECONDS) < begins {
            return Err(Refusal::Unproven(EXPIRED));
        }
        let said = |claim: &str| claims.get(claim).unwrap_or(&Value::Null);
        let is_audience = |wanted: &str| {
            let said = said("aud");
            said == wanted || said.as_array().is_some_and(|all| all.iter().any(|one| one == wanted))
        };
        let issuer = self.rules.issuer.as_deref().is_none_or(|issuer| said("iss") == issuer);
        let audience = self.rules.audience.as_deref().is_none_or(is_audience);
        if issuer && audience { Ok(()) } else { Err(Refusal::Unproven(BAD)) }
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, Refusal> {
        let scope = scope(claims).ok_or(Refusal::Forbidden(NO_SCOPE))?;
        let tenant = match claims.get(&self.rules.tenant_claim) {
            None | Some(Value::Null) => None,
            Some(name) => {
                let tenant = name.as_str().and_then(|name| name.parse::<Tenant>().ok());
                Some(tenant.ok_or(Refusal::Forbidden(NO_TENANT))?)
            }
        };
        let holder = ["sub", "client_id", "azp"].iter().find_map(|claim| claims.get(*claim)?.as_str());
        let holder = holder.unwrap_or("unnamed");
        // It goes into every line of the log and into the audit log.
        if holder.len() > MAX_HOLDER_BYTES {
            return Err(Refusal::Forbidden(LONG_HOLDER));
        }
        Ok(Principal { actor: Actor::Token(holder.to_owned()), scope, tenant })
    }
}

impl Head {
    /// The header of a token; `None` if there is none that can be understood.
    fn of(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.split('.').next()?).ok()?;
        let all: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
        // What must be understood is nothing of the kind here, and RFC 7515, section 4.1.11, says what follows.
        if all.contains_key("crit") {
            return None;
        }
        serde_json::from_slice(&bytes).ok()
    }
}

/// The claims of a token whose signature is good.
fn verified(
    text: &str,
    head: &Head,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<Map<String, Value>, Refusal> {
    let claims = || {
        let (signed, signature) = text.rsplit_once('.')?;
        let (_, claims) = signed.split_once('.').filter(|(_, claims)| !claims.contains('.'))?;
        let is_good = head.alg == algorithm
            && jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, algorithm).ok()?;
        let claims = is_good.then(|| URL_SAFE_NO_PAD.decode(claims).ok())??;
        serde_json::from_slice(&claims).ok()
    };
    claims().ok_or(Refusal::Unproven(BAD))
}

/// An algorithm as a token names it.
fn algorithm<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Algorithm, D::Error> {
    let name = String::deserialize(deserializer)?;
    // The name of RFC 9864 for the one kind of `EdDSA` that is known here.
    let name = if name == "Ed25519" { "EdDSA" } else { &name };
    name.parse().map_err(|_| serde::de::Error::custom("no algorithm that is known here"))
}

/// What a key of the issuer verifies: the algorithm follows from the kind of the key. For RSA keys, which serve several, from what the
/// key says; if it says nothing, the token may choose one for RSA. `None` if that is not what the token says.
fn usable(jwk: &Jwk, asked: Algorithm) -> Option<(DecodingKey, Algorithm)> {
    let named = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => match asked {
            algorithm @ (Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512) => algorithm,
            Algorithm::HS256
            | Algorithm::HS384
            | Algorithm::HS512
            | Algorithm::ES256
            | Algorithm::ES384
            | Algorithm::EdDSA => return None,
        },
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => Algorithm::ES256,
            EllipticCurve::P384 => Algorithm::ES384,
            EllipticCurve::P521 | EllipticCurve::Ed25519 => return None,
        },
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        // A secret has no place among public keys.
        AlgorithmParameters::OctetKey(_) => return None,
    };
    if algorithm != asked || named.is_some_and(|named| named != format!("{algorithm:?}")) {
        return None;
    }
    Some((DecodingKey::from_jwk(jwk).ok()?, algorithm))
}

/// Seconds since the epoch, which some issuers write with a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let fraction = |value: &Value| value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
    value.as_u64().or_else(|| fraction(value).map(|seconds| seconds as u64))
}

/// What a claim names: a text with blanks between, or a list.
fn names(claim: &Value) -> Vec<&str> {
    match (claim.as_str(), claim.as_array()) {
        (Some(text), _) => text.split(' ').collect(),
        (None, Some(names)) => names.iter().filter_map(Value::as_str).collect(),
        (None, None) => Vec::new(),
    }
}

fn scope(claims: &Map<String, Value>) -> Option<Scope> {
    let bare = |name: &str| {
        let prefix = SCOPE_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
        prefix.unwrap_or(name).parse::<Scope>().ok()
    };
    // Those of other services are none of our business.
    let scopes = |claim: &Value| names(claim).into_iter().filter_map(bare).max();
    SCOPE_CLAIMS.iter().filter_map(|claim| scopes(claims.get(*claim)?)).max()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(hidden)",
            Self::KeySet(_) => "KeySet",
        })
    }
}
