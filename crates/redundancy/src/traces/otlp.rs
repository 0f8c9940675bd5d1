//! The messages of OTLP: a batch of spans as bytes, and what a collector answers. What both ways of sending have in common, and
//! in what they differ.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TE};
use hyper::{Method, Request, StatusCode, Version};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;

use crate::settings::OtlpProtocol;

const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// So much of what a collector says of spans that it rejects stands in the log, in characters.
const LONGEST_REASON: usize = 200;
/// What stands before a message of gRPC: whether it is compressed, and how long it is.
const GRPC_PREFIX_BYTES: usize = 5;
/// Codes of gRPC after which the specification of OTLP asks to try again: cancelled, deadline exceeded, aborted, out of range,
/// unavailable, data loss.
const GRPC_RETRYABLE: [u16; 6] = [1, 4, 10, 11, 14, 15];

/// Why a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// For the log: nothing that the collector made up.
    pub(super) reason: String,
    /// Whether it may be taken later.
    pub(super) is_passing: bool,
    /// When the collector wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

/// A complete answer of a collector.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Headers, and over them those that came behind the body.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Refusal {
    /// What may go away by itself.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_passing: true, retry_after: None }
    }
}

/// A batch as bytes.
pub(super) fn encode(batch: Vec<SpanData>, resource: &ResourceAttributesWithSchema) -> Bytes {
    let resource_spans = group_spans_by_resource_and_scope(batch, resource);
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

/// The request that carries `message`. `authority` and `scheme` are those of the collector, `path` is for HTTP alone.
pub(super) fn request(
    protocol: OtlpProtocol,
    scheme: &str,
    authority: &str,
    path: &str,
    headers: &[(HeaderName, HeaderValue)],
    message: &Bytes,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let builder = Request::builder().method(Method::POST);
    let (mut builder, body) = match protocol {
        OtlpProtocol::Http => {
            let builder = builder.uri(path).version(Version::HTTP_11).header(hyper::header::HOST, authority);
            (builder.header(CONTENT_TYPE, "application/x-protobuf"), message.clone())
        }
        OtlpProtocol::Grpc => {
            let uri = format!("{scheme}://{authority}{GRPC_PATH}");
            let builder = builder.uri(uri).version(Version::HTTP_2).header(TE, "trailers");
            (builder.header(CONTENT_TYPE, "application/grpc"), framed(message))
        }
    };
    builder = builder.header(
        hyper::header::USER_AGENT,
        concat!("content-redundancy-detector/", env!("CARGO_PKG_VERSION")),
    );
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(body))
}

/// A message as gRPC writes it.
fn framed(message: &Bytes) -> Bytes {
    let mut framed = Vec::with_capacity(GRPC_PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(message);
    framed.into()
}

/// What a collector did not take of a batch, and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) spans: u64,
    pub(super) reason: String,
}

/// What the collector rejected of a batch that it took.
pub(super) fn read(protocol: OtlpProtocol, answer: &Answer) -> Result<Rejected, Refusal> {
    let message = match protocol {
        OtlpProtocol::Http => {
            check_http(answer)?;
            answer.body.as_ref()
        }
        OtlpProtocol::Grpc => {
            check_grpc(answer)?;
            answer.body.get(GRPC_PREFIX_BYTES..).unwrap_or_default()
        }
    };
    // An answer that cannot be read is still an answer that says yes.
    let response = ExportTraceServiceResponse::decode(message).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    let reason = partial.error_message.chars().take(LONGEST_REASON).collect();
    Ok(Rejected { spans: u64::try_from(partial.rejected_spans).unwrap_or_default(), reason })
}

fn check_http(answer: &Answer) -> Result<(), Refusal> {
    if answer.status.is_success() {
        return Ok(());
    }
    let seconds = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Err(Refusal {
        reason: format!("the collector answered {}", answer.status.as_u16()),
        is_passing: matches!(answer.status.as_u16(), 429 | 502..=504),
        retry_after: seconds.map(Duration::from_secs),
    })
}

fn check_grpc(answer: &Answer) -> Result<(), Refusal> {
    if !answer.status.is_success() {
        return check_http(answer);
    }
    let code = answer.headers.get(GRPC_STATUS).and_then(|value| value.to_str().ok()?.parse::<u16>().ok());
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(Refusal {
            reason: format!("the collector answered with gRPC status {code}"),
            is_passing: GRPC_RETRYABLE.contains(&code),
            retry_after: None,
        }),
        None => Err(Refusal::passing("the answer of the collector has no gRPC status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn what_is_worth_another_try_is_told_from_what_is_not() {
        let passes = |protocol, status, headers: &[(&'static str, &str)]| {
            read(protocol, &answer(status, headers)).map_err(|refusal| refusal.is_passing)
        };
        assert_eq!(passes(OtlpProtocol::Http, 200, &[]), Ok(Rejected::default()));
        for (status, is_passing) in [(400, false), (401, false), (429, true), (500, false), (503, true)] {
            assert_eq!(passes(OtlpProtocol::Http, status, &[]), Err(is_passing), "{status}");
        }
        assert_eq!(passes(OtlpProtocol::Grpc, 200, &[("grpc-status", "0")]), Ok(Rejected::default()));
        for (code, is_passing) in [("3", false), ("7", false), ("14", true), ("16", false), ("x", true)] {
            assert_eq!(passes(OtlpProtocol::Grpc, 200, &[("grpc-status", code)]), Err(is_passing), "{code}");
        }
        assert_eq!(passes(OtlpProtocol::Grpc, 200, &[]), Err(true));
        assert_eq!(passes(OtlpProtocol::Grpc, 503, &[]), Err(true));
    }

    #[test]
    fn a_collector_says_when_it_wants_to_be_asked_again() {
        let refusal = read(OtlpProtocol::Http, &answer(503, &[("retry-after", "7")])).unwrap_err();
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_message_of_grpc_says_how_long_it_is() {
        assert_eq!(framed(&Bytes::from_static(b"abc")).as_ref(), b"\0\0\0\0\x03abc");
    }
}
