//! A private Redis: on a free port of the loopback interface, in a temporary folder, killed when it is dropped.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long it may take to start: far longer than it ever does.
const DEADLINE: Duration = Duration::from_mins(1);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// A server that writes to its disk every second.
pub(crate) struct RedisServer {
    process: Option<Child>,
    folder: TempDir,
    port: u16,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        // A port that is free now may be taken a moment later: then the server ends at once, and another one is tried.
        for _ in 0..20 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let mut server = Self { process: None, folder: TempDir::new().unwrap(), port: free };
            if server.run() {
                return server;
            }
        }
        panic!("redis-server does not start: is it installed?");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again, with what it has on disk.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none());
        assert!(self.run(), "redis-server does not start again on port {}", self.port);
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// It no longer does anything, until [`Self::wake_up`].
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn wake_up(&self) {
        self.signal("-CONT");
    }

    /// Sends a command and gives the answer as text.
    pub(crate) fn ask(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        // QUIT makes the server close the connection behind its answers.
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Starts the process and waits until it answers; says whether it does.
    fn run(&mut self) -> bool {
        let mut process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--daemonize", "no", "--loglevel", "warning"])
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""])
            .arg("--port")
            .arg(self.port.to_string())
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is not installed");
        // Another program could answer on the port in its place.
        let mine = format!("process_id:{}", process.id());
        let began = Instant::now();
        loop {
            let ended = process.try_wait().unwrap().is_some();
            if !ended && self.ask("INFO server").is_ok_and(|answer| answer.contains(&mine)) {
                self.process = Some(process);
                return true;
            }
            if ended {
                return false;
            }
            if began.elapsed() > DEADLINE {
                self.process = Some(process);
                self.kill();
                return false;
            }
            thread::sleep(LOOK);
        }
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("the server does not run");
        assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
