//! Who may use the service.

use super::Purpose;
use super::keys;
use super::listen::Listen;
use super::parse;
use super::reader::Reader;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// How callers prove who they are.
    pub auth_mode: AuthMode,
    /// Whether anybody who reaches the service may use it.
    pub allow_anonymous: bool,
}

impl Access {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let modes = [("none", AuthMode::None), ("api_key", AuthMode::ApiKey), ("jwt", AuthMode::Jwt)];
        let auth_mode = reader.value(&keys::AUTH_MODE, parse::one_of(&modes));
        let allow_anonymous = reader.value(&keys::ALLOW_ANONYMOUS, parse::flag);
        // Whoever gives credentials believes that callers without them are turned away.
        for key in [
            &keys::API_KEYS,
            &keys::API_KEYS_FILE,
            &keys::JWT_ISSUER,
            &keys::JWT_AUDIENCE,
            &keys::JWKS_URL,
            &keys::JWT_SECRET,
        ] {
            reader.not_available(key);
        }
        reader.optional(&keys::API_KEYS, parse::text);
        reader.optional(&keys::API_KEYS_FILE, parse::text);
        reader.optional(&keys::JWT_ISSUER, parse::text);
        reader.optional(&keys::JWT_AUDIENCE, parse::text);
        reader.optional(&keys::JWKS_URL, parse::address(&["https", "http"]));
        reader.optional(&keys::JWT_SECRET, parse::text);
        if auth_mode.is_some_and(|mode| mode != AuthMode::None) {
            reader.not_available(&keys::AUTH_MODE);
        }
        Some(Self { auth_mode: auth_mode?, allow_anonymous: allow_anonymous? })
    }

    /// Refuses to serve everybody on an address that others can reach, unless that is what the user wants.
    pub(super) fn check(&self, listen: Listen, reader: &mut Reader) {
        let open = self.auth_mode == AuthMode::None && !self.allow_anonymous;
        if reader.purpose() == Purpose::Serve && open && !listen.address.ip().to_canonical().is_loopback() {
            reader.refuse(
                &keys::HOST,
                "other machines can reach this address, and AUTH_MODE=none lets everybody in: \
                 set HOST=127.0.0.1, or ALLOW_ANONYMOUS=true if that is what you want",
            );
        }
    }
}
