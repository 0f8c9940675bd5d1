//! Lets requests in: finds out who asks, whether they may do this, and whether they do not ask too often; and gives the rest of the way
//! the part of the service that is theirs.

use super::audit;
use super::caller::{CallerName, Party};
use super::capacity;
use super::client_address::ClientAddress;
use super::held_answers::Holding;
use super::rate_limit::{self, Limited};
use crate::access_rules::AccessRule;
use crate::app::App;
use crate::error::ApiError;
use crate::identity::{Principal, Refusal};
use crate::routes::route_of;
use crate::shares::Share;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use redundancy_engine::access::Actor;
use tracing::Instrument as _;

/// Admits a request that works on somebody's things.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let address = ClientAddress::of(&request, &app.access().trusted_proxies);
    let rule = AccessRule::of(request.method(), &route_of(&request));
    let principal = match identify(&app, request.headers(), address).await {
        Ok(principal) => principal,
        Err(refusal) => return refusal,
    };
    tell(&principal);
    let caller = CallerName::new(&principal, address);
    let told = match rate_limit::take(&app, &caller, rule.cost).await {
        Ok(Limited::Allowed(told)) => told,
        Ok(Limited::Refused(told)) => {
            if rate_limit::is_worth_telling(&app, &caller).await
                && let Ok(app) = enter(&app, &principal).await
            {
                rate_limit::tell(&app, &caller, told, request.extensions()).await;
            }
            return rate_limit::refuse(told);
        }
        Err(error) => return error.into_response(),
    };
    let app = match enter(&app, &principal).await {
        Ok(app) => app,
        Err(error) => return error.into_response(),
    };
    let party = Party::new(&principal, &caller);
    let place = permit(&principal, rule).and_then(|()| capacity::share(&app, &principal.actor, &party));
    let mut response = match place {
        Ok(place) => {
            let entry = audit::Entry::begin(&app, rule, &mut request, &principal, address).await;
            request.extensions_mut().insert(app.clone());
            request.extensions_mut().insert(party.clone());
            let holding = Holding::of(&app, party, rule, &request);
            holding.hold(audited(&app, entry, place, request, next).await)
        }
        Err(error) => error.into_response(),
    };
    told.add_to(response.headers_mut());
    response
}

/// Admits a request that looks at the service as a whole: whoever may read, and belongs to no tenant.
pub(super) async fn admit_observer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let address = ClientAddress::of(&request, &app.access().trusted_proxies);
    let rule = AccessRule::of(request.method(), &route_of(&request));
    match identify(&app, request.headers(), address).await {
        Ok(principal) if principal.tenant.is_some() => {
            let message = "This is about the service as a whole, and your tenant is only a part of it.";
            ApiError::forbidden(message).into_response()
        }
        Ok(principal) => {
            tell(&principal);
            if let Err(error) = permit(&principal, rule) {
                return error.into_response();
            }
            let entry = audit::Entry::begin(&app, rule, &mut request, &principal, address).await;
            let party = Party::new(&principal, &CallerName::new(&principal, address));
            let holding = Holding::of(&app, party, rule, &request);
            holding.hold(audited(&app, entry, None, request, next).await)
        }
        Err(refusal) => refusal,
    }
}

/// Does the rest in a `place` of its caller, and writes down what was done if it is to be. That goes on to its end also when the client
/// does not wait for it, and keeps its place so long: nobody gets round the log by hanging up, nor round the limits.
async fn audited(
    app: &App,
    entry: Option<audit::Entry>,
    place: Option<Share>,
    request: Request,
    next: Next,
) -> Response {
    let Some(entry) = entry else { return next.run(request).await };
    let tasks = app.tasks().clone();
    let only_shows = request.method() == Method::GET;
    let work = async move {
        let _place = place;
        let response = next.run(request).await;
        let Some(done) = entry.ended(&response) else { return response };
        match done.write().await {
            // Nothing is shown of which nobody can look up later that it was.
            Err(error) if only_shows => ApiError::from(error).into_response(),
            // What is done is done, and does not become undone by saying that it failed.
            Err(_) => {
                tasks.spawn(done.write_later());
                response
            }
            Ok(()) => response,
        }
    };
    let ended = app.tasks().spawn(work.in_current_span()).await;
    ended.unwrap_or_else(|_| ApiError::internal().into_response())
}

/// Who asks, or the answer to whoever is not let in.
async fn identify(app: &App, headers: &HeaderMap, address: ClientAddress) -> Result<Principal, Response> {
    let authentication = &app.access().authentication;
    let mut found = authentication.identify(headers).await;
    if matches!(found, Err(Refusal::NewKey)) {
        // Whoever tries credentials must not also have the issuer asked, and wait for it.
        match rate_limit::check_failures(app, address).await {
            Ok(Limited::Allowed(_)) => found = authentication.identify_anew(headers).await,
            Ok(Limited::Refused(told)) => return Err(rate_limit::refuse(told)),
            Err(error) => return Err(error.into_response()),
        }
    }
    match found {
        Ok(principal) => Ok(principal),
        Err(Refusal::Unproven(message)) => Err(failed(app, address, ApiError::unauthorized(message)).await),
        Err(Refusal::NewKey) => Err(failed(app, address, ApiError::key_not_known_yet()).await),
        Err(Refusal::Forbidden(message)) => Err(ApiError::forbidden(message).into_response()),
        Err(Refusal::Unknown(error)) => Err(ApiError::from(error).into_response()),
        Err(Refusal::NoKeys) => Err(ApiError::no_keys_of_issuer().into_response()),
    }
}

/// The answer to somebody at `address` who could not prove who it is: `error`, unless that was too often. Whoever tries credentials is held
/// back like whoever asks too much.
async fn failed(app: &App, address: ClientAddress, error: ApiError) -> Response {
    match rate_limit::count_failure(app, address).await {
        Ok(Limited::Allowed(told)) => told.with(error),
        Ok(Limited::Refused(told)) => rate_limit::refuse(told),
        Err(error) => error.into_response(),
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
fn permit(principal: &Principal, rule: AccessRule) -> Result<(), ApiError> {
    if principal.scope >= rule.scope { Ok(()) } else { Err(ApiError::out_of_scope(rule.scope)) }
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
