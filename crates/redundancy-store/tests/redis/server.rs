//! Private Redis servers: on free ports of the loopback interface, in temporary folders, killed when they are dropped.

use redundancy_engine::access::Tenant;
use redundancy_store::redis::{DEFAULT_TIMEOUT, RedisConfig, RedisStore};
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long anything may take before a test fails. Nothing waits that long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
/// Slots of a Cluster.
const SLOTS: u32 = 16_384;

/// One server.
pub(crate) struct Server {
    process: Option<Child>,
    folder: TempDir,
    port: u16,
    options: Vec<String>,
}

/// A Cluster of three masters, each with a replica.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

/// A server for stores that come one after the other: starting one for each takes longer than what is tested.
#[derive(Default)]
pub(crate) struct Reused(Mutex<Option<Arc<Server>>>);

impl Reused {
    /// Its address, with nothing in it. It starts when it is first asked for.
    pub(crate) async fn emptied(&self) -> String {
        if let Some(server) = self.server() {
            server.ask("FLUSHALL").await;
            return server.url();
        }
        let server = Arc::new(Server::in_memory().await);
        let url = server.url();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        url
    }

    /// Its address, with what is in it.
    pub(crate) fn url(&self) -> Option<String> {
        self.server().map(|server| server.url())
    }

    fn server(&self) -> Option<Arc<Server>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Server {
    /// A server that keeps nothing on disk.
    pub(crate) async fn in_memory() -> Self {
        Self::start(&[]).await
    }

    /// A server that writes everything to disk before it answers.
    pub(crate) async fn on_disk() -> Self {
        Self::start(&["--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// A server with these options.
    pub(crate) async fn start(options: &[&str]) -> Self {
        // A port that is free now may be taken a moment later: then the server ends at once, and another one is tried.
        for _ in 0..20 {
            let folder = TempDir::new().unwrap();
            let options = options.iter().map(|&option| option.to_owned()).collect();
            let mut server = Self { process: None, folder, port: free_port(), options };
            if server.run().await {
                return server;
            }
        }
        panic!("redis-server does not start: is it installed?");
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again, with what it has on disk.
    pub(crate) async fn start_again(&mut self) {
        assert!(self.process.is_none());
        assert!(self.run().await, "redis-server does not start again on port {}", self.port);
    }

    /// Ends it as a loss of power would.
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

    /// It goes on.
    pub(crate) fn wake_up(&self) {
        self.signal("-CONT");
    }

    /// Sends a command and gives the answer as text.
    pub(crate) async fn ask(&self, command: &str) -> String {
        self.try_ask(command).await.unwrap()
    }

    async fn try_ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        // QUIT makes the server close the connection behind its answers.
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.trim_end_matches("+OK\r\n").to_owned())
    }

    /// Waits until the answer to `command` is as wanted.
    pub(crate) async fn until(&self, command: &str, is_wanted: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let answer = self.try_ask(command).await.unwrap_or_default();
            if is_wanted(&answer) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{command}: {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts the process and waits until it answers; says whether it does.
    async fn run(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--loglevel", "warning"]);
        command.arg("--port").arg(self.port.to_string()).arg("--dir").arg(self.folder.path());
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("redis-server is not installed");
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            // Another program could answer on the port in its place.
            let mine = format!("process_id:{}", process.id());
            if self.try_ask("INFO server").await.is_ok_and(|answer| answer.contains(&mine)) {
                self.process = Some(process);
                self.until("PING", |answer| answer.contains("PONG")).await;
                return true;
            }
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        false
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("the server does not run");
        let status = Command::new("kill").arg(signal).arg(process.id().to_string()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Cluster {
    /// Its address, with nothing in it.
    pub(crate) async fn emptied(&self) -> String {
        // The masters.
        for node in self.nodes.iter().take(3) {
            node.ask("FLUSHALL").await;
        }
        self.url()
    }

    /// A Cluster that is ready.
    pub(crate) async fn start() -> Self {
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1500",
            "--repl-diskless-sync-delay",
            "0",
            "--repl-ping-replica-period",
            "1",
        ];
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..6 {
            // The nodes talk to each other on a port of their own.
            let bus = free_port().to_string();
            nodes.push(Server::start(&[options.as_slice(), &["--cluster-port", &bus]].concat()).await);
            buses.push(bus);
        }
        for node in &nodes {
            // All of them at once: waiting for them to hear of each other takes seconds.
            for (other, bus) in nodes.iter().zip(&buses).filter(|(other, _)| other.port != node.port) {
                node.ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port)).await;
            }
        }
        let cluster = Self { nodes };
        let (masters, replicas) = cluster.nodes.split_at(3);
        for (index, master) in (0..).zip(masters) {
            let (first, last) = (SLOTS * index / 3, SLOTS * (index + 1) / 3 - 1);
            master.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
        }
        for node in &cluster.nodes {
            node.until("CLUSTER NODES", |nodes| {
                nodes.matches(" connected").count() == 6 && !nodes.contains("handshake")
            })
            .await;
        }
        for (master, replica) in masters.iter().zip(replicas) {
            let id = master.ask("CLUSTER MYID").await;
            let id = id.lines().nth(1).unwrap().to_owned();
            replica
                .until(&format!("CLUSTER REPLICATE {id}"), |answer| {
                    answer.contains("+OK") || answer.is_empty()
                })
                .await;
            replica.until("INFO replication", |info| info.contains("master_link_status:up")).await;
        }
        for node in &cluster.nodes {
            node.until("CLUSTER INFO", |info| info.contains("cluster_state:ok")).await;
            node.until("CLUSTER SLOTS", |slots| slots.matches("127.0.0.1").count() >= 6).await;
        }
        cluster
    }

    /// Waits until the replica of the master at `index` has everything that the master has.
    pub(crate) async fn until_replicated(&self, index: usize) {
        let number = |info: &str, name: &str| -> Option<u64> {
            let (_, rest) = info.split_once(name)?;
            rest.split([',', '\r']).next()?.parse().ok()
        };
        let is_equal = |info: &str| {
            number(info, "offset=").is_some_and(|at| Some(at) >= number(info, "master_repl_offset:"))
        };
        self.nodes[index].until("INFO replication", is_equal).await;
    }

    /// Where it is: two of its nodes, one of which is a replica.
    pub(crate) fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.nodes[0].port, self.nodes[4].port)
    }
}

/// The clock of the machine, for what needs one.
pub(crate) struct RealClock(Instant);

/// Numbers that differ.
pub(crate) struct Numbers(AtomicU64);

impl Clock for RealClock {
    #[allow(clippy::disallowed_methods, reason = "the tests need a clock of their own")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::default().plus(since)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

impl IdSource for Numbers {
    fn random_128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// A store in the Redis at `url`, as a process of its own has it.
pub(crate) async fn store_at(url: &str) -> Arc<RedisStore> {
    store_with(url, DEFAULT_TIMEOUT).await
}

/// What a tenant has in the Redis at `url`.
pub(crate) async fn store_of(url: &str, tenant: &str) -> Arc<RedisStore> {
    connected(url, DEFAULT_TIMEOUT, Some(tenant.parse().unwrap())).await
}

/// A store that waits for Redis for so long.
pub(crate) async fn store_with(url: &str, timeout: Duration) -> Arc<RedisStore> {
    connected(url, timeout, None).await
}

async fn connected(url: &str, timeout: Duration, tenant: Option<Tenant>) -> Arc<RedisStore> {
    RedisStore::connect(RedisConfig { timeout, ..config(url, tenant) }).await.unwrap()
}

/// How to reach the Redis at `url`.
pub(crate) fn config(url: &str, tenant: Option<Tenant>) -> RedisConfig {
    /// Each store has other numbers.
    static STORES: AtomicU64 = AtomicU64::new(1);
    let first = STORES.fetch_add(1, Ordering::Relaxed) << 32;
    RedisConfig {
        address: url.parse().unwrap(),
        timeout: DEFAULT_TIMEOUT,
        cipher: None,
        ids: Arc::new(Numbers(AtomicU64::new(first))),
        clock: clock(),
        tenant,
    }
}

/// Real time.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock(Instant::now()))
}

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
