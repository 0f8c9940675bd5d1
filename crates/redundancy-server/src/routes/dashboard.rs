//! `GET /`: what the service is doing, and a form to try it. What it shows it gets from the API, by scripts of this server.

use super::assets::{self, File};
use crate::app::App;
use axum::routing::MethodRouter;

/// The route of the page.
pub(super) fn route() -> MethodRouter<App> {
    assets::route(File::page(include_str!("../../assets/dashboard.html")))
}
