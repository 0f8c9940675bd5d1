//! Counts requests and measures how long they take.

use crate::app::App;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use std::time::Duration;

/// A request that is counted when its answer is known.
pub(super) struct Count {
    app: App,
    method: Method,
    route: String,
    began: Duration,
}

impl Count {
    pub(super) fn begin(app: &App, request: &Request, route: String) -> Self {
        let began = app.clock().monotonic();
        Self { app: app.clone(), method: request.method().clone(), route, began }
    }

    pub(super) fn end(self, status: StatusCode) {
        let duration = self.app.clock().monotonic().saturating_sub(self.began);
        let now = self.app.clock().now();
        self.app.metrics().request(&self.method, self.route, status, duration, now);
    }
}
