//! HTTP adapter of Content Redundancy Detector: routes, wire types, middleware, error answers, `OpenAPI` document, pages.
//!
//! [`App`] holds the state and is built once; [`router`] makes an [`axum::Router`] of it, which is all that a function
//! platform needs; [`serve`] runs a router on a listener, hardened and with a graceful end.
//!
//! A request passes the layers listed in `middleware.rs`, is taken apart by `request.rs`, which collects every fault before
//! it complains, and reaches a handler in `routes/`: one file for each resource, with its wire types and their conversion
//! to and from the types of the engine. What goes wrong anywhere becomes an answer in `error.rs`, and only there.
//!
//! What is behind the ports of the engine, and where settings come from, is none of this crate's business.

#![forbid(unsafe_code)]

mod access_rules;
mod app;
mod config;
mod envelope;
mod error;
mod identity;
mod metrics;
mod middleware;
mod objectives;
pub mod openapi;
mod request;
mod routes;
mod serve;
mod shares;
mod span_export;
mod wire;

pub use app::{App, Readiness, Workspace, Workspaces};
pub use config::{InvalidOrigin, LogLevels, Origin, ServerConfig};
pub use identity::{
    Access, ApiKeys, Authentication, FixedKey, KeySetSource, TokenRules, Tokens, Verification,
};
pub use metrics::WebhookMetrics;
pub use routes::analyses::FindingsAsJson;
pub use routes::{monitoring_router, router};
pub use serve::{
    Credentials, CredentialsFault, CredentialsPart, Drained, Encryption, ServeOptions, Validity, serve,
};
pub use span_export::SpanExport;
