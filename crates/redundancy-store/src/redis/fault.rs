//! What went wrong between the store and Redis, told without anything that may hold a secret.

use redis::{ErrorKind, RedisError};
use redundancy_webhook::store::StoreError;

/// As an error of the store. The text is chosen here: what the server or the network says may quote what was sent.
pub(super) fn describe(error: &RedisError) -> StoreError {
    if is_full(error) {
        return StoreError::Full("Redis has reached its maxmemory".to_owned());
    }
    StoreError::Unavailable(if error.is_timeout() {
        "Redis did not answer in time".to_owned()
    } else if error.is_connection_refusal() {
        "Redis refuses connections".to_owned()
    } else if let Some(code) = error.code().filter(|code| is_code(code)) {
        format!("Redis answered {code}")
    } else {
        let kind = error.kind();
        let what = if kind == ErrorKind::Io {
            "the connection to Redis was lost"
        } else if kind == ErrorKind::AuthenticationFailed {
            "Redis does not accept the credentials"
        } else if kind == ErrorKind::ClusterConnectionNotFound {
            "no node of the Redis Cluster can be reached"
        } else {
            "Redis cannot be used"
        };
        what.to_owned()
    })
}

/// Redis answered something that no script of this version answers.
pub(super) fn unexpected() -> StoreError {
    StoreError::Unreadable("an answer of Redis is not understood".to_owned())
}

/// Whether a new connection is better than this one.
pub(super) fn breaks_connection(error: &RedisError) -> bool {
    let is_elsewhere =
        error.code().is_some_and(|code| matches!(code, "READONLY" | "MASTERDOWN" | "CLUSTERDOWN"));
    let is_nowhere = matches!(error.kind(), ErrorKind::Io | ErrorKind::ClusterConnectionNotFound);
    is_elsewhere || is_nowhere || error.is_timeout() || error.is_unrecoverable_error()
}

/// Whether the server does not know the script any more.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

/// Codes are short and in capitals; anything else is text.
fn is_code(code: &str) -> bool {
    code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
