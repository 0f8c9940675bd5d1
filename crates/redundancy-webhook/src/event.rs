//! Events: what happened, and the bytes that receivers get of it.

use crate::clock::{Clock, IdSource, Timestamp};
use crate::ids::EventId;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name of an event type.
const MAX_TYPE_BYTES: usize = 64;

/// What kind of event it is: `[A-Za-z0-9_.]{1,64}`, such as `analysis.completed`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventType(Arc<str>);

/// Which event types an endpoint wants: one by its name, or all that begin alike (`analysis.*`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EventPattern(Arc<str>);

/// A text is no event type, or no pattern of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventType {
    /// No name of a type.
    #[error("must have 1 to 64 characters, each a letter, a digit, a full stop or _")]
    Name,
    /// No name and no pattern.
    #[error("must be the name of an event type, *, or the beginning of names and .* such as analysis.*")]
    Pattern,
}

/// A type that is kept where it stands already, and that nobody may publish anew or ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitType {
    /// A part of the name between full stops has nothing in it.
    #[error("must not begin or end with a full stop, or have two in a row")]
    EmptyPart,
    /// Receivers believe that the product itself says this of its endpoints and deliveries.
    #[error("is a type that only the service publishes: choose a name of your own")]
    Reserved,
}

impl EventType {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether callers may publish events of this type. Reading is more lenient, so that what was stored stays readable.
    pub fn check_publishable(&self) -> Result<(), UnfitType> {
        if has_empty_part(&self.0) {
            Err(UnfitType::EmptyPart)
        } else if types::RESERVED.contains(&self.as_str()) {
            Err(UnfitType::Reserved)
        } else {
            Ok(())
        }
    }
}

impl FromStr for EventType {
    type Err = InvalidEventType;

    fn from_str(text: &str) -> Result<Self, InvalidEventType> {
        if is_name(text) { Ok(Self(text.into())) } else { Err(InvalidEventType::Name) }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl EventPattern {
    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there can be events that match. Reading is more lenient, so that what was stored stays readable.
    pub fn check_matchable(&self) -> Result<(), UnfitType> {
        let name = self.0.strip_suffix(".*").unwrap_or(&self.0);
        if has_empty_part(name) { Err(UnfitType::EmptyPart) } else { Ok(()) }
    }

    /// Whether events of type `kind` are wanted.
    #[must_use]
    pub fn matches(&self, kind: &EventType) -> bool {
        match self.0.strip_suffix('*') {
            // What is left of `analysis.*` ends with a full stop, and of `*` nothing is left.
            Some(beginning) => kind.0.starts_with(beginning),
            None => self.0 == kind.0,
        }
    }
}

impl FromStr for EventPattern {
    type Err = InvalidEventType;

    fn from_str(text: &str) -> Result<Self, InvalidEventType> {
        let name = text.strip_suffix(".*").unwrap_or(text);
        if text == "*" || (is_name(name) && text.len() <= MAX_TYPE_BYTES) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidEventType::Pattern)
        }
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    (1..=MAX_TYPE_BYTES).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn has_empty_part(name: &str) -> bool {
    name.split('.').any(str::is_empty)
}

/// The event types that the product publishes itself. Any other name is as good.
pub mod types {
    /// A text was analysed.
    pub const ANALYSIS_COMPLETED: &str = "analysis.completed";
    /// Two texts were compared.
    pub const SIMILARITY_COMPLETED: &str = "similarity.completed";
    /// A text was judged.
    pub const QUALITY_COMPLETED: &str = "quality.completed";
    /// A document was added to the index.
    pub const DOCUMENT_INDEXED: &str = "document.indexed";
    /// A document was taken out of the index.
    pub const DOCUMENT_DELETED: &str = "document.deleted";
    /// A document duplicates another one.
    pub const DUPLICATE_DETECTED: &str = "duplicate.detected";
    /// A batch was done.
    pub const BATCH_COMPLETED: &str = "batch.completed";
    /// A batch could not be done.
    pub const BATCH_FAILED: &str = "batch.failed";
    /// Something is wrong with the service.
    pub const SYSTEM_ERROR: &str = "system.error";
    /// A caller asked too often.
    pub const RATE_LIMIT_EXCEEDED: &str = "rate_limit.exceeded";
    /// An endpoint was disabled because it did not take its deliveries.
    pub const ENDPOINT_DISABLED: &str = "endpoint.disabled";
    /// A delivery was given up.
    pub const DELIVERY_EXHAUSTED: &str = "delivery.exhausted";
    /// A test.
    pub const WEBHOOK_PING: &str = "webhook.ping";

    /// Those that tell of endpoints and deliveries: nobody else may publish them, or receivers would take for a fact of the
    /// product what a caller made up.
    pub const RESERVED: [&str; 3] = [ENDPOINT_DISABLED, DELIVERY_EXHAUSTED, WEBHOOK_PING];

    /// All of them, with what each tells.
    pub const ALL: [(&str, &str); 13] = [
        (ANALYSIS_COMPLETED, "A text was analysed"),
        (SIMILARITY_COMPLETED, "Two texts were compared"),
        (QUALITY_COMPLETED, "A text was judged"),
        (DOCUMENT_INDEXED, "A document was added to the index"),
        (DOCUMENT_DELETED, "A document was taken out of the index"),
        (DUPLICATE_DETECTED, "A document duplicates another one"),
        (BATCH_COMPLETED, "A batch was done"),
        (BATCH_FAILED, "A batch could not be done"),
        (SYSTEM_ERROR, "Something is wrong with the service"),
        (RATE_LIMIT_EXCEEDED, "A caller asked too often"),
        (ENDPOINT_DISABLED, "An endpoint was disabled because it did not take its deliveries"),
        (DELIVERY_EXHAUSTED, "A delivery was given up"),
        (WEBHOOK_PING, "A test"),
    ];
}

/// Something to be told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What kind of event it is.
    pub kind: EventType,
    /// What happened: any JSON. Receivers get these very bytes.
    pub data: Box<RawValue>,
    /// Who asked for what led to it.
    pub caller: Caller,
}

/// Who asked, for those who hear of the result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The id of the request.
    pub request_id: Option<String>,
    /// The user on whose behalf it was made.
    pub user_id: Option<String>,
    /// The trace that it belongs to, as [`TraceContext`](crate::trace::TraceContext) is written.
    pub traceparent: Option<String>,
}

/// An event with its id and the bytes that every receiver gets on every attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What kind of event it is.
    pub kind: EventType,
    /// When it was made; also in the body.
    pub created_at: Timestamp,
    /// JSON: `id`, `type`, `timestamp`, `data`, `request_id`, `user_id`.
    pub body: Bytes,
    /// The request that led to it; also in the body.
    pub request_id: Option<String>,
    /// The trace that it belongs to, as [`TraceContext`](crate::trace::TraceContext) is written.
    pub traceparent: Option<String>,
}

/// The body, in the order of its fields.
#[derive(Serialize)]
struct Body<'e> {
    id: EventId,
    r#type: &'e EventType,
    timestamp: String,
    data: &'e RawValue,
    request_id: Option<&'e str>,
    user_id: Option<&'e str>,
}

impl NewEvent {
    /// An event of type `kind` that tells `data`. Fails only when `data` cannot be written as JSON, as a map whose keys are
    /// no strings.
    pub fn new(kind: EventType, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        let data = serde_json::value::to_raw_value(data)?;
        Ok(Self { kind, data, caller: Caller::default() })
    }
}

impl Event {
    /// `new` with an id and the time.
    #[must_use]
    pub fn new(clock: &dyn Clock, ids: &dyn IdSource, new: NewEvent) -> Self {
        Self::with_id(EventId::new(clock, ids), clock.now(), new)
    }

    /// `new` with a given id and time.
    #[must_use]
    pub fn with_id(id: EventId, created_at: Timestamp, new: NewEvent) -> Self {
        let NewEvent { kind, data, caller: Caller { request_id, user_id, traceparent } } = new;
        let body = Body {
            id,
            r#type: &kind,
            timestamp: created_at.to_string(),
            data: &data,
            request_id: request_id.as_deref(),
            user_id: user_id.as_deref(),
        };
        // Strings and JSON that is already written: that cannot fail.
        let body = serde_json::to_vec(&body).unwrap_or_default().into();
        Self { id, kind, created_at, body, request_id, traceparent }
    }
}

impl fmt::Debug for Event {
    /// Without the body: it quotes texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_beginnings_and_everything() {
        let matches = |pattern: &str, kind: &str| {
            pattern.parse::<EventPattern>().unwrap().matches(&kind.parse().unwrap())
        };
        assert!(matches("*", "anything.at_all"));
        assert!(matches("analysis.*", "analysis.completed"));
        assert!(!matches("analysis.*", "analysis"));
        assert!(!matches("analysis.*", "analysis_2.completed"));
        assert!(matches("batch.failed", "batch.failed"));
        assert!(!matches("batch.failed", "batch.failed.twice"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "bad name!", "a*", "*.completed", "a.*.b", "**", ".*.*", &"x".repeat(65)] {
            assert_eq!(text.parse::<EventPattern>(), Err(InvalidEventType::Pattern), "{text}");
        }
        assert!("analysis.*".parse::<EventType>().is_err());
    }

    #[test]
    fn a_type_to_be_published_has_something_between_its_full_stops() {
        for name in [".", "..", ".a", "a.", "a..b", "..."] {
            assert_eq!(
                name.parse::<EventType>().unwrap().check_publishable(),
                Err(UnfitType::EmptyPart),
                "{name}"
            );
        }
        for pattern in ["..*", ".a.*", "a..*", "a..b", "a."] {
            let pattern: EventPattern = pattern.parse().unwrap();
            assert_eq!(pattern.check_matchable(), Err(UnfitType::EmptyPart), "{pattern}");
        }
        for pattern in ["*", "a.*", "a.b.*", "a.b"] {
            assert_eq!(pattern.parse::<EventPattern>().unwrap().check_matchable(), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_the_product_says_of_deliveries_nobody_else_may_say() {
        for (name, _) in types::ALL {
            let is_free = name.parse::<EventType>().unwrap().check_publishable().is_ok();
            assert_eq!(is_free, !types::RESERVED.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_body_holds_the_fields_of_the_contract_in_their_order() {
        let kind = "analysis.completed".parse().unwrap();
        let new = NewEvent {
            caller: Caller { request_id: Some("req_1".to_owned()), ..Caller::default() },
            ..NewEvent::new(kind, &serde_json::json!({"score": 0.5})).unwrap()
        };
        let event = Event::with_id(EventId::from_number(0), Timestamp::from_millis(1_767_323_045_678), new);
        assert_eq!(
            std::str::from_utf8(&event.body).unwrap(),
            r#"{"id":"evt_00000000000000000000000000","type":"analysis.completed","timestamp":"2026-01-02T03:04:05.678Z","data":{"score":0.5},"request_id":"req_1","user_id":null}"#
        );
    }
}
