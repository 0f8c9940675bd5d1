//! `redundancy bench index`: measures putting documents into the index of a service and finding them, driver included.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::super::{Failure, Outcome};
use super::driver::ask;
use super::fault::BenchError;
use super::findings::{Findings, Target, Unit, millis};
use super::server::{Server, Setup};
use super::session;
use super::spread::Spread;
use super::texts::{Numbers, document};
use crate::cli::bench::{IndexArgs, Store};
use crate::figures::{count, grouped};
use crate::progress::Progress;

const BULK: &str = "/api/v1/documents/bulk";
const SEARCH: &str = "/api/v1/duplicates/search";
const COLLECTION: &str = "bench";
/// Documents of one request: a few megabytes.
const PER_REQUEST: usize = 2_000;
/// Numbers of documents that are never put.
const ELSEWHERE: u64 = 1 << 40;

/// A run.
struct Bench<'a> {
    args: &'a IndexArgs,
    progress: &'a Progress,
    server: Server,
}

pub(super) fn run(args: &IndexArgs, colour: bool) -> Result<Outcome, Failure> {
    session::run(&args.place, colour, async |setup, progress, measured| {
        let mut bench = Bench { args, progress, server: setup.start(&[]).await? };
        measured.push(bench.fill(setup).await?);
        measured.push(bench.search(setup).await?);
        if setup.store == Store::Embedded {
            measured.push(bench.restart(setup).await?);
        }
        Ok(())
    })
}

impl Bench<'_> {
    /// Puts all documents: the first tenth, the bulk, and the last tenth, so that it can be told whether it gets slower.
    async fn fill(&self, setup: &Setup) -> Result<Findings, BenchError> {
        let all = self.args.documents;
        let tenth = all / 10;
        let (began, cpu) = (Instant::now(), self.server.cpu_seconds());
        let first = self.put(0..tenth).await?;
        self.put(tenth..all - tenth).await?;
        let last = self.put(all - tenth..all).await?;
        let seconds = began.elapsed().as_secs_f64();
        let cpu = self.server.cpu_seconds().zip(cpu).map(|(after, before)| after - before);

        let mut findings = Findings::new("fill", setup.store);
        findings.figure("documents", "documents put", Unit::Number, Some(all as f64));
        let target = |store| (store == Store::Embedded).then_some(Target::AtLeast(2000.0));
        findings.aimed("per_second", "put", Unit::PerSecond, Some(all as f64 / seconds), target);
        let rate = |time: Duration| tenth as f64 / time.as_secs_f64();
        findings.figure("first_per_second", "the first tenth", Unit::PerSecond, Some(rate(first)));
        findings.figure("last_per_second", "the last tenth", Unit::PerSecond, Some(rate(last)));
        let dearer = last.as_secs_f64() / first.as_secs_f64();
        let target = |store| (store == Store::Embedded).then_some(Target::AtMost(1.5));
        findings.aimed(
            "last_cost_ratio",
            "cost of the last beside the first",
            Unit::Times,
            Some(dearer),
            target,
        );
        let per_thousand = cpu.map(|cpu| cpu * 1000.0 / all as f64);
        findings.figure("cpu_seconds_per_1000", "processor time for 1,000", Unit::CpuSeconds, per_thousand);
        if setup.store == Store::Embedded {
            let target = |_| (!self.args.store_text).then_some(Target::AtMost(4096.0));
            let bytes = self.server.data_bytes().map(|bytes| bytes as f64 / all as f64);
            findings.aimed("bytes_per_document", "bytes on the disk for each", Unit::Number, bytes, target);
        }
        findings.aimed(
            "resident_mib",
            "memory of the service",
            Unit::Mib,
            self.server.resident_mib(),
            |store| (store != Store::Memory).then_some(Target::AtMost(512.0)),
        );
        Ok(findings)
    }

    /// Puts the documents with those numbers; gives how long it took.
    async fn put(&self, numbers: Range<usize>) -> Result<Duration, BenchError> {
        let address = self.server.address();
        let store_text = self.args.store_text;
        let next = Arc::new(AtomicUsize::new(numbers.start));
        let began = Instant::now();
        let mut putting: JoinSet<Result<(), BenchError>> = JoinSet::new();
        for _ in 0..self.args.connections {
            let (next, end) = (Arc::clone(&next), numbers.end);
            putting.spawn(async move {
                loop {
                    let from = next.fetch_add(PER_REQUEST, Ordering::Relaxed);
                    if from >= end {
                        return Ok(());
                    }
                    put(address, from..end.min(from + PER_REQUEST), store_text).await?;
                }
            });
        }
        let watch = async {
            loop {
                let so_far = grouped(next.load(Ordering::Relaxed).min(numbers.end));
                self.progress.begin(&format!("fill: {so_far} of {}", count(self.args.documents, "document")));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let all = async {
            while let Some(put) = putting.join_next().await {
                put??;
            }
            Ok::<_, BenchError>(())
        };
        tokio::select! {
            put = all => put?,
            () = watch => {}
        }
        Ok(began.elapsed())
    }

    /// Searches one after the other, for documents that are there and for others.
    async fn search(&self, setup: &Setup) -> Result<Findings, BenchError> {
        self.progress.begin("search");
        let documents = u64::try_from(self.args.documents).unwrap_or(u64::MAX);
        let (mut times, mut unfound) = (Vec::new(), 0);
        for search in 0..u64::try_from(self.args.searches).unwrap_or(u64::MAX) {
            let is_there = search % 2 == 0;
            let number =
                if is_there { Numbers::new(search).below(documents) } else { ELSEWHERE + search * 10 };
            let body = json!({"content": document(number), "collection": COLLECTION}).to_string();
            let began = Instant::now();
            let found = ask(self.server.address(), "POST", SEARCH, &body, 200).await?;
            times.push(began.elapsed());
            let id = number.to_string();
            let matches = found.get("matches").and_then(Value::as_array);
            let is_found = matches.into_iter().flatten().any(|found| found["document_id"] == *id);
            unfound += usize::from(is_there && !is_found);
        }
        let mut findings = Findings::new("search", setup.store);
        findings.spread("search", "until answered", &Spread::from_iter(times), |percent| match percent {
            50 => Some(Target::AtMost(2.0)),
            99 => Some(Target::AtMost(10.0)),
            _ => None,
        });
        findings.none_of("unfound", "put and not found", unfound);
        Ok(findings)
    }

    /// Kills the service and waits until it is ready again.
    async fn restart(&mut self, setup: &Setup) -> Result<Findings, BenchError> {
        self.progress.begin("restart");
        let began = Instant::now();
        self.server.start_again()?;
        self.server.until_healthy().await?;
        let ready = millis(began.elapsed());
        let mut findings = Findings::new("restart", setup.store);
        let target = |_| Some(Target::AtMost(3000.0));
        findings.aimed("healthy_ms", "until ready after a kill", Unit::Millis, Some(ready), target);
        Ok(findings)
    }
}

/// Puts documents in one request over a connection of its own.
async fn put(address: SocketAddr, numbers: Range<usize>, store_text: bool) -> Result<(), BenchError> {
    let wanted = numbers.len();
    let mut lines = String::new();
    for number in numbers {
        let text = document(u64::try_from(number).unwrap_or(u64::MAX));
        let line = json!({"id": number.to_string(), "collection": COLLECTION, "content": text, "store_text": store_text});
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let answer = posted(address, lines.into()).await?;
    let done =
        answer.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"success\":true")).count();
    if done == wanted {
        return Ok(());
    }
    let is_refusal = |line: &&[u8]| line.starts_with(b"{\"success\":false");
    let refusal = answer.split(|byte| *byte == b'\n').find(is_refusal).unwrap_or_default();
    let body = String::from_utf8_lossy(refusal).chars().take(500).collect();
    Err(BenchError::Refused { asked: BULK.to_owned(), status: 200, body })
}

/// The answer to a request in bulk.
async fn posted(address: SocketAddr, lines: Bytes) -> Result<Bytes, BenchError> {
    let broken = |error: hyper::Error| BenchError::Connection(std::io::Error::other(error));
    let stream = TcpStream::connect(address).await.map_err(BenchError::Connection)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::post(BULK)
        .header("host", "bench")
        .header("content-type", "application/x-ndjson")
        .body(Full::new(lines))
        .map_err(|error| BenchError::Connection(std::io::Error::other(error)))?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        Ok(answer.into_body().collect().await.map_err(broken)?.to_bytes())
    };
    // The connection is driven beside what it is used for, and ends with that.
    tokio::select! {
        answer = asked => answer,
        ended = connection => {
            ended.map_err(broken)?;
            Err(BenchError::Connection(std::io::ErrorKind::UnexpectedEof.into()))
        }
    }
}
