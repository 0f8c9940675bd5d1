//! The `OpenAPI` 3.1 document of the service. Each handler describes its own success; what all of them have in common, error
//! answers and headers, is added here.

mod errors;
mod links;

use crate::config::ServerConfig;
use crate::error::Failure;
use crate::routes;
use crate::wire::values::UserId;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, RefOr, Required, Schema, Type,
};
use utoipa::{OpenApi as _, PartialSchema as _};

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        routes::analyze::analyze,
        routes::similarity::similarity,
        routes::quality::quality,
        routes::analyses::analysis,
        routes::documents::put,
        routes::documents::add,
        routes::documents::bulk::add_all,
        routes::documents::list::list,
        routes::documents::show,
        routes::documents::remove,
        routes::duplicates::search,
        routes::duplicates::clusters::clusters,
        routes::batches::accept,
        routes::batches::list,
        routes::batches::show,
        routes::batches::cancel,
        routes::batches::results,
        routes::stats::stats,
        routes::slo::slo,
        routes::keys::create,
        routes::keys::list,
        routes::keys::revoke,
        routes::audit::list,
        routes::webhooks::endpoints::register,
        routes::webhooks::endpoints::list,
        routes::webhooks::endpoints::show,
        routes::webhooks::endpoints::change,
        routes::webhooks::endpoints::remove,
        routes::webhooks::endpoints::secrets::rotate,
        routes::webhooks::endpoints::secrets::show,
        routes::webhooks::endpoints::ping::test,
        routes::webhooks::endpoints::replay::replay,
        routes::webhooks::events::publish,
        routes::webhooks::events::show,
        routes::webhooks::events::event_types,
        routes::webhooks::deliveries::list,
        routes::webhooks::deliveries::show,
        routes::webhooks::deliveries::retry,
        routes::webhooks::deliveries::cancel,
        routes::webhooks::dead_letters::list,
        routes::webhooks::dead_letters::requeue,
        routes::webhooks::dead_letters::requeue_all,
        routes::webhooks::dead_letters::discard,
        routes::webhooks::jobs::show,
        routes::webhooks::stats::stats,
        routes::metrics::scrape,
        routes::log_level::show,
        routes::log_level::set,
        routes::health::alive,
        routes::health::live,
        routes::health::ready,
        routes::health::status,
        routes::openapi::document,
    ),
    components(schemas(Failure)),
    tags(
        (name = "Detection", description = "Find redundancy in text, with evidence"),
        (name = "Documents", description = "Keep documents, and find what they have in common with each other and with any text"),
        (name = "Batches", description = "Have many items done behind the request, and get the results as lines"),
        (name = "Endpoints", description = "Who is told of events, where and how"),
        (name = "Events", description = "What there is to tell"),
        (name = "Deliveries", description = "Every event on its way to every endpoint"),
        (name = "Access", description = "Who may use the service, and who changed what"),
        (name = "Monitoring", description = "What the service has done and is doing"),
        (name = "Health", description = "Whether the service is well"),
        (name = "Documentation", description = "How to use the service"),
    ),
)]
struct Described;

const DESCRIPTION: &str = "Finds redundancy in text: inside one text, between two, and against an index of documents. Every answer under `/api/v1` is JSON \
    in an envelope: `{\"success\": true, \"data\": …, \"status\": 200}`, or `{\"success\": false, \"error\": …}` with a \
    message that says what to do. Bodies of requests may be compressed with gzip, br, zstd or deflate (`Content-Encoding`), \
    and answers are if `Accept-Encoding` allows. Where the service asks who is there, send an API key or a token as `Authorization: Bearer …`. \
    How much a caller may still ask stands in `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds) of answers under `/api/v1`; \
    those to credentials that will not do tell how many failures the caller's address has left. Unknown fields and query parameters are refused, so that a spelling mistake \
    does not pass unnoticed; only probes (`/health`, `/health/live`, `/health/ready`), metrics and pages ignore query parameters. \
    A head that is no HTTP is answered 400, and one that is too long 431, by the connection itself: without the envelope.";

/// Operations that do without a body what they do with one in which nothing is said.
const BODY_MAY_BE_MISSING: [&str; 7] = [
    "add_documents",
    "cancel_delivery",
    "requeue_dead_letter",
    "requeue_dead_letters",
    "retry_delivery",
    "rotate_secret",
    "test_endpoint",
];

/// The document for the given version of the product.
#[must_use]
pub fn document(version: &str) -> OpenApi {
    let mut document = Described::openapi();
    document.info = InfoBuilder::new()
        .title("Content Redundancy Detector")
        .version(version)
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.responses.extend(errors::responses());
    add_credentials(components);
    // Whether one is asked for is a matter of settings, hence the empty one.
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("bearer", [] as [&str; 0]),
        SecurityRequirement::new("api_key", [] as [&str; 0]),
    ]);
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            errors::add_to(operation, path);
            add_headers(operation);
            links::add_to(operation);
            if let (Some(id), Some(RefOr::T(body))) = (&operation.operation_id, &mut operation.request_body)
                && BODY_MAY_BE_MISSING.contains(&id.as_str())
            {
                body.required = Some(Required::False);
            }
        }
        // What is put under an id need not have been there.
        if let Some(put) = &mut item.put {
            put.responses.responses.remove("404");
        }
    }
    document
}

/// The ways in which a caller proves who it is.
fn add_credentials(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key, or a token of the issuer that the service trusts"))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let api_key = ApiKeyValue::with_description("X-Api-Key", "An API key");
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(api_key)));
}

/// What can be done at a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The document for a service with this `config`: without what is switched off or stands at another address.
pub(crate) fn document_of(config: &ServerConfig) -> OpenApi {
    let mut document = document(&config.version);
    if !config.enable_metrics || config.metrics_apart {
        document.paths.paths.remove("/metrics");
    }
    if config.log_levels.is_none() {
        document.paths.paths.remove(routes::log_level::PATH);
    }
    document
}

/// The headers that every request may carry, and the one that every answer does.
fn add_headers(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    if operation.request_body.is_some() {
        parameters.push(
            header(
                "X-User-Id",
                "The user on whose behalf this is asked; `user_id` in the body goes before it.",
                UserId::schema(),
            )
            .into(),
        );
    }
    parameters.push(
        header(
            "X-Request-Id",
            "An id of 1 to 128 of `[A-Za-z0-9._-]` for logs and answers; else one is made.",
            string(),
        )
        .into(),
    );
    parameters.push(
        header("traceparent", "The trace that the caller works in, by W3C Trace Context.", string()).into(),
    );
    parameters.push(
        header("tracestate", "What tracing systems of the caller say of it, passed on as it is.", string())
            .into(),
    );
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), RefOr::T(request_id_header()));
        }
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn request_id_header() -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(string())).description(Some("The id of the request")).build()
}
