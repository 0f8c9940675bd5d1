//! Where the spans of traces go, and which of them: our own settings and the standard ones of OpenTelemetry.

use std::fmt;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::keys::{self, Key};
use super::parse;
use super::reader::{Parsed, Reader};
use crate::client::address::ServiceAddress;

const SERVICE_NAME: &str = "content-redundancy-detector";
const HTTP_PATH: &str = "/v1/traces";
/// The port that collectors take gRPC on.
const GRPC_PORT: u16 = 4317;
const DEFAULT_HTTP: &str = "http://127.0.0.1:4318";
const DEFAULT_GRPC: &str = "http://127.0.0.1:4317";
const LONGEST_MS: u64 = 600_000;
const MOST_SPANS: usize = 1_000_000;

/// How spans reach the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSampling {
    /// The share of traces that begin here, 0 to 1.
    pub ratio: f64,
    /// Whether a trace that somebody else began is kept exactly when they keep it.
    pub follows_parent: bool,
}

/// How many spans wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceQueue {
    /// Spans that wait at most. More are dropped.
    pub max_spans: usize,
    /// Spans that are sent together at most.
    pub max_batch: usize,
    /// How long they wait for each other at most.
    pub delay: Duration,
}

/// Where the spans of traces go, and which of them.
#[derive(Clone, PartialEq)]
pub struct TraceExport {
    /// How they are sent.
    pub protocol: OtlpProtocol,
    /// Where the collector is.
    pub address: ServiceAddress,
    /// The path that they are posted to over HTTP.
    pub path: String,
    /// Sent with them; may hold keys.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one batch may take, all tries included.
    pub timeout: Duration,
    /// Who the spans are from: names and values, `service.name` among them.
    pub resource: Vec<(String, String)>,
    /// Which traces are kept.
    pub sampling: TraceSampling,
    /// How many spans wait, and for how long.
    pub queue: TraceQueue,
}

impl fmt::Debug for TraceExport {
    /// Without the headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceExport")
            .field("protocol", &self.protocol)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Where the collector is, as one of the settings says it.
#[derive(Debug, Clone)]
struct Place {
    address: ServiceAddress,
    /// Whether its path is meant as it stands, and not to be followed by that of OTLP.
    is_whole: bool,
}

impl TraceExport {
    /// `None` where no traces are exported, and where a fault was noted.
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let is_enabled = reader.value(&keys::ENABLE_TRACING, parse::flag);
        let own = reader.optional(&keys::OTLP_ENDPOINT, |text| place(text, text.ends_with(HTTP_PATH)));
        let is_disabled = reader.value(&keys::OTEL_SDK_DISABLED, parse::flag);
        let resource = resource(reader);
        let of_all = reader.optional(&keys::OTEL_EXPORTER_OTLP_ENDPOINT, |text| place(text, false));
        let of_traces = reader.optional(&keys::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, |text| place(text, true));
        let protocols = [("grpc", OtlpProtocol::Grpc), ("http/protobuf", OtlpProtocol::Http)];
        let protocol = specific(
            reader,
            [&keys::OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, &keys::OTEL_EXPORTER_OTLP_PROTOCOL],
            parse::one_of(&protocols),
        );
        let headers = specific(
            reader,
            [&keys::OTEL_EXPORTER_OTLP_TRACES_HEADERS, &keys::OTEL_EXPORTER_OTLP_HEADERS],
            headers,
        );
        let timeout = reader.value(&keys::OTEL_EXPORTER_OTLP_TIMEOUT, milliseconds(1));
        let of_traces_timeout = reader.optional(&keys::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, milliseconds(1));
        let sampling = sampling(reader);
        let queue = queue(reader);
        let export_timeout = reader.value(&keys::OTEL_BSP_EXPORT_TIMEOUT, milliseconds(1));
        if !is_enabled? || is_disabled? {
            return None;
        }
        let place = own.or(of_traces).or(of_all);
        let is_grpc_port = |place: &Place| place.address.port() == GRPC_PORT;
        let protocol = protocol.unwrap_or_else(|| {
            if place.as_ref().is_some_and(is_grpc_port) { OtlpProtocol::Grpc } else { OtlpProtocol::Http }
        });
        let usual = match protocol {
            OtlpProtocol::Grpc => DEFAULT_GRPC,
            OtlpProtocol::Http => DEFAULT_HTTP,
        };
        let place = match place {
            Some(place) => place,
            None => self::place(usual, false).ok()?,
        };
        let base = place.address.base_path();
        let path = match place.is_whole {
            true if base.is_empty() => "/".to_owned(),
            true => base.to_owned(),
            false => format!("{base}{HTTP_PATH}"),
        };
        Some(Self {
            protocol,
            path,
            address: place.address,
            headers: headers.unwrap_or_default(),
            timeout: of_traces_timeout.or(timeout)?.min(export_timeout?),
            resource,
            sampling: sampling?,
            queue: queue?,
        })
    }
}

/// The value of the first of two settings that is given: that for traces goes before that for all signals.
fn specific<T>(
    reader: &mut Reader,
    [of_traces, of_all]: [&'static Key; 2],
    parse: impl Fn(&str) -> Parsed<T>,
) -> Option<T> {
    let of_all = reader.optional(of_all, &parse);
    reader.optional(of_traces, &parse).or(of_all)
}

fn place(text: &str, is_whole: bool) -> Parsed<Place> {
    text.parse().map(|address| Place { address, is_whole }).map_err(|_| {
        "must be an address such as http://127.0.0.1:4318 or https://collector.example.org:4317, without user, password and \
         query; credentials stand in OTEL_EXPORTER_OTLP_HEADERS"
            .to_owned()
    })
}

fn milliseconds(least: u64) -> impl Fn(&str) -> Parsed<Duration> {
    move |text| {
        parse::number(least..=LONGEST_MS)(text)
            .map(Duration::from_millis)
            .map_err(|remedy| remedy.replace("a whole number", "a whole number of milliseconds"))
    }
}

/// Headers as OpenTelemetry writes them: `name=value` behind commas, values escaped as in addresses.
fn headers(text: &str) -> Parsed<Vec<(HeaderName, HeaderValue)>> {
    pairs(text)
        .and_then(|pairs| {
            pairs
                .into_iter()
                .map(|(name, value)| {
                    let mut value = HeaderValue::from_str(&value).ok()?;
                    value.set_sensitive(true);
                    Some((HeaderName::try_from(name).ok()?, value))
                })
                .collect()
        })
        .ok_or_else(|| "must be headers such as api-key=abc,x-tenant=one".to_owned())
}

/// `name=value` behind commas.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let pair = |item: &str| {
        let (name, value) = item.split_once('=')?;
        let name = name.trim();
        (!name.is_empty()).then_some((name.to_owned(), unescaped(value.trim())?))
    };
    items.map(pair).collect()
}

/// `text` with `%41` as `A`.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits =
            behind.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

fn resource(reader: &mut Reader) -> Vec<(String, String)> {
    let name = reader.optional(&keys::OTEL_SERVICE_NAME, parse::text);
    let attributes = |text: &str| {
        pairs(text).ok_or_else(|| {
            "must be names and values such as deployment.environment=test,team=search".to_owned()
        })
    };
    let given = reader.optional(&keys::OTEL_RESOURCE_ATTRIBUTES, attributes).unwrap_or_default();
    let mut resource = vec![
        ("service.name".to_owned(), SERVICE_NAME.to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let name = name.map(|name| ("service.name".to_owned(), name));
    for (name, value) in given.into_iter().chain(name) {
        resource.retain(|(known, _)| *known != name);
        resource.push((name, value));
    }
    resource
}

fn sampling(reader: &mut Reader) -> Option<TraceSampling> {
    let samplers = [
        ("always_on", (false, Some(1.0))),
        ("always_off", (false, Some(0.0))),
        ("traceidratio", (false, None)),
        ("parentbased_always_on", (true, Some(1.0))),
        ("parentbased_always_off", (true, Some(0.0))),
        ("parentbased_traceidratio", (true, None)),
    ];
    let sampler = reader.value(&keys::OTEL_TRACES_SAMPLER, parse::one_of(&samplers));
    let share = |text: &str| {
        let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| "must be a number from 0 to 1, the share of traces that are kept".to_owned())
    };
    let argument = reader.value(&keys::OTEL_TRACES_SAMPLER_ARG, share);
    let (follows_parent, ratio) = sampler?;
    Some(TraceSampling { ratio: ratio.or(argument)?, follows_parent })
}

fn queue(reader: &mut Reader) -> Option<TraceQueue> {
    let delay = reader.value(&keys::OTEL_BSP_SCHEDULE_DELAY, milliseconds(1));
    let count = parse::number(1..=MOST_SPANS);
    let max_spans = reader.value(&keys::OTEL_BSP_MAX_QUEUE_SIZE, &count);
    let max_batch = reader.value(&keys::OTEL_BSP_MAX_EXPORT_BATCH_SIZE, &count);
    let (max_spans, max_batch) = (max_spans?, max_batch?);
    // As the specification has it: a batch is never more than the queue holds.
    Some(TraceQueue { max_spans, max_batch: max_batch.min(max_spans), delay: delay? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let headers = headers("api-key=a%20b, X-Tenant=one,").unwrap();
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(shown, [("api-key", "a b"), ("x-tenant", "one")]);
        for text in ["api-key", "=a", "a b=c", "a=%4", "a=%zz", "a=%0A"] {
            assert!(super::headers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_header_stands_in_a_debug_text_or_a_remedy() {
        assert!(!headers("hunter2").unwrap_err().contains("hunter2"));
        assert!(!format!("{:?}", headers("a=hunter2").unwrap()).contains("hunter2"));
    }
}
