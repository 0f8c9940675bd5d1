//! The service under measure: this program itself, as a child process over a temporary data folder. Dropping it kills the
//! process and removes the folder.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::driver::{PATIENCE, ask};
use super::fault::BenchError;
use crate::cli::bench::Store;

/// Between two looks at whether it has started: far below what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const GREETING: &str = "greeting.txt";
const LOG: &str = "log.txt";
const DATA: &str = "data";

/// What every service of a run has in common.
pub(super) struct Setup {
    /// Where it keeps events.
    pub(super) store: Store,
    /// The Redis server, if that is where.
    pub(super) redis_url: Option<String>,
    /// The folder in which data folders are made.
    pub(super) folder: PathBuf,
}

/// A running service.
pub(super) struct Server {
    child: Child,
    command: Command,
    address: SocketAddr,
    // Goes last, when nobody writes into it any more.
    home: TempDir,
}

impl Setup {
    /// Starts a service with settings of its own, and waits until it answers.
    pub(super) async fn start(&self, settings: &[(&str, &str)]) -> Result<Server, BenchError> {
        let home = TempDir::with_prefix_in("redundancy-bench-", &self.folder)
            .map_err(BenchError::machine("cannot make a folder for the data"))?;
        let program = std::env::current_exe().map_err(BenchError::machine("cannot find this program"))?;
        let mut command = Command::new(program);
        // Neither the environment nor a file of settings may change what is measured.
        command.arg("serve").current_dir(home.path()).env_clear();
        // The other end of its standard input is here, so it closes whatever ends this process, and the service with it.
        command.arg("--until-stdin-closes").stdin(Stdio::piped());
        command.envs([
            ("WEBHOOK_STORAGE_TYPE", self.store.name()),
            ("DATA_DIR", DATA),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("LOG_LEVEL", "warn"),
            ("RATE_LIMIT_REQUESTS", "1000000000"),
        ]);
        command.envs(settings.iter().copied());
        // In the environment, because everybody can read the arguments of a process.
        command.envs(self.redis_url.as_ref().map(|url| ("REDIS_URL", url)));
        let child = spawn(&mut command, home.path())?;
        let mut server = Server { child, command, address: SocketAddr::from(([127, 0, 0, 1], 0)), home };
        server.address = server.greeted().await?;
        // A restart comes back to where the clients know it.
        server.command.env("PORT", server.address.port().to_string());
        server.until_healthy().await?;
        Ok(server)
    }
}

impl Server {
    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the process as a crash does, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again over the same data. Gives at once, before it answers.
    pub(super) fn start_again(&mut self) -> Result<(), BenchError> {
        self.kill();
        self.child = spawn(&mut self.command, self.home.path())?;
        Ok(())
    }

    /// Waits until it answers that it is healthy.
    pub(super) async fn until_healthy(&mut self) -> Result<(), BenchError> {
        let begun = Instant::now();
        while ask(self.address, "GET", "/health", "", 200).await.is_err() {
            self.check(begun)?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The time of processors that the process has used.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The name of the program, in brackets, may hold anything. The times in user and in system mode are the 12th and
        // 13th fields behind it (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>().ok()?;
        Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The memory that is resident now, in MiB.
    pub(super) fn resident_mib(&self) -> Option<f64> {
        self.status_mib("VmRSS:")
    }

    /// The most memory that was ever resident, in MiB.
    pub(super) fn peak_mib(&self) -> Option<f64> {
        self.status_mib("VmHWM:")
    }

    /// The bytes of its files on the disk.
    pub(super) fn data_bytes(&self) -> Option<u64> {
        let files = fs::read_dir(self.home.path().join(DATA)).ok()?;
        files.map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    }

    fn status_mib(&self, name: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib as f64 / 1024.0)
    }

    /// Waits for the line in which it says where it listens.
    async fn greeted(&mut self) -> Result<SocketAddr, BenchError> {
        let begun = Instant::now();
        loop {
            let line = fs::read_to_string(self.home.path().join(GREETING)).unwrap_or_default();
            let address = line.split_once("http://").and_then(|(_, rest)| rest.split_once(' '));
            if let Some(address) = address.and_then(|(address, _)| address.parse().ok()) {
                return Ok(address);
            }
            self.check(begun)?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Fails if the process has ended, or has had more than enough time since `begun`.
    fn check(&mut self, begun: Instant) -> Result<(), BenchError> {
        if !matches!(self.child.try_wait(), Ok(None)) {
            let log = fs::read_to_string(self.home.path().join(LOG)).unwrap_or_default();
            let last = log.lines().next_back().unwrap_or("it ended at once").to_owned();
            return Err(BenchError::NotStarted(last));
        }
        if begun.elapsed() > PATIENCE {
            return Err(BenchError::Silent(PATIENCE));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the process. What it says goes into files, so that nobody has to read along.
fn spawn(command: &mut Command, home: &Path) -> Result<Child, BenchError> {
    let spawned = || -> io::Result<Child> {
        command.stdout(File::create(home.join(GREETING))?).stderr(File::create(home.join(LOG))?);
        command.spawn()
    };
    let mut spawned = spawned;
    spawned().map_err(BenchError::machine("cannot start the service"))
}
