//! The transport that calls receivers over the network.

use super::answer;
use super::config::{TransportConfig, TransportConfigError};
use super::connection::Connection;
use super::dial::Dialer;
use super::pool::Pool;
use super::resolver::{Resolver, SystemResolver};
use super::tls::Tls;
use super::{OutgoingRequest, ReceiverResponse, Transport};
use crate::{EndpointUrl, FailureReason};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a connection is used at most. A receiver that moves to another address is followed after this.
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(5);
/// The longest time-out. It keeps any duration that a caller may think of within what the clock can count.
const MAX_TIMEOUT: Duration = Duration::from_hours(1);
/// Headers that are about the connection or the length of the request. If a caller could set them, what one side takes
/// for one request could be two for the other.
const OWN_HEADERS: [HeaderName; 11] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Calls receivers by HTTP/1.1, over TCP or TLS. Uses no proxy, follows no redirect, and keeps connections for reuse.
///
/// To be used inside one tokio runtime with time and network enabled.
pub struct HttpTransport {
    dialer: Dialer,
    pool: Pool<Connection>,
    https_only: bool,
    user_agent: HeaderValue,
}

impl HttpTransport {
    /// A transport by `config` that looks names up as the system does. Costs little: the platform's certificates are read
    /// at the first call that needs them.
    pub fn new(config: TransportConfig) -> Result<Self, TransportConfigError> {
        let tls = Tls::new(&config)?;
        let user_agent =
            HeaderValue::from_str(&config.user_agent).map_err(|_| TransportConfigError::UserAgent)?;
        Ok(Self {
            dialer: Dialer { policy: config.policy, resolver: Arc::new(SystemResolver::new()), tls },
            pool: Pool::new(config.max_idle_per_host),
            https_only: config.https_only,
            user_agent,
        })
    }

    /// The same, looking names up by `resolver`.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.dialer.resolver = resolver;
        self
    }

    /// Sends on a connection that is open already, or else on a new one.
    async fn exchange(
        &self,
        request: &OutgoingRequest,
        deadline: Instant,
    ) -> Result<ReceiverResponse, FailureReason> {
        if let Some(mut connection) = self.open_connection(&request.url).await {
            match connection.send(http_request(request)).await {
                Ok(response) => return self.finish(&request.url, connection, response).await,
                // The receiver was about to close it. That tells nothing about the request, so it gets a new connection.
                Err(error) if error.is_unanswered => {}
                Err(error) => return Err(error.reason),
            }
        }
        let stream = self.dialer.dial(&request.url, deadline).await?;
        let mut connection = Connection::new(stream).await?;
        let response = connection.send(http_request(request)).await.map_err(|error| error.reason)?;
        self.finish(&request.url, connection, response).await
    }

    /// A connection to the same origin that waits for work and has not been closed meanwhile.
    async fn open_connection(&self, url: &EndpointUrl) -> Option<Connection> {
        while let Some(mut connection) = self.pool.take(url.origin()) {
            if connection.is_ready().await {
                return Some(connection);
            }
        }
        None
    }

    /// Reads the answer, and keeps the connection if it can be used again.
    async fn finish(
        &self,
        url: &EndpointUrl,
        mut connection: Connection,
        response: http::Response<hyper::body::Incoming>,
    ) -> Result<ReceiverResponse, FailureReason> {
        let (head, body) = response.into_parts();
        let answer = answer::read(head, body, &mut connection).await?;
        let is_reusable = !answer.is_truncated && connection.opened().elapsed() < MAX_CONNECTION_AGE;
        if is_reusable && connection.is_ready().await {
            self.pool.put(url.origin(), connection);
        }
        Ok(answer)
    }

    /// Adds what each request needs, and takes out what is not the caller's to set.
    fn complete_headers(&self, url: &EndpointUrl, headers: &mut HeaderMap) {
        for name in OWN_HEADERS {
            headers.remove(name);
        }
        headers.insert(header::HOST, url.host_header().clone());
        headers.entry(header::USER_AGENT).or_insert_with(|| self.user_agent.clone());
        if let Some(authorization) = url.authorization() {
            headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, mut request: OutgoingRequest) -> Result<ReceiverResponse, FailureReason> {
        if self.https_only && !request.url.is_https() {
            return Err(FailureReason::BlockedAddress);
        }
        self.complete_headers(&request.url, &mut request.headers);
        let deadline = Instant::now() + request.timeout.min(MAX_TIMEOUT);
        timeout_at(deadline, self.exchange(&request, deadline)).await.unwrap_or(Err(FailureReason::Timeout))
    }
}

/// The request as it goes over the wire. Copies the headers, because a connection that turns out to be closed takes its
/// request with it.
fn http_request(request: &OutgoingRequest) -> Request<Full<Bytes>> {
    let mut message = Request::new(Full::new(request.body.clone()));
    *message.method_mut() = Method::POST;
    *message.uri_mut() = Uri::from(request.url.path_and_query().clone());
    *message.headers_mut() = request.headers.clone();
    message
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("policy", &self.dialer.policy)
            .field("tls", &self.dialer.tls)
            .field("https_only", &self.https_only)
            .finish_non_exhaustive()
    }
}
