//! Placeholder until the transport lands.
use crate::failure::FailureReason;
use crate::url::EndpointUrl;
use async_trait::async_trait;
use std::time::Duration;
/// r
#[derive(Debug, Clone)]
pub struct OutgoingRequest {
    /// r
    pub url: EndpointUrl,
    /// r
    pub headers: http::HeaderMap,
    /// r
    pub body: bytes::Bytes,
    /// r
    pub timeout: Duration,
}
/// r
#[derive(Debug, Clone, Default)]
pub struct ReceiverResponse {
    /// r
    pub status: u16,
    /// r
    pub headers: Vec<(String, String)>,
    /// r
    pub body: Vec<u8>,
    /// r
    pub is_truncated: bool,
}
/// r
#[async_trait]
pub trait Transport: Send + Sync {
    /// r
    async fn send(&self, request: OutgoingRequest) -> Result<ReceiverResponse, FailureReason>;
}
/// r
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy;
