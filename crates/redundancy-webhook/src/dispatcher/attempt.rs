//! One attempt: the call, and what becomes of the delivery.

use super::follow_ups::{disabled, exhausted};
use super::request::request;
use super::{Inner, Ports, spans};
use crate::clock::Timestamp;
use crate::delivery::Attempt;
use crate::endpoint::{DisabledReason, Endpoint};
use crate::event::Event;
use crate::failure::FailureReason;
use crate::observer::Attempted;
use crate::retry::{DISABLE_AFTER, Decision, Outcome, retry_after};
use crate::store::{ClaimedDelivery, Disabling, Settlement, Transition};
use crate::transport::ReceiverResponse;
use tracing::{Instrument as _, Span};

/// Attempts the delivery and says what is to be kept of it. `round` is the span of the round that it was claimed in.
pub(super) async fn make(inner: &Inner, claimed: &ClaimedDelivery, round: &Span) -> Settlement {
    let ports = &inner.ports;
    let delivery = &claimed.delivery;
    let number = delivery.attempts.saturating_add(1);
    let (endpoint, event) = (&claimed.endpoint, &claimed.event);
    let attempt = call(ports, endpoint, event, number, &inner.config.user_agent, round).await;
    let now = ports.clock.now();
    // Random numbers cost a call of the system, and a success needs none.
    let jitter = if attempt.is_success() { 0.0 } else { jitter(inner) };
    let decision =
        endpoint.retry.decide(outcome(&attempt, now), delivery.spent.saturating_add(1), now, jitter);
    let transition = match decision {
        Decision::Done => Transition::Succeed,
        Decision::RetryAt(at) => Transition::RetryAt(at),
        Decision::Exhausted | Decision::DisableEndpoint => Transition::Exhaust,
    };
    let has_failed_for_days =
        !attempt.is_success() && claimed.failing_since.is_some_and(|since| now.since(since) >= DISABLE_AFTER);
    let disables = match decision {
        Decision::DisableEndpoint => Some(DisabledReason::Gone),
        Decision::Done => None,
        Decision::RetryAt(_) | Decision::Exhausted => has_failed_for_days.then_some(DisabledReason::Failing),
    };
    ports.observer.attempted(&Attempted { delivery, event, attempt: &attempt, transition, ended_at: now });
    let disables = disables.map(|reason| Disabling {
        reason,
        created_at: endpoint.created_at,
        revision: endpoint.revision,
        news: disabled(ports, claimed, reason, now),
    });
    let is_given_up = transition == Transition::Exhaust;
    let follow_up = is_given_up.then(|| exhausted(ports, claimed, &attempt, now)).flatten();
    Settlement {
        lease: claimed.lease.clone(),
        attempt,
        transition,
        breaker: inner.config.breaker,
        disables,
        follow_ups: follow_up.into_iter().collect(),
        now,
    }
}

/// Calls the receiver once. The span of the call belongs to the trace of the event, and is linked with `cause`.
pub(crate) async fn call(
    ports: &Ports,
    endpoint: &Endpoint,
    event: &Event,
    number: u32,
    user_agent: &str,
    cause: &Span,
) -> Attempt {
    let (started_at, began) = (ports.clock.now(), ports.clock.monotonic());
    let (span, context) = spans::deliver(&*ports.tracer, endpoint, event, number);
    span.follows_from(cause);
    let request = request(endpoint, event, context.as_ref(), number, started_at, user_agent);
    let answer = ports.transport.send(request).instrument(span.clone()).await;
    let duration = ports.clock.monotonic().saturating_sub(began);
    let attempt = |status, failure, response: ReceiverResponse| Attempt {
        number,
        started_at,
        duration,
        status,
        failure,
        response_headers: response.headers,
        response_body: String::from_utf8(response.body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    };
    let attempt = match answer {
        Ok(response) => {
            let failure = (!(200..300).contains(&response.status)).then_some(FailureReason::Status);
            attempt(Some(response.status), failure, response)
        }
        Err(reason) => attempt(None, Some(reason), ReceiverResponse::default()),
    };
    spans::end(&span, &attempt);
    attempt
}

/// What the policy wants to know of an attempt.
fn outcome(attempt: &Attempt, now: Timestamp) -> Outcome {
    if attempt.is_success() {
        return Outcome::Success;
    }
    let asked = attempt.response_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    Outcome::Failure {
        status: attempt.status,
        retry_after: asked.and_then(|(_, value)| retry_after(value, now)),
    }
}

/// A random number from 0 to 1.
fn jitter(inner: &Inner) -> f64 {
    let [a, b, c, d, ..] = inner.ports.ids.random_128().to_le_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) / f64::from(u32::MAX)
}
