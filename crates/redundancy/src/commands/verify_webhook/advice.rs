//! What to look at when a webhook is not genuine. Most of them are, and the receiver has something else in hand than what was
//! sent.

use redundancy_engine::webhook::{Headers, VerifyError};

use super::{Check, age_seconds};

/// What to look at, most telling first.
pub(super) fn advice(error: VerifyError, headers: Option<Headers<'_>>, check: &Check) -> Vec<String> {
    match error {
        VerifyError::MissingHeader(name) => vec![format!(
            "every webhook carries {name}: look whether something between sender and receiver takes it away"
        )],
        VerifyError::RepeatedHeader(name) => {
            vec![format!("give {name} once, as it came with one attempt")]
        }
        VerifyError::InvalidId(_) => {
            vec!["no sender of this product makes such an id: it may be forged".to_owned()]
        }
        VerifyError::InvalidTimestamp => {
            vec!["it counts seconds since 1970, such as 1700000000; X-Webhook-Timestamp is not it".to_owned()]
        }
        VerifyError::TooOld | VerifyError::TooNew => {
            headers.map_or_else(Vec::new, |headers| apart(headers, check))
        }
        VerifyError::NoMatch => headers.map_or_else(Vec::new, |headers| no_match(headers, check)),
    }
}

fn apart(headers: Headers<'_>, check: &Check) -> Vec<String> {
    let age = age_seconds(headers, check.at);
    let distance = age.map_or_else(String::new, |age| {
        let order = if age < 0 { "after" } else { "before" };
        format!("it was signed {} s {order} the moment of the check, and ", age.unsigned_abs())
    });
    vec![
        format!("{distance}--tolerance allows {} s", check.tolerance),
        "compare the clock of this machine with another: both sides need the right time".to_owned(),
        format!(
            "to check one that was kept, give the time at which it arrived, such as --at {}",
            headers.timestamp
        ),
    ]
}

fn no_match(headers: Headers<'_>, check: &Check) -> Vec<String> {
    let has = |mark: &str| headers.signature.split(' ').any(|each| each.starts_with(mark));
    if headers.signature.starts_with("sha256=") {
        return vec!["this is X-Webhook-Signature: webhook-signature is another header".to_owned()];
    }
    if !has("v1,") && !has("v1a,") {
        return vec!["webhook-signature holds no signature that begins with v1, or v1a,".to_owned()];
    }
    if check.has_public_keys_only && !has("v1a,") {
        return vec![
            "a public key verifies v1a alone, and there is only v1: give the secret, or have the endpoint signed by v1a"
                .to_owned(),
        ];
    }
    if let Some(without) = without_line_end(&check.body)
        && check.verifier.verify(headers, without, check.at).is_ok()
    {
        return vec!["the body is genuine without the line end behind it, which was not sent".to_owned()];
    }
    vec![
        "the body has to be the bytes that arrived: not parsed and written again, not decoded, no line end added"
            .to_owned(),
        "the key has to be that of this endpoint, whole; after a rotation, the new one".to_owned(),
        "the headers have to be those of the same attempt as the body: each attempt has its own time".to_owned(),
    ]
}

/// The body without the line end behind it, if there is one.
fn without_line_end(body: &[u8]) -> Option<&[u8]> {
    body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n"))
}
