//! Looking up names.

use async_trait::async_trait;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Each look-up by the system holds a thread until the system gives up, which takes as long as it likes. This many at a
/// time leave most of the runtime's blocking threads (512) to other work, however slow some names are.
const MAX_LOOKUPS: usize = 128;

/// Finds the addresses of names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of `host`, in the order in which to try them. The caller gives up at its deadline by dropping the
    /// future.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Looks names up as the operating system does: hosts file, then DNS.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
}

impl SystemResolver {
    /// A resolver with its own bound on look-ups at a time.
    #[must_use]
    pub fn new() -> Self {
        Self { tasks: TaskTracker::new(), permits: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        // In a task of its own, because the permit must outlive a caller that has given up: the thread is still busy.
        let lookup = self.tasks.spawn(async move {
            let _permit = permit;
            let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        });
        lookup.await.map_err(io::Error::other)?
    }
}
