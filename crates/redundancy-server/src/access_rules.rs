//! What each route asks of its caller: the scope, what it costs of the quota, and whether the audit log tells of it. One table for all
//! routes that ask more than others; `middleware/admission.rs` goes by it.

use axum::http::Method;
use redundancy_engine::access::Scope;

/// What a request asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessRule {
    /// What the caller must be allowed to do.
    pub(crate) scope: Scope,
    /// How many requests it counts for.
    pub(crate) cost: u64,
    /// What the audit log says that was done, if it tells of it.
    pub(crate) action: Option<&'static str>,
}

impl AccessRule {
    const READ: Self = Self { scope: Scope::Read, cost: 1, action: None };
    const WRITE: Self = Self { scope: Scope::Write, cost: 1, action: None };
    const ADMIN: Self = Self { scope: Scope::Admin, cost: 1, action: None };

    const fn costs(self, cost: u64) -> Self {
        Self { cost, ..self }
    }

    const fn told_as(self, action: &'static str) -> Self {
        Self { action: Some(action), ..self }
    }

    /// The rule for a method and the template of a path.
    pub(crate) fn of(method: &Method, route: &str) -> Self {
        // What is asked for with HEAD is answered as with GET, without the body.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let rule = RULES.iter().find(|(by, at, _)| by == method && *at == route);
        rule.map_or(if *method == Method::GET { Self::READ } else { Self::WRITE }, |(.., rule)| *rule)
    }
}

use AccessRule as Rule;

/// Routes that are not as all others: there looking needs the scope read, everything else write, each counts for one request, and the audit
/// log tells nothing.
const RULES: [(Method, &str, AccessRule); 26] = [
    // They change nothing.
    (Method::POST, "/api/v1/analyze", Rule::READ),
    (Method::POST, "/api/v1/similarity", Rule::READ),
    (Method::POST, "/api/v1/quality", Rule::READ),
    (Method::POST, "/api/v1/duplicates/search", Rule::READ),
    // They take a body of many texts, or look at much.
    (Method::POST, "/api/v1/documents/bulk", Rule::WRITE.costs(10)),
    (Method::GET, "/api/v1/duplicates/clusters", Rule::READ.costs(10)),
    (Method::POST, "/api/v1/batches", Rule::WRITE.costs(5)),
    (Method::GET, "/api/v1/batches/{id}/results", Rule::READ.costs(5)),
    (Method::DELETE, "/api/v1/batches/{id}", Rule::WRITE.told_as("batch.cancelled")),
    (Method::DELETE, "/api/v1/documents/{id}", Rule::WRITE.told_as("document.deleted")),
    (Method::POST, "/api/v1/webhooks/endpoints", Rule::WRITE.told_as("endpoint.created")),
    (Method::PATCH, "/api/v1/webhooks/endpoints/{id}", Rule::WRITE.told_as("endpoint.changed")),
    (Method::DELETE, "/api/v1/webhooks/endpoints/{id}", Rule::WRITE.told_as("endpoint.deleted")),
    (Method::GET, "/api/v1/webhooks/endpoints/{id}/secret", Rule::ADMIN.told_as("secret.shown")),
    (Method::POST, "/api/v1/webhooks/endpoints/{id}/rotate-secret", Rule::WRITE.told_as("secret.rotated")),
    (
        Method::POST,
        "/api/v1/webhooks/endpoints/{id}/replay",
        Rule::WRITE.costs(5).told_as("endpoint.replayed"),
    ),
    (Method::POST, "/api/v1/webhooks/deliveries/{id}/retry", Rule::WRITE.told_as("delivery.retried")),
    (Method::POST, "/api/v1/webhooks/deliveries/{id}/cancel", Rule::WRITE.told_as("delivery.cancelled")),
    (
        Method::POST,
        "/api/v1/webhooks/dead-letters/requeue",
        Rule::WRITE.costs(5).told_as("dead_letters.requeued"),
    ),
    (Method::POST, "/api/v1/webhooks/dead-letters/{id}/requeue", Rule::WRITE.told_as("dead_letter.requeued")),
    (Method::DELETE, "/api/v1/webhooks/dead-letters/{id}", Rule::WRITE.told_as("dead_letter.deleted")),
    (Method::GET, "/api/v1/keys", Rule::ADMIN),
    (Method::POST, "/api/v1/keys", Rule::ADMIN.told_as("key.created")),
    (Method::DELETE, "/api/v1/keys/{id}", Rule::ADMIN.told_as("key.revoked")),
    (Method::GET, "/api/v1/audit", Rule::ADMIN),
    (Method::PUT, "/api/v1/log-level", Rule::ADMIN.told_as("log_level.changed")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::log_level;

    #[test]
    fn looking_needs_less_than_changing_and_secrets_need_most() {
        let scope = |method: &Method, route| AccessRule::of(method, route).scope;
        assert_eq!(scope(&Method::GET, "/api/v1/documents"), Scope::Read);
        assert_eq!(scope(&Method::POST, "/api/v1/analyze"), Scope::Read);
        assert_eq!(scope(&Method::POST, "/api/v1/documents"), Scope::Write);
        assert_eq!(scope(&Method::DELETE, "/api/v1/documents/{id}"), Scope::Write);
        assert_eq!(scope(&Method::GET, "/api/v1/audit"), Scope::Admin);
        assert_eq!(scope(&Method::HEAD, "/api/v1/audit"), Scope::Admin);
        let secret = "/api/v1/webhooks/endpoints/{id}/secret";
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(AccessRule::of(&method, secret), AccessRule::ADMIN.told_as("secret.shown"));
        }
    }

    #[test]
    fn every_rule_is_of_a_route_that_there_is_and_no_route_has_two() {
        let document = serde_json::to_value(crate::openapi::document("0")).unwrap_or_default();
        let is_there = |method: &Method, route: &str| {
            document["paths"][route][method.as_str().to_ascii_lowercase()].is_object()
        };
        for (place, (method, route, _)) in RULES.iter().enumerate() {
            // Not everywhere there, and in no document.
            assert!(is_there(method, route) || *route == log_level::PATH, "{method} {route}");
            let again = RULES.iter().skip(place + 1).any(|(by, at, _)| by == method && at == route);
            assert!(!again, "{method} {route}");
        }
    }
}
