//! A collector of traces that is not ours: rotel, from Python's package index, which prints every span that it gets.

use crate::service::{DEADLINE, LOOK};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// After so long without a line the collector has printed a span to its end.
const PAUSE: Duration = Duration::from_millis(200);

/// A collector on two free ports, killed when it is dropped.
pub(crate) struct Rotel {
    process: Child,
    printed: Arc<Printed>,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
}

/// A span as it is printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) parent: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) state: String,
    /// Without the types of the values.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The ids of the spans that it is linked with.
    pub(crate) links: Vec<String>,
    /// All lines about it.
    pub(crate) text: String,
}

#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Rotel {
    pub(crate) fn start() -> Self {
        // A port that is free now may be taken a moment later: then the collector ends at once, and others are tried.
        for _ in 0..20 {
            if let Some(started) = Self::try_to_start() {
                return started;
            }
        }
        panic!("rotel does not start");
    }

    fn try_to_start() -> Option<Self> {
        let [grpc_port, http_port] = free_ports();
        let mut process = Command::new(program())
            .arg("start")
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc_port}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http_port}")])
            .args(["--exporter", "blackhole"])
            .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rotel cannot be run");
        let output = BufReader::new(process.stdout.take().unwrap());
        let printed = Arc::<Printed>::default();
        let of_thread = Arc::clone(&printed);
        // It ends with the process.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                of_thread.lines.lock().unwrap().push(line);
                of_thread.changed.notify_all();
            }
        });
        let mut rotel = Self { process, printed, grpc_port, http_port };
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if rotel.process.try_wait().unwrap().is_some() {
                return None;
            }
            let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            if listens(grpc_port) && listens(http_port) {
                return Some(rotel);
            }
            thread::sleep(LOOK);
        }
        None
    }

    /// Waits until all spans are there that are wanted, and gives all that are there then.
    #[track_caller]
    pub(crate) fn until(&self, are_wanted: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let began = Instant::now();
        let mut lines = self.printed.lines.lock().unwrap();
        loop {
            let is_all = are_wanted(&spans(&lines));
            let left = DEADLINE.saturating_sub(began.elapsed());
            assert!(!left.is_zero(), "the collector printed only {}", lines.join("\n"));
            // It prints a span in many lines, the name before most of what there is to say.
            let pause = if is_all { PAUSE } else { left };
            let (after, waited) = self.printed.changed.wait_timeout(lines, pause).unwrap();
            lines = after;
            if is_all && waited.timed_out() {
                return spans(&lines);
            }
        }
    }

    /// Everything that it has printed.
    pub(crate) fn text(&self) -> String {
        self.printed.lines.lock().unwrap().join("\n")
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Both at once, so that they differ.
fn free_ports() -> [u16; 2] {
    [(); 2]
        .map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
        .map(|listener| listener.local_addr().unwrap().port())
}

/// Where `scripts/test` installs it.
fn program() -> PathBuf {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/lib");
    let pythons = fs::read_dir(&lib).map(|entries| entries.flatten().map(|entry| entry.path()));
    pythons
        .into_iter()
        .flatten()
        .map(|python| python.join("site-packages/rotel/rotel-agent"))
        .find(|program| program.is_file())
        .expect("rotel is not installed: scripts/test installs it into .venv")
}

fn spans(lines: &[String]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for line in lines {
        let line = line.trim();
        if line.starts_with("Span #") {
            spans.push(Span::default());
            continue;
        }
        let Some(span) = spans.last_mut() else { continue };
        // What stands before the first span of a message is about none.
        if line.starts_with("ResourceSpans #") || line.starts_with("ScopeSpans #") {
            spans.push(Span::default());
            continue;
        }
        span.text.push_str(line);
        span.text.push('\n');
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim().to_owned());
        match name.strip_prefix("-> ") {
            Some("ID") => span.links.push(value),
            Some("Trace ID" | "TraceState" | "DroppedAttributesCount") => {}
            Some(name) => {
                let inside = value.split_once('(').map_or(value.as_str(), |(_, inside)| inside);
                let inside = inside.strip_suffix(')').unwrap_or(inside).to_owned();
                span.attributes.insert(name.to_owned(), inside);
            }
            None => match name {
                "Trace ID" => span.trace = value,
                "Parent ID" => span.parent = value,
                "ID" => span.id = value,
                "Name" if span.name.is_empty() => span.name = value,
                "Kind" => span.kind = value,
                "TraceState" => span.state = value,
                "Status code" => span.status = value,
                _ => {}
            },
        }
    }
    spans.retain(|span| !span.id.is_empty());
    spans
}
