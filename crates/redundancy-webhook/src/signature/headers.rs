//! The three headers that a signature needs, found among all headers of a request.

use super::VerifyError;

/// The three headers of a webhook, as they arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers<'h> {
    /// `webhook-id`: the event's id, the same on every attempt.
    pub id: &'h str,
    /// `webhook-timestamp`: seconds since the Unix epoch when the attempt was made.
    pub timestamp: &'h str,
    /// `webhook-signature`: signatures with their scheme, one space between them.
    pub signature: &'h str,
}

impl<'h> Headers<'h> {
    /// Picks the three from all headers of a request, given as pairs of name and value; upper and lower case of names do not
    /// matter. A header that is missing or empty is an error, and so is one that stands there twice: which of two ids a
    /// receiver believes must not depend on who reads them.
    ///
    /// With the `http` crate's `HeaderMap`: `headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)))`.
    pub fn from_pairs<'n>(pairs: impl IntoIterator<Item = (&'n str, &'h str)>) -> Result<Self, VerifyError> {
        const ID: &str = "webhook-id";
        const TIMESTAMP: &str = "webhook-timestamp";
        const SIGNATURE: &str = "webhook-signature";
        let (mut id, mut timestamp, mut signature) = (None, None, None);
        for (name, value) in pairs {
            let keep = |wanted: &'static str, slot: &mut Option<&'h str>| {
                if !name.eq_ignore_ascii_case(wanted) {
                    return Ok(());
                }
                match slot.replace(value.trim_matches([' ', '\t'])) {
                    Some(_) => Err(VerifyError::RepeatedHeader(wanted)),
                    None => Ok(()),
                }
            };
            keep(ID, &mut id)?;
            keep(TIMESTAMP, &mut timestamp)?;
            keep(SIGNATURE, &mut signature)?;
        }
        let present = |found: Option<&'h str>, name| {
            found.filter(|value| !value.is_empty()).ok_or(VerifyError::MissingHeader(name))
        };
        Ok(Self {
            id: present(id, ID)?,
            timestamp: present(timestamp, TIMESTAMP)?,
            signature: present(signature, SIGNATURE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("Content-Type", "application/json"),
        ("Webhook-Id", "evt_1"),
        ("WEBHOOK-TIMESTAMP", " 1700000000\t"),
        ("webhook-signature", "v1,AAAA v1,BBBB"),
    ];

    #[test]
    fn the_three_headers_are_found_whatever_their_case_and_order() {
        let expected = Headers { id: "evt_1", timestamp: "1700000000", signature: "v1,AAAA v1,BBBB" };
        assert_eq!(Headers::from_pairs(ALL), Ok(expected));
        assert_eq!(Headers::from_pairs(ALL.into_iter().rev()), Ok(expected));
    }

    #[test]
    fn a_header_that_is_missing_empty_or_doubled_is_named() {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        for (place, name) in (1..).zip(names) {
            let without = ALL.into_iter().enumerate().filter(|(at, _)| *at != place).map(|(_, pair)| pair);
            assert_eq!(Headers::from_pairs(without), Err(VerifyError::MissingHeader(name)));
            let mut empty = ALL;
            empty[place].1 = " ";
            assert_eq!(Headers::from_pairs(empty), Err(VerifyError::MissingHeader(name)));
            let twice = ALL.into_iter().chain([ALL[place]]);
            assert_eq!(Headers::from_pairs(twice), Err(VerifyError::RepeatedHeader(name)));
        }
    }
}
