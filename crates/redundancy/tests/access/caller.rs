//! Somebody who calls the service with a credential.

use serde_json::Value;

use crate::kit::{Answer, Service};

/// A caller of a service.
pub(crate) struct Caller<'s> {
    service: &'s Service,
    headers: Vec<(String, String)>,
}

impl<'s> Caller<'s> {
    /// One without a credential.
    pub(crate) fn anonymous(service: &'s Service) -> Self {
        Self { service, headers: Vec::new() }
    }

    /// One that sends `credential` as a bearer.
    pub(crate) fn new(service: &'s Service, credential: &str) -> Self {
        Self::with(service, "Authorization", &format!("Bearer {credential}"))
    }

    /// One that sends this header.
    pub(crate) fn with(service: &'s Service, name: &str, value: &str) -> Self {
        Self { service, headers: vec![(name.to_owned(), value.to_owned())] }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.service.ask(method, path, &self.headers, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body))
    }

    /// The `data` of an answer with this status.
    #[track_caller]
    pub(crate) fn done(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        let answer = self.ask(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        if answer.body.is_empty() { Value::Null } else { answer.json()["data"].clone() }
    }
}
