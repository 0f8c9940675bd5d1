//! The connection to Redis: made when it is needed, shared by everything that goes on at the same time, and made anew when it
//! breaks, with pauses that grow while Redis is away.

use super::address::RedisAddress;
use super::fault;
use super::key;
use super::script::Call;
use futures_util::future::join_all;
use redis::aio::{ConnectionLike as _, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{Arg, AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError, RedisResult, Value};
use redundancy_engine::access::Tenant;
use redundancy_webhook::store::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The pause after the first failed attempt to connect; each further one doubles it.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a request follows a Cluster that moves its slots.
const CLUSTER_RETRIES: u32 = 4;

/// The connection to Redis, or the way to one.
pub(super) struct Link {
    address: RedisAddress,
    /// How long anything may take.
    limit: Duration,
    /// What stands before every key; see [`key::namespace`].
    namespace: String,
    live: Mutex<Option<Live>>,
    /// Held while a connection is being made, so that there is one attempt at a time.
    attempts: tokio::sync::Mutex<Attempts>,
}

#[derive(Clone)]
struct Live {
    /// Tells this connection from later ones.
    number: u64,
    connection: Connection,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

struct Attempts {
    /// Connections made so far.
    made: u64,
    pause: Duration,
    not_before: Option<(Instant, StoreError)>,
}

impl Link {
    /// A way to what `tenant` has in the Redis at `address`.
    pub(super) fn new(address: RedisAddress, limit: Duration, tenant: Option<&Tenant>) -> Self {
        let attempts = Attempts { made: 0, pause: FIRST_PAUSE, not_before: None };
        let namespace = key::namespace(tenant);
        Self { address, limit, namespace, live: Mutex::new(None), attempts: attempts.into() }
    }

    /// Calls a script.
    pub(super) async fn call(&self, call: Call) -> Result<Value, StoreError> {
        let mut values = self.call_all(vec![call]).await?;
        values.pop().unwrap_or_else(|| Err(fault::unexpected()))
    }

    /// Calls scripts, all at the same time. The outer error says that none was sent.
    pub(super) async fn call_all(
        &self,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let commands: Vec<Cmd> = calls.iter().map(|call| call.command().clone()).collect();
        let mut results = self.send_all(commands).await?;
        let is_unknown = |result: &RedisResult<Value>| result.as_ref().is_err_and(fault::is_unknown_script);
        if results.iter().any(is_unknown) {
            // The server was restarted, or is another one.
            let unknown = results.iter_mut().zip(&calls).filter(|(result, _)| is_unknown(result));
            let (places, commands): (Vec<_>, Vec<_>) =
                unknown.map(|(place, call)| (place, call.with_text())).unzip();
            // Should they not be sent, the error of their place stays, and what the others gave is not lost.
            if let Ok(again) = self.send_all(commands).await {
                for (place, result) in places.into_iter().zip(again) {
                    *place = result;
                }
            }
        }
        Ok(results.into_iter().map(|result| result.map_err(|error| fault::describe(&error))).collect())
    }

    /// Sends a command. Of a Cluster its first key decides who does it.
    pub(super) async fn send(&self, command: Cmd) -> Result<Value, StoreError> {
        let mut values = self.send_all(vec![command]).await?;
        values
            .pop()
            .map_or_else(|| Err(fault::unexpected()), |value| value.map_err(|error| fault::describe(&error)))
    }

    /// Sends commands; all of them or none failed to be sent.
    pub(super) async fn send_each(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, StoreError> {
        let results = self.send_all(commands).await?;
        results.into_iter().map(|result| result.map_err(|error| fault::describe(&error))).collect()
    }

    /// A connection for messages only.
    pub(super) async fn listen(&self, attempt: usize) -> Result<PubSub, StoreError> {
        let nodes = &self.address.nodes;
        let node = nodes.get(attempt % nodes.len().max(1)).ok_or_else(fault::unexpected)?.clone();
        let connect = async { Client::open(node)?.get_async_pubsub().await };
        self.limited(connect).await.map_err(|error| fault::describe(&error))
    }

    /// Gives up the connection.
    pub(super) fn close(&self) {
        *self.live() = None;
    }

    async fn send_all(&self, commands: Vec<Cmd>) -> Result<Vec<RedisResult<Value>>, StoreError> {
        let Live { number, connection } = self.connection().await?;
        let commands: Vec<Cmd> = commands.into_iter().map(|command| self.of_namespace(command)).collect();
        let count = commands.len();
        let results = match self.limited(connection.send_all(commands)).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); count],
        };
        if let Some(error) = results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .find(|error| fault::breaks_connection(error))
        {
            self.give_up(number, error);
        }
        Ok(results)
    }

    /// What stands before every key and the channel.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The command with the namespace before its key. All commands here have one key at most: scripts behind their digest and the number
    /// of keys, others in the first place.
    fn of_namespace(&self, command: Cmd) -> Cmd {
        if self.namespace.is_empty() {
            return command;
        }
        let mut within = Cmd::new();
        let mut key_at = 1;
        for (place, arg) in command.args_iter().enumerate() {
            let Arg::Simple(bytes) = arg else { continue };
            if place == 0 && bytes.starts_with(b"EVAL") {
                key_at = 3;
            }
            if place == key_at {
                within.arg([self.namespace.as_bytes(), bytes].concat());
            } else {
                within.arg(bytes);
            }
        }
        within
    }

    async fn connection(&self) -> Result<Live, StoreError> {
        if let Some(live) = self.live().clone() {
            return Ok(live);
        }
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.live().clone() {
            return Ok(live);
        }
        if let Some((not_before, error)) = &attempts.not_before
            && Instant::now() < *not_before
        {
            return Err(error.clone());
        }
        match self.limited(self.connect()).await {
            Ok(connection) => {
                attempts.made += 1;
                (attempts.pause, attempts.not_before) = (FIRST_PAUSE, None);
                let live = Live { number: attempts.made, connection };
                *self.live() = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                let described = fault::describe(&error);
                tracing::debug!(error = %described, "no connection to Redis");
                attempts.not_before = Some((Instant::now() + attempts.pause, described.clone()));
                attempts.pause = (attempts.pause * 2).min(LONGEST_PAUSE);
                Err(described)
            }
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        if self.address.is_cluster {
            let client = ClusterClientBuilder::new(self.address.nodes.clone())
                .retries(CLUSTER_RETRIES)
                .max_retry_wait(200)
                .min_retry_wait(10)
                .connection_timeout(self.limit)
                .response_timeout(self.limit)
                .build()?;
            return client.get_async_connection().await.map(Connection::Cluster);
        }
        let node = self.address.nodes.first().cloned();
        let node =
            node.ok_or_else(|| RedisError::from((redis::ErrorKind::InvalidClientConfig, "no node")))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit));
        Client::open(node)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map(Connection::Single)
    }

    fn give_up(&self, number: u64, error: &RedisError) {
        let mut live = self.live();
        if live.as_ref().is_some_and(|live| live.number == number) {
            tracing::debug!(error = %fault::describe(error), "the connection to Redis is given up");
            *live = None;
        }
    }

    async fn limited<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        timeout(self.limit, work).await.map_err(late)?
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        // Nothing under the lock can panic.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    async fn send_all(self, commands: Vec<Cmd>) -> RedisResult<Vec<RedisResult<Value>>> {
        match self {
            Self::Single(mut connection) => {
                let count = commands.len();
                let mut pipeline = Pipeline::with_capacity(count);
                for command in commands {
                    pipeline.add_command(command);
                }
                let values = connection.send_packed_commands(&pipeline, 0, count).await?;
                Ok(values.into_iter().map(Value::extract_error).collect())
            }
            // A pipeline would have to go to one node.
            Self::Cluster(connection) => {
                let send = |command: Cmd| {
                    let mut connection = connection.clone();
                    async move { connection.req_packed_command(&command).await?.extract_error() }
                };
                Ok(join_all(commands.into_iter().map(send)).await)
            }
        }
    }
}
