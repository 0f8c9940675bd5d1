//! Lets requests in: finds out who asks, whether they may do this, and whether they do not ask too often; and gives the rest of the way
//! the part of the service that is theirs.

use super::audit;
use super::client_address::ClientAddress;
use super::rate_limit::{self, Limited};
use crate::app::App;
use crate::error::ApiError;
use crate::identity::{Principal, Refusal};
use crate::routes::route_of;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use redundancy_engine::access::{Actor, Scope};
use tracing::Instrument as _;

/// Routes by which things are asked for with POST that change nothing.
const QUESTIONS: [&str; 4] =
    ["/api/v1/analyze", "/api/v1/similarity", "/api/v1/quality", "/api/v1/duplicates/search"];
/// Routes for those alone who run the service, or a tenant of it.
const ADMIN: [&str; 5] = [
    "/api/v1/webhooks/endpoints/{id}/secret",
    "/api/v1/keys",
    "/api/v1/keys/{id}",
    "/api/v1/audit",
    "/api/v1/log-level",
];

/// Admits a request that works on somebody's things.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let address = ClientAddress::of(&request, &app.access().trusted_proxies);
    let route = route_of(&request);
    let principal = match identify(&app, request.headers(), address).await {
        Ok(principal) => principal,
        Err(error) => return error.into_response(),
    };
    let limited = match rate_limit::take(&app, &principal, address, &route).await {
        Ok(limited) => limited,
        Err(error) => return error.into_response(),
    };
    let app = match enter(&app, &principal).await {
        Ok(app) => app,
        Err(error) => return error.into_response(),
    };
    let told = match limited {
        Limited::Refused(told) => return rate_limit::refuse(&app, &principal, address, told).await,
        Limited::Allowed(told) => told,
    };
    tell(&principal);
    let mut response = match permit(&principal, request.method(), &route) {
        Ok(()) => {
            let entry = audit::Entry::begin(&app, &route, &mut request, &principal, address).await;
            request.extensions_mut().insert(app.clone());
            audited(&app, entry, request, next).await
        }
        Err(error) => error.into_response(),
    };
    told.add_to(response.headers_mut());
    response
}

/// Admits a request that looks at the service as a whole: whoever may read, and belongs to no tenant.
pub(super) async fn admit_observer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let address = ClientAddress::of(&request, &app.access().trusted_proxies);
    let route = route_of(&request);
    match identify(&app, request.headers(), address).await {
        Ok(principal) if principal.tenant.is_some() => {
            let message = "This is about the service as a whole, and your tenant is only a part of it.";
            ApiError::forbidden(message).into_response()
        }
        Ok(principal) => {
            tell(&principal);
            if let Err(error) = permit(&principal, request.method(), &route) {
                return error.into_response();
            }
            let entry = audit::Entry::begin(&app, &route, &mut request, &principal, address).await;
            audited(&app, entry, request, next).await
        }
        Err(error) => error.into_response(),
    }
}

/// Does the rest, and writes down what was done if it is to be. That goes on to its end also when the client does not wait for it: nobody gets
/// round the log by hanging up.
async fn audited(app: &App, entry: Option<audit::Entry>, request: Request, next: Next) -> Response {
    let Some(entry) = entry else { return next.run(request).await };
    let work = async move {
        let response = next.run(request).await;
        if let Some(done) = entry.ended(&response) {
            done.write().await;
        }
        response
    };
    let ended = app.tasks().spawn(work.in_current_span()).await;
    ended.unwrap_or_else(|_| ApiError::internal().into_response())
}

/// Who asks.
async fn identify(app: &App, headers: &HeaderMap, address: ClientAddress) -> Result<Principal, ApiError> {
    match app.access().authentication.identify(headers).await {
        Ok(principal) => Ok(principal),
        // Whoever tries credentials is held back like whoever asks too much.
        Err(Refusal::Unproven(message)) => {
            rate_limit::count_failure(app, address).await?;
            Err(ApiError::unauthorized(message))
        }
        Err(Refusal::Forbidden(message)) => Err(ApiError::forbidden(message)),
        Err(Refusal::Unknown(error)) => Err(error.into()),
    }
}

/// The app as the caller sees it.
async fn enter(app: &App, principal: &Principal) -> Result<App, ApiError> {
    match &principal.tenant {
        None => Ok(app.clone()),
        Some(tenant) => Ok(app.within(app.access().workspaces.of(tenant).await?)),
    }
}

/// Whether a caller may do this.
fn permit(principal: &Principal, method: &Method, route: &str) -> Result<(), ApiError> {
    let needed = needed(method, route);
    if principal.scope >= needed { Ok(()) } else { Err(ApiError::out_of_scope(needed)) }
}

/// What a caller must be allowed to do for this.
fn needed(method: &Method, route: &str) -> Scope {
    if ADMIN.contains(&route) {
        Scope::Admin
    } else if matches!(*method, Method::GET | Method::HEAD) || QUESTIONS.contains(&route) {
        Scope::Read
    } else {
        Scope::Write
    }
}

/// Puts who asks into the log.
fn tell(principal: &Principal) {
    let span = tracing::Span::current();
    if let Some(tenant) = &principal.tenant {
        span.record("tenant", tenant.as_str());
    }
    if let Actor::ApiKey(id) | Actor::Token(id) = &principal.actor {
        span.record("caller", id.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_needs_less_than_changing_and_secrets_need_most() {
        let get = |route| needed(&Method::GET, route);
        let post = |route| needed(&Method::POST, route);
        assert_eq!(get("/api/v1/documents"), Scope::Read);
        assert_eq!(post("/api/v1/analyze"), Scope::Read);
        assert_eq!(post("/api/v1/documents"), Scope::Write);
        assert_eq!(needed(&Method::DELETE, "/api/v1/documents/{id}"), Scope::Write);
        assert_eq!(get("/api/v1/webhooks/endpoints/{id}/secret"), Scope::Admin);
        assert_eq!(get("/api/v1/audit"), Scope::Admin);
    }
}
