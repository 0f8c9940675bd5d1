//! Makes events of what happens to documents, for those who want to hear of it.

use crate::document::DocumentId;
use crate::engine::Engine;
use crate::requests::Caller;
use redundancy_webhook::clock::{Clock, IdSource};
use redundancy_webhook::event::{Event, EventType, NewEvent};
use redundancy_webhook::ids::EventId;
use redundancy_webhook::store::{Audience, Publication};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Makes events on behalf of one caller, of those types that somebody wants.
pub(crate) struct Teller {
    wanted: Vec<EventType>,
    caller: Caller,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Engine {
    /// A teller of events of these types. The store is asked here who wants them, because it must not be asked while it writes.
    pub(crate) fn teller(&self, caller: &Caller, types: &[&str]) -> Teller {
        let wanted = types
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|kind| self.ports.store.is_wanted(kind))
            .collect();
        let (clock, ids) = (Arc::clone(&self.ports.clock), Arc::clone(&self.ports.ids));
        Teller { wanted, caller: caller.clone(), clock, ids }
    }
}

impl Teller {
    /// Whether nobody wants to hear anything.
    pub(crate) fn is_silent(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The event of type `name` about a document with the JSON that `data` writes, if somebody wants it. It is in the slot of
    /// the document.
    pub(crate) fn tell(
        &self,
        name: &str,
        about: &DocumentId,
        data: impl FnOnce() -> String,
    ) -> Option<Publication> {
        let kind = self.wanted.iter().find(|kind| kind.as_str() == name)?.clone();
        let data = RawValue::from_string(data()).unwrap_or_default();
        let new = NewEvent { kind, data, caller: self.caller.clone() };
        let now = self.clock.now();
        let event = Event::with_id(EventId::new_in_slot(about.slot(), now, &*self.ids), now, new);
        Some(Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: false })
    }
}
