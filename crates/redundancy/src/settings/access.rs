//! Who may use the service: how callers prove who they are, and by what they are known.

use std::fs;
use std::path::{Path, PathBuf};

use redundancy_engine::access::{KeyDigest, Scope, Tenant};
use redundancy_server::{FixedKey, TokenRules};

use crate::client::ServiceAddress;
use crate::client::location::{InvalidLocation, Location};

use super::Purpose;
use super::keys;
use super::listen::Listen;
use super::parse;
use super::reader::{Parsed, Reader};

/// Shortest key that the settings may give, in bytes: a shorter one can be found by trying.
const MIN_KEY_BYTES: usize = 8;
/// Shortest secret for tokens, in bytes: as long as what HS256 gives (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Longest file of keys, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What stands before the digest of a key that is given by that alone.
const DIGEST: &str = "blake3:";

const ENTRY: &str = "must be keys separated by commas, each as KEY, KEY:SCOPES or KEY:SCOPES:TENANT, such as \
                     3f9c2a7e5b1d8046:read+write:acme; scopes are read, write and admin";

/// How callers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// They do not.
    None,
    /// With a key.
    ApiKey,
    /// With a bearer token.
    Jwt,
}

/// Who may use the service.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// How callers prove who they are.
    pub auth_mode: AuthMode,
    /// Whether anybody who reaches the service may use it.
    pub allow_anonymous: bool,
    /// Keys that the settings give, beside those in the store.
    pub fixed_keys: Vec<FixedKey>,
    /// What a token must say.
    pub token_rules: TokenRules,
    /// The secret that the issuer of tokens shares.
    pub token_secret: Option<String>,
    /// Where the issuer of tokens publishes its keys.
    pub key_set_url: Option<Location>,
}

impl std::fmt::Debug for Access {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("auth_mode", &self.auth_mode).finish_non_exhaustive()
    }
}

impl Access {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let modes = [("none", AuthMode::None), ("api_key", AuthMode::ApiKey), ("jwt", AuthMode::Jwt)];
        let auth_mode = reader.value(&keys::AUTH_MODE, parse::one_of(&modes));
        let allow_anonymous = reader.value(&keys::ALLOW_ANONYMOUS, parse::flag);
        let given = reader.optional(&keys::API_KEYS, |text| entries(text.split(','), "API_KEYS"));
        let in_file = reader.optional(&keys::API_KEYS_FILE, |path| file(Path::new(path)));
        let issuer = reader.optional(&keys::JWT_ISSUER, issuer);
        let audience = reader.optional(&keys::JWT_AUDIENCE, parse::text);
        let key_set_url = reader.optional(&keys::JWKS_URL, location);
        let token_secret = reader.optional(&keys::JWT_SECRET, secret);
        let tenant_claim = reader.value(&keys::JWT_TENANT_CLAIM, parse::text);
        let access = Self {
            auth_mode: auth_mode?,
            allow_anonymous: allow_anonymous?,
            fixed_keys: [given.unwrap_or_default(), in_file.unwrap_or_default()].concat(),
            token_rules: TokenRules { issuer, audience, tenant_claim: tenant_claim? },
            token_secret,
            key_set_url,
        };
        access.check_together(reader);
        Some(access)
    }

    /// Whoever gives credentials believes that callers without them are turned away.
    fn check_together(&self, reader: &mut Reader) {
        let key_settings = [&keys::API_KEYS, &keys::API_KEYS_FILE];
        let token_settings = [&keys::JWT_ISSUER, &keys::JWT_AUDIENCE, &keys::JWKS_URL, &keys::JWT_SECRET];
        if self.auth_mode != AuthMode::ApiKey {
            for key in key_settings {
                refuse_idle(reader, key, "api_key");
            }
        }
        if self.auth_mode != AuthMode::Jwt {
            for key in token_settings {
                refuse_idle(reader, key, "jwt");
            }
            return;
        }
        let is_given = |key| reader.is_given(key);
        let is_asked = !is_given(&keys::JWT_SECRET) && !is_given(&keys::JWKS_URL);
        let issuer = self.token_rules.issuer.as_deref();
        match (is_given(&keys::JWT_SECRET), is_given(&keys::JWKS_URL) || is_given(&keys::JWT_ISSUER)) {
            (false, false) => reader.refuse(
                &keys::AUTH_MODE,
                "needs JWKS_URL (or JWT_ISSUER, whose JWKS_URL is then looked up), or JWT_SECRET: without one no token can be verified",
            ),
            (true, _) if is_given(&keys::JWKS_URL) => reader.refuse(
                &keys::JWT_SECRET,
                "goes with HS256, and JWKS_URL with public keys: unset one of them",
            ),
            _ => {}
        }
        if is_asked && issuer.is_some_and(|issuer| issuer.parse::<ServiceAddress>().is_err()) {
            reader.refuse(
                &keys::JWT_ISSUER,
                "must be an address such as https://login.example.org, where its keys are looked up, or JWKS_URL must say where they are",
            );
        }
    }

    /// Refuses to serve everybody on an address that others can reach, unless that is what the user wants.
    pub(super) fn check(&self, listen: Listen, reader: &mut Reader) {
        let open = self.auth_mode == AuthMode::None && !self.allow_anonymous;
        if reader.purpose() == Purpose::Serve && open && !listen.address.ip().to_canonical().is_loopback() {
            reader.refuse(
                &keys::HOST,
                "other machines can reach this address, and AUTH_MODE=none lets everybody in: \
                 set HOST=127.0.0.1, AUTH_MODE=api_key or jwt, or ALLOW_ANONYMOUS=true if that is what you want",
            );
        }
    }
}

fn refuse_idle(reader: &mut Reader, key: &'static keys::Key, mode: &str) {
    if reader.purpose() == Purpose::Serve && reader.is_given(key) {
        reader.refuse(key, &format!("has an effect with AUTH_MODE={mode} only: set that, or unset this"));
    }
}

/// The keys in a file: one a line, written as in `API_KEYS`. Empty lines and those that begin with `#` say nothing.
fn file(path: &Path) -> Parsed<Vec<FixedKey>> {
    let cannot = |error: std::io::Error| format!("must name a file that can be read: {error}");
    let size = fs::metadata(path).map_err(cannot)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!(
            "must name a file of at most {} KiB; it has {} KiB",
            MAX_FILE_BYTES >> 10,
            size >> 10
        ));
    }
    let text = fs::read_to_string(path).map_err(cannot)?;
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    entries(text.lines().filter(|line| !line.trim_start().starts_with('#')), &name.display().to_string())
}

/// Keys, each called by where it stands.
fn entries<'t>(texts: impl Iterator<Item = &'t str>, place: &str) -> Parsed<Vec<FixedKey>> {
    let texts = texts.map(str::trim).enumerate().filter(|(_, text)| !text.is_empty());
    texts.map(|(number, text)| entry(text, format!("{place}:{}", number + 1))).collect()
}

/// A key, perhaps with its scopes and its tenant. Messages do not repeat it.
fn entry(text: &str, name: String) -> Parsed<FixedKey> {
    let in_place = |what: &str| format!("{what}; it is wrong at {name}");
    let written = text.strip_prefix(DIGEST);
    let (key, rest) = written.unwrap_or(text).split_once(':').unzip();
    let key = key.unwrap_or(written.unwrap_or(text));
    let digest = if written.is_some() {
        let digest = key.parse::<KeyDigest>().ok().filter(|digest| !digest.is_keyed());
        digest.ok_or_else(|| in_place("must have 64 hexadecimal digits behind blake3:"))?
    } else if key.len() < MIN_KEY_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(in_place(
            "must have keys of at least 8 visible characters, better of 32 that nobody chose",
        ));
    } else {
        KeyDigest::of(key, None)
    };
    let mut parts = rest.into_iter().flat_map(|rest| rest.split(':'));
    // A key alone is that of whoever runs the service.
    let scope = parts.next().map_or(Ok(Scope::Admin), Scope::largest_of).map_err(|_| in_place(ENTRY))?;
    let tenant =
        parts.next().map(str::parse::<Tenant>).transpose().map_err(|error| in_place(&error.to_string()))?;
    if parts.next().is_some() {
        return Err(in_place(ENTRY));
    }
    Ok(FixedKey { name, digest, scope, tenant })
}

/// The address of the keys of an issuer.
fn location(text: &str) -> Parsed<Location> {
    text.parse().map_err(|error: InvalidLocation| {
        format!("{error}: the keys are public, and the service shows no credentials for them")
    })
}

/// The name of an issuer. Most are addresses; a password in one would stand in its tokens.
fn issuer(text: &str) -> Parsed<String> {
    let place = text.split_once("://");
    let has_credentials = place.is_some_and(|(scheme, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A password may hold a slash, and then what stands before it is no host with its port.
        let is_host = || format!("{scheme}://{authority}").parse::<ServiceAddress>().is_ok();
        rest.contains('@') && !is_host()
    });
    if has_credentials {
        return Err("must be the claim `iss` of the tokens, such as https://login.example.org, without user and password".to_owned());
    }
    Ok(text.to_owned())
}

fn secret(text: &str) -> Parsed<String> {
    if text.len() < MIN_SECRET_BYTES {
        return Err(format!(
            "must have at least {MIN_SECRET_BYTES} bytes: a shorter one can be found by trying"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "8d41b0c95e7f2a63";

    #[test]
    fn a_key_says_what_its_holder_may_do_and_for_whom() {
        let read = |text: &str| entries(text.split(','), "API_KEYS").unwrap();
        let all = read(&format!("{KEY}, {KEY}:read ,{KEY}:read+write:acme,"));
        let seen: Vec<_> = all
            .iter()
            .map(|key| (key.name.as_str(), key.scope, key.tenant.as_ref().map(Tenant::as_str)))
            .collect();
        assert_eq!(
            seen,
            [
                ("API_KEYS:1", Scope::Admin, None),
                ("API_KEYS:2", Scope::Read, None),
                ("API_KEYS:3", Scope::Write, Some("acme")),
            ]
        );
        assert!(all.iter().all(|key| key.digest == KeyDigest::of(KEY, None)));
        let by_digest = read(&format!("blake3:{}:read", KeyDigest::of(KEY, None)));
        assert_eq!((by_digest[0].digest, by_digest[0].scope), (KeyDigest::of(KEY, None), Scope::Read));
    }

    #[test]
    fn a_key_that_will_not_do_is_named_by_its_place_and_not_shown() {
        for text in [
            "short",
            "8d41b0c95e7f2a63:all",
            "8d41b0c95e7f2a63:read:a/b",
            "8d41b0c95e7f2a63:read:a:b",
            "blake3:12:read",
        ] {
            let message = entries([KEY, text].into_iter(), "keys.txt").unwrap_err();
            assert!(message.contains("at keys.txt:2") && !message.contains(KEY), "{message}");
        }
    }
}
