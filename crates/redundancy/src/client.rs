//! Talks to a running service: one request at a time over HTTP/1.1, in clear or encrypted, with a cap on what is read and a
//! deadline around everything. It asks no proxy and follows no redirect.
//!
//! What the answers mean is the business of the commands; what is wrong with them is said here, in words for the user.

pub mod address;
pub mod error;
pub mod location;
pub mod pages;
pub mod records;

pub(crate) mod connection;

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub use address::ServiceAddress;
pub use error::{ClientError, Fault};
pub use location::Location;

use crate::certificates::ClientCertificateFiles;
use crate::settings::ApiKey;

/// How long an exchange may take unless the call says otherwise: what the service gives a request by default, and a little.
pub const DEADLINE: Duration = Duration::from_secs(35);
/// More is not read of an answer: a page of a list with all that it may hold is far smaller.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Talks to one service. Every call blocks until the answer is there or the deadline is over.
pub struct Client {
    address: ServiceAddress,
    authorization: Option<HeaderValue>,
    certificate: Option<ClientCertificateFiles>,
    runtime: Runtime,
}

/// What to ask.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    body: Option<String>,
    idempotency_key: Option<HeaderValue>,
    deadline: Duration,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client of the service at `address`, which shows it `key`.
    pub fn new(address: ServiceAddress, key: Option<&ApiKey>) -> Result<Self, ClientError> {
        let authorization = key
            .map(|key| {
                let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal()))
                    .map_err(|_| ClientError::Key)?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| ClientError::Runtime(error.to_string()))?;
        Ok(Self { address, authorization, certificate: None, runtime })
    }

    /// The same, which shows `certificate` over TLS if the service asks for one.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<ClientCertificateFiles>) -> Self {
        Self { certificate, ..self }
    }

    /// Where the service is.
    pub const fn address(&self) -> &ServiceAddress {
        &self.address
    }

    /// The `data` of the answer; `null` where the answer has no body.
    pub fn data(&self, call: &Call) -> Result<Value, ClientError> {
        let Answer { status, body } = self.answer(call)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let envelope: Option<Value> = serde_json::from_slice(&body).ok();
        if !status.is_success() {
            return Err(ClientError::refused(&self.address, status, envelope.as_ref()));
        }
        let data = envelope.and_then(|mut envelope| envelope.get_mut("data").map(Value::take));
        data.ok_or_else(|| ClientError::Foreign(self.address.to_string()))
    }

    /// The answer as it comes, whatever it is.
    pub fn answer(&self, call: &Call) -> Result<Answer, ClientError> {
        self.runtime.block_on(async {
            let exchange = tokio::time::timeout(call.deadline, self.exchange(call));
            exchange.await.unwrap_or_else(|_| Err(ClientError::slow(&self.address, call.deadline)))
        })
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, ClientError> {
        let broken = |error: hyper::Error| {
            let broken = ClientError::broken(&self.address, &error);
            let is_unproven = self.address.is_encrypted() && self.certificate.is_none();
            if is_unproven { broken.without_certificate() } else { broken }
        };
        let (mut sender, connection) = connection::open(&self.address, self.certificate.as_ref()).await?;
        let request = self.request(call)?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => broken(*error),
                Err(_) => ClientError::TooLong { address: self.address.to_string(), most: MAX_ANSWER_BYTES },
            })?;
            Ok(Answer { status, body: body.to_bytes() })
        };
        tokio::select! {
            answer = exchange => answer,
            // What goes wrong with the connection is told to the exchange as well.
            () = connection => Err(ClientError::Foreign(self.address.to_string())),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, ClientError> {
        let foreign = |_| ClientError::Foreign(self.address.to_string());
        let body = call.body.clone().unwrap_or_default();
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.address.base_path(), call.path))
            .header(HOST, self.address.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("redundancy/", env!("CARGO_PKG_VERSION")));
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &self.authorization {
            request = request.header(AUTHORIZATION, key);
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request.body(Full::from(body)).map_err(foreign)
    }
}

impl Call {
    /// Reads what is at `path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Asks `path` to do something.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Changes what is at `path`.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Deletes what is at `path`.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The same with a body, which is JSON.
    #[must_use]
    pub fn with(self, json: impl fmt::Display) -> Self {
        Self { body: Some(json.to_string()), ..self }
    }

    /// The same with the name of the request, under which the service does it only once.
    pub fn once(self, key: &str) -> Result<Self, ClientError> {
        let key = HeaderValue::from_str(key).map_err(|_| ClientError::IdempotencyKey)?;
        Ok(Self { idempotency_key: Some(key), ..self })
    }

    /// The same with another deadline for the whole exchange.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, idempotency_key: None, deadline: DEADLINE }
    }
}
