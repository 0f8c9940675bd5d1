//! Runs the program in a folder of its own, without the environment of the test, and keeps what it says.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long an answer is waited for: far longer than any takes, so that only a service that hangs meets it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A sentence of eleven words; twice in a text, it is a repeated passage.
pub(crate) const PASSAGE: &str = "The lighthouse keeper counted every passing ship until the morning fog.";

/// A folder with files, in which the program runs.
pub(crate) struct Place(TempDir);

/// What a run of the program left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A running service. Dropping it ends it.
pub(crate) struct Service {
    child: Child,
    log: Option<BufReader<ChildStderr>>,
    scheme: String,
    pub(crate) address: SocketAddr,
    /// Where health and metrics have an address of their own.
    pub(crate) monitoring: Option<SocketAddr>,
}

/// An answer of a service.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The line with the status, and the headers.
    #[allow(dead_code, reason = "the tests of access look at headers")]
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The folder with one more file.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What stands in a file of the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// The program, ready to run here with nothing in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redundancy"));
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// Runs the program to its end with variables in its environment.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Run::of(command)
    }

    /// Runs the program to its end with something on its standard input.
    pub(crate) fn run_on(&self, input: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever refuses its arguments does not read what is there.
        match child.stdin.take().unwrap().write_all(input.as_ref()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        Run::from(child.wait_with_output().unwrap())
    }

    /// Starts the service on a free port.
    pub(crate) fn serve(&self, variables: &[(&str, &str)]) -> Service {
        let mut command = self.command(&["serve", "--port", "0"]);
        command.envs(variables.iter().copied());
        Service::start(command)
    }

    /// Starts the service with room for no more than `open_files` files and connections, unless it makes more.
    pub(crate) fn serve_with_open_files(&self, open_files: usize) -> Service {
        let program = env!("CARGO_BIN_EXE_redundancy");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -S -n {open_files}; exec '{program}' serve --port 0")]);
        command.current_dir(self.path()).env_clear().stdin(Stdio::null());
        Service::start(command)
    }
}

impl Run {
    pub(crate) fn of(mut command: Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// What was printed, as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Fails unless the program ended with `code`, with everything it said.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }
}

impl From<std::process::Output> for Run {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().expect("the program was ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Service {
    /// Starts the service and waits for the line that says where it is.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some((scheme, address, monitoring)) = Self::said(&line) else {
            let output = child.wait_with_output().unwrap();
            panic!("no address in {line:?}; {}", String::from_utf8_lossy(&output.stderr));
        };
        let log = child.stderr.take().map(BufReader::new);
        Self { child, log, scheme, address, monitoring }
    }

    /// What stands in the line that says where the service is.
    fn said(line: &str) -> Option<(String, SocketAddr, Option<SocketAddr>)> {
        let (before, behind) = line.split_once("://")?;
        let scheme = before.rsplit(' ').next()?.to_owned();
        let address = behind.split(' ').next()?.parse().ok()?;
        let monitoring = line.split_once("health and metrics are at http://");
        let monitoring = monitoring.and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
        Some((scheme, address, monitoring))
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The same service at the address of health and metrics.
    pub(crate) fn get_monitoring(&self, path: &str) -> Answer {
        exchange(
            self.monitoring.unwrap(),
            &format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"),
        )
    }

    /// Reads the log up to the line that says this, and gives that line.
    pub(crate) fn wait_for_log(&mut self, said: &str) -> String {
        let log = self.log.as_mut().unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ends without {said:?}");
            if line.contains(said) {
                return line;
            }
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Asks with these headers.
    #[allow(dead_code, reason = "the tests of access show credentials")]
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<&Value>,
    ) -> Answer {
        let headers: String =
            headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let body = body.map_or_else(String::new, Value::to_string);
        let about = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
        };
        self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}{about}\r\n{body}"
        ))
    }

    /// A connection that gives up after a while.
    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    fn exchange(&self, request: &str) -> Answer {
        exchange(self.address, request)
    }

    /// Stops reading the log, as a program does at the other end of a pipe that has ended.
    pub(crate) fn close_log(&mut self) {
        drop(self.log.take());
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until the service has ended by itself, and gives its exit code and its log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn exchange(address: SocketAddr, request: &str) -> Answer {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(stream)
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Reads the answer on a connection up to its end.
    pub(crate) fn read(mut stream: impl Read) -> Self {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The program on a terminal of its own, which `script` makes; what it says there comes out of standard output.
pub(crate) fn on_terminal(place: &Place, arguments: &[&str]) -> Command {
    let program = format!("'{}' {}", env!("CARGO_BIN_EXE_redundancy"), arguments.join(" "));
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--flush", "--return", "--command", &program, "/dev/null"])
        .current_dir(place.path())
        .env_clear()
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command
}

/// What the program says on a terminal.
pub(crate) fn run_on_terminal(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = on_terminal(place, arguments).envs(variables.iter().copied()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether what a test starts heeds SIGHUP: it does not where the tests themselves were started to outlive their terminal.
pub(crate) fn is_hangup_heeded() -> bool {
    let ended = Command::new("sh").args(["-c", "kill -HUP $$"]).status().unwrap();
    !ended.success()
}
