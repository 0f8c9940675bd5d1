//! Service level objectives: what the service promises, how much of it this process kept, and what it may still miss.
//!
//! What counts is decided here and nowhere else: `/api/v1/slo`, the metrics `slo_*` and the alerts that rest on them speak of
//! the same numbers. Not for objectives of single callers or routes.

mod window;

use axum::http::StatusCode;
use redundancy_engine::Timestamp;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use window::{Kept, LENGTH, Window};

/// Requests that are answered within this are quick enough.
pub(crate) const QUICK_WITHIN: Duration = Duration::from_millis(500);
/// What the routes begin with that objectives are about.
const API: &str = "/api/v1/";
/// Routes that look at the service. They are asked by machines every few seconds, and would hide what callers meet.
const MONITORING: [&str; 2] = ["/api/v1/health/status", "/api/v1/slo"];
/// Routes whose time is that of somebody else: a client that sends many lines, or a receiver of webhooks.
const UNHURRIED: [&str; 3] =
    ["/api/v1/documents/bulk", "/api/v1/batches", "/api/v1/webhooks/endpoints/{id}/test"];

/// Something that is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Objective {
    /// Requests are answered, and not with a fault of the service.
    Availability,
    /// Requests are answered quickly.
    Latency,
    /// Deliveries reach their receivers, on whichever attempt.
    Delivery,
}

/// What became of what was promised.
#[derive(Debug, Default)]
pub(crate) struct Objectives {
    availability: Window,
    latency: Window,
    /// Shared with who watches the dispatcher.
    delivery: Arc<Window>,
}

impl Objective {
    /// All of them, in a fixed order.
    pub(crate) const ALL: [Self; 3] = [Self::Availability, Self::Latency, Self::Delivery];

    /// The name by which it is shown, and the value of the label `objective`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "api_availability",
            Self::Latency => "api_latency",
            Self::Delivery => "delivery_success",
        }
    }

    /// The share that is promised, 0 to 1.
    pub(crate) const fn share(self) -> f64 {
        match self {
            Self::Availability => 0.999,
            Self::Latency | Self::Delivery => 0.99,
        }
    }

    /// What it means, in a sentence.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Availability => {
                "Requests under /api/v1 that are answered with a status below 500; those about health and objectives do not count."
            }
            Self::Latency => {
                "The same requests, answered within 500 ms; those that take many lines or wait for a receiver do not count."
            }
            Self::Delivery => {
                "Deliveries that their receivers took, on whichever attempt, of those that ended so or as dead letters."
            }
        }
    }
}

impl Objectives {
    /// Objectives whose deliveries are counted in `delivery` by somebody else.
    pub(crate) fn with_deliveries(delivery: Arc<Window>) -> Self {
        Self { delivery, ..Self::default() }
    }

    /// Takes notice of a request that was answered. Cheap: no lock but once an hour.
    pub(crate) fn request(&self, route: &str, status: StatusCode, duration: Duration, now: Timestamp) {
        if !route.starts_with(API) || MONITORING.contains(&route) {
            return;
        }
        self.availability.count(!status.is_server_error(), now);
        if !UNHURRIED.contains(&route) {
            self.latency.count(duration <= QUICK_WITHIN, now);
        }
    }

    /// What became of an objective.
    pub(crate) fn of(&self, objective: Objective) -> &Window {
        match objective {
            Objective::Availability => &self.availability,
            Objective::Latency => &self.latency,
            Objective::Delivery => &self.delivery,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_callers_ask_counts_and_waiting_for_others_is_not_slowness() {
        let (objectives, now) = (Objectives::default(), Timestamp::from_millis(0));
        let slow = QUICK_WITHIN + Duration::from_millis(1);
        for (route, status, duration) in [
            ("/api/v1/analyze", 200, QUICK_WITHIN),
            ("/api/v1/analyze", 422, slow),
            ("/api/v1/analyze", 503, Duration::ZERO),
            ("/api/v1/documents/bulk", 200, slow),
            ("/api/v1/health/status", 500, slow),
            ("/health/ready", 503, slow),
            ("unmatched", 404, slow),
        ] {
            objectives.request(route, StatusCode::from_u16(status).unwrap(), duration, now);
        }
        let counted = |objective| objectives.of(objective).in_window(now);
        assert_eq!(counted(Objective::Availability), Kept { counted: 4, missed: 1 });
        assert_eq!(counted(Objective::Latency), Kept { counted: 3, missed: 1 });
        assert_eq!(counted(Objective::Delivery), Kept { counted: 0, missed: 0 });
    }
}
