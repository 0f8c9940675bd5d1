//! The service as a process with a folder of its own, which it keeps when it is killed and started again.

use crate::http::{Connection, Message};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test fails. Nothing waits that long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
/// How often something is looked at that does not tell by itself.
pub(crate) const LOOK: Duration = Duration::from_millis(2);

/// Where a service is, as long as it is.
pub(crate) type Address = Arc<Mutex<Option<SocketAddr>>>;

/// A service that can be killed and started again.
pub(crate) struct Service {
    folder: TempDir,
    variables: Vec<(String, String)>,
    address: Address,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Reads where the process is.
    listening: JoinHandle<()>,
}

impl Service {
    /// A service on the embedded store that does not run yet. Breakers do not open, unless `variables` say otherwise.
    pub(crate) fn embedded(variables: &[(&str, &str)]) -> Self {
        let usual = [
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "1000000"),
            ("LOG_LEVEL", "warn"),
            ("RATE_LIMIT_REQUESTS", "1000000000"),
            ("LOG_FORMAT", "text"),
        ];
        let variables =
            usual.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            folder: TempDir::new().unwrap(),
            variables: variables.collect(),
            address: Address::default(),
            running: None,
        }
    }

    /// A service on the Redis at `url` that does not run yet.
    pub(crate) fn on_redis(url: &str) -> Self {
        Self::embedded(&[("WEBHOOK_STORAGE_TYPE", "redis"), ("REDIS_URL", url)])
    }

    /// The folder that it runs in. Its data are in `data`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is, for those who have to follow it through its restarts.
    pub(crate) fn address(&self) -> Address {
        Arc::clone(&self.address)
    }

    /// Starts the process and waits until it says where it is.
    pub(crate) fn start(&mut self) {
        self.launch();
        self.until_started();
    }

    /// Waits until the process says where it is.
    pub(crate) fn until_started(&mut self) {
        let began = Instant::now();
        while self.address.lock().unwrap().is_none() {
            let ended = self.running.as_mut().unwrap().child.try_wait().unwrap();
            assert!(ended.is_none(), "the service ended with {ended:?}: {}", self.log());
            assert!(began.elapsed() < DEADLINE, "the service does not start: {}", self.log());
            thread::sleep(LOOK);
        }
    }

    /// Starts the process and does not wait for it.
    pub(crate) fn launch(&mut self) {
        assert!(self.running.is_none());
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_redundancy"))
            .args(["serve", "--port", "0"])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let (greeting, address) = (child.stdout.take().unwrap(), self.address());
        let listening = thread::spawn(move || *address.lock().unwrap() = greeted(greeting));
        self.running = Some(Running { child, listening });
    }

    /// Ends the process as a crash would, at whatever it is.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = &mut self.running {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        }
        self.forget();
    }

    /// Tells the process to end in good order.
    pub(crate) fn terminate(&self) {
        let id = self.running.as_ref().unwrap().child.id();
        assert!(Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap().success());
    }

    /// Waits until the process has ended and gives its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        let code = loop {
            if let Some(status) = self.running.as_mut().unwrap().child.try_wait().unwrap() {
                break status.code();
            }
            assert!(began.elapsed() < DEADLINE, "the service does not end: {}", self.log());
            thread::sleep(LOOK);
        };
        self.forget();
        code
    }

    /// What it has logged since it was started for the first time.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks it on a connection of its own.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Message {
        let address = self.address.lock().unwrap().expect("the service does not run");
        let answer = Connection::open(address).and_then(|mut connection| connection.ask(method, path, body));
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}; {}", self.log()))
    }

    /// Asks it with more headers and any body.
    #[track_caller]
    pub(crate) fn ask_with(&self, headers: &[(&str, &str)], method: &str, path: &str, body: &str) -> Message {
        let address = self.address.lock().unwrap().expect("the service does not run");
        let answer = Connection::open(address)
            .and_then(|mut connection| connection.ask_with(headers, method, path, body));
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}; {}", self.log()))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).data(200)
    }

    /// Registers an endpoint with fields beside those that are usual here.
    #[track_caller]
    pub(crate) fn register(&self, id: &str, url: &str, events: &str, fields: &Value) {
        let mut body = json!({
            "id": id,
            "url": url,
            "events": [events],
            "max_in_flight": 100,
            "retry": {"max_attempts": 100, "initial_delay_ms": 50, "multiplier": 2, "max_delay_ms": 500},
        });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.ask("POST", "/api/v1/webhooks/endpoints", Some(&body)).data(201);
    }

    /// Asks to publish an event.
    #[track_caller]
    pub(crate) fn try_publish(&self, kind: &str, data: &Value) -> Message {
        self.ask("POST", "/api/v1/webhooks/events", Some(&json!({"type": kind, "data": data})))
    }

    /// Publishes an event and gives its id.
    #[track_caller]
    pub(crate) fn publish(&self, kind: &str) -> String {
        let accepted = self.try_publish(kind, &json!({"a": 1})).data(202);
        accepted["event_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the answer to GET `path` is as wanted, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, is_wanted: impl Fn(&Message) -> bool) -> Message {
        let began = Instant::now();
        loop {
            let answer = self.ask("GET", path, None);
            if is_wanted(&answer) {
                return answer;
            }
            if began.elapsed() >= DEADLINE {
                let said = String::from_utf8_lossy(&answer.body);
                let pending = self.ask("GET", "/api/v1/webhooks/deliveries?state=pending&limit=5", None);
                let pending = String::from_utf8_lossy(&pending.body);
                panic!("{path}: {said}; pending: {pending}; {}", self.log());
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until nothing is to be delivered any more.
    #[track_caller]
    pub(crate) fn until_idle(&self) {
        self.until("/api/v1/webhooks/stats", |answer| {
            let stats = answer.data(200);
            stats["queue_size"] == 0 && stats["in_flight"] == 0
        });
    }

    /// The process has ended.
    fn forget(&mut self) {
        if let Some(running) = self.running.take() {
            running.listening.join().unwrap();
        }
        *self.address.lock().unwrap() = None;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            // An error means that it has ended already.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// Where the process says that it is; nowhere if it ended before.
fn greeted(output: ChildStdout) -> Option<SocketAddr> {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).ok()?;
    line.split("http://").nth(1)?.split(' ').next()?.parse().ok()
}
