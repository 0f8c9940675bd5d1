//! Connections that wait for the next request to the same host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

/// How long a connection waits. Many receivers close theirs after a minute, some after half a minute or less.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// How often connections that have waited too long are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How many wait in all. Each holds a file descriptor, of which a process often has 1024.
const MAX_IDLE_TOTAL: usize = 256;

/// Idle connections of type `C` by origin (scheme, host and port). All operations take a short lock and constant time.
pub(super) struct Pool<C> {
    idle: Arc<Mutex<Idle<C>>>,
    max_idle_per_host: usize,
    tasks: TaskTracker,
}

struct Idle<C> {
    by_origin: HashMap<Box<str>, Vec<(C, Instant)>>,
    total: usize,
    is_swept: bool,
}

impl<C: Send + 'static> Pool<C> {
    pub(super) fn new(max_idle_per_host: usize) -> Self {
        let idle = Idle { by_origin: HashMap::new(), total: 0, is_swept: false };
        Self { idle: Arc::new(Mutex::new(idle)), max_idle_per_host, tasks: TaskTracker::new() }
    }

    /// The connection to `origin` that was used last, so that those too many grow old.
    pub(super) fn take(&self, origin: &str) -> Option<C> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.by_origin.get_mut(origin)?.pop()?;
        idle.total -= 1;
        // Those beneath have waited longer still; the sweep takes them.
        (since.elapsed() < MAX_IDLE).then_some(connection)
    }

    /// Keeps a connection for later, or closes it if enough are kept. Must run inside a runtime.
    pub(super) fn put(&self, origin: &str, connection: C) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.total >= MAX_IDLE_TOTAL || self.max_idle_per_host == 0 {
            return;
        }
        match idle.by_origin.get_mut(origin) {
            Some(waiting) if waiting.len() >= self.max_idle_per_host => return,
            Some(waiting) => waiting.push((connection, Instant::now())),
            None => {
                idle.by_origin.insert(origin.into(), vec![(connection, Instant::now())]);
            }
        }
        idle.total += 1;
        if !idle.is_swept {
            idle.is_swept = true;
            let shared = Arc::downgrade(&self.idle);
            self.tasks.spawn(async move {
                loop {
                    sleep(SWEEP_INTERVAL).await;
                    // Nobody is left who could use the connections, or there are none.
                    let Some(shared) = shared.upgrade() else { return };
                    if shared.lock().unwrap_or_else(PoisonError::into_inner).sweep() {
                        return;
                    }
                }
            });
        }
    }
}

impl<C> Idle<C> {
    /// Closes what has waited too long, and tells whether nothing is left.
    fn sweep(&mut self) -> bool {
        self.by_origin.retain(|_, waiting| {
            waiting.retain(|(_, since)| since.elapsed() < MAX_IDLE);
            !waiting.is_empty()
        });
        self.total = self.by_origin.values().map(Vec::len).sum();
        self.is_swept = self.total > 0;
        !self.is_swept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for a connection that can be seen closing.
    type Token = Arc<&'static str>;

    #[tokio::test(start_paused = true)]
    async fn a_connection_serves_its_own_origin_and_the_one_used_last_comes_first() {
        let pool: Pool<Token> = Pool::new(2);
        for (origin, name) in
            [("http://a", "first"), ("http://a", "second"), ("http://a", "third"), ("http://b", "other")]
        {
            pool.put(origin, Arc::new(name));
        }
        assert_eq!(pool.take("http://a").as_deref(), Some(&"second"));
        assert_eq!(pool.take("http://a").as_deref(), Some(&"first"));
        assert_eq!(pool.take("http://a"), None, "the third was one too many");
        assert_eq!(pool.take("http://c"), None);
        assert_eq!(pool.take("http://b").as_deref(), Some(&"other"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_work_is_closed_after_half_a_minute_though_nobody_asks() {
        let pool: Pool<Token> = Pool::new(2);
        for _ in 0..2 {
            let token: Token = Arc::new("watched");
            pool.put("http://a", Arc::clone(&token));
            sleep(SWEEP_INTERVAL * 5).await;
            assert_eq!(Arc::strong_count(&token), 2);
            sleep(SWEEP_INTERVAL * 2).await;
            assert_eq!(Arc::strong_count(&token), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_connections_wait_than_file_descriptors_allow() {
        let pool: Pool<Token> = Pool::new(2);
        let token: Token = Arc::new("watched");
        for origin in 0..MAX_IDLE_TOTAL + 10 {
            pool.put(&format!("http://{origin}"), Arc::clone(&token));
        }
        assert_eq!(Arc::strong_count(&token), MAX_IDLE_TOTAL + 1);
        assert!(pool.take("http://0").is_some());
        pool.put("http://z", Arc::clone(&token));
        assert_eq!(Arc::strong_count(&token), MAX_IDLE_TOTAL + 1);
    }
}
