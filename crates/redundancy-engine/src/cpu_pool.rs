//! A bounded pool for work that keeps a core busy. When it is full the answer is "not now" at once, not a growing queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// How much a [`CpuPool`] takes. Any numbers will do: a pool brings them into its range, and its stats tell what they became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuPoolConfig {
    /// Jobs that run at the same time, 1 to [`Semaphore::MAX_PERMITS`]. As many as there are cores makes sense.
    pub workers: usize,
    /// Jobs that wait for a worker at most. Together with the workers no more than [`Semaphore::MAX_PERMITS`].
    pub queue: usize,
}

/// Runs jobs on threads of their own, a bounded number at a time. Must be used inside a tokio runtime.
#[derive(Debug)]
pub struct CpuPool {
    /// Within range: the sum of the two is a valid number of permits.
    config: CpuPoolConfig,
    /// One permit for each job that runs.
    workers: Arc<Semaphore>,
    /// One permit for each job that runs or waits.
    places: Arc<Semaphore>,
    /// All places that were given and are not given back. Closed when the pool is.
    tasks: TaskTracker,
    /// Jobs that were refused because there was no place.
    refused: AtomicU64,
}

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// All workers and all places in the queue are taken.
    #[error("the pool is full")]
    Full,
    /// The pool takes no more jobs.
    #[error("the pool is closed")]
    Closed,
    /// The job panicked. The pool goes on.
    #[error("the job panicked")]
    Panicked,
}

/// How full a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// Jobs that can run at the same time.
    pub workers: usize,
    /// Jobs that can wait.
    pub queue: usize,
    /// Jobs that run now.
    pub running: usize,
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were refused since the start because all places were taken.
    pub refused: u64,
}

/// Texts of so many bytes or fewer are about as much work as handing a job to another thread and back: 30 to 50 µs were measured for 1 KiB. Such
/// jobs run where they are asked for, and do not wait behind larger ones.
pub const SMALL_BYTES: usize = 2 << 10;

/// A right to run one job on the pool, kept until the job ends. It outlasts [`CpuPool::close`].
#[derive(Debug)]
pub struct Place {
    /// Its place among those that run or wait; none for a small job.
    queued: Option<OwnedSemaphorePermit>,
    /// Makes a drain wait for a job that has its place but no worker yet.
    _accepted: TaskTrackerToken,
}

impl CpuPool {
    /// A pool without jobs.
    #[must_use]
    pub fn new(config: CpuPoolConfig) -> Self {
        let workers = config.workers.clamp(1, Semaphore::MAX_PERMITS);
        let queue = config.queue.min(Semaphore::MAX_PERMITS - workers);
        Self {
            config: CpuPoolConfig { workers, queue },
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(workers + queue)),
            tasks: TaskTracker::new(),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes a place for a job over texts of so many `bytes` whose caller waits for it, or says at once that there is none. For a
    /// [small](SMALL_BYTES) one there always is.
    pub fn reserve_for(&self, bytes: usize) -> Result<Place, PoolError> {
        if bytes > SMALL_BYTES {
            return self.reserve();
        }
        let accepted = self.tasks.token();
        if self.tasks.is_closed() {
            Err(PoolError::Closed)
        } else {
            Ok(Place { queued: None, _accepted: accepted })
        }
    }

    /// Takes a place for a job, or says at once that there is none.
    pub fn reserve(&self) -> Result<Place, PoolError> {
        // Taken before the look at the pool's state: a place that is given in spite of a close that comes at the same time
        // is one that the drain waits for.
        let accepted = self.tasks.token();
        if self.tasks.is_closed() {
            return Err(PoolError::Closed);
        }
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map(|permit| Place { queued: Some(permit), _accepted: accepted })
            .map_err(|_| {
                self.refused.fetch_add(1, Ordering::Relaxed);
                PoolError::Full
            })
    }

    /// Takes a place for one job, and waits until there is one: for parts of what was let in before.
    pub async fn wait_for_place(&self) -> Result<Place, PoolError> {
        let accepted = self.tasks.token();
        let permit = Arc::clone(&self.places).acquire_owned().await.map_err(|_| PoolError::Closed)?;
        Ok(Place { queued: Some(permit), _accepted: accepted })
    }

    /// Runs `job` when it is its turn and gives back what it returns. Dropping the future gives up the turn; a job that has
    /// begun runs to its end and holds its place until then.
    pub async fn run<T: Send + 'static>(
        &self,
        place: Place,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        if place.queued.is_none() {
            return catch_unwind(AssertUnwindSafe(job)).map_err(|_| PoolError::Panicked);
        }
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PoolError::Closed)?;
        let running = self.tasks.spawn_blocking(move || {
            let result = job();
            drop((worker, place));
            result
        });
        running.await.map_err(|ended| if ended.is_panic() { PoolError::Panicked } else { PoolError::Closed })
    }

    /// Whether it gives no more places.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Gives no more places. Jobs that have one are still done.
    pub fn close(&self) {
        self.tasks.close();
    }

    /// Closes the pool and waits until every place is given back: until the jobs that run and those that wait have ended. It
    /// does not end while the caller keeps a place that it does not use.
    pub async fn drain(&self) {
        self.close();
        self.tasks.wait().await;
    }

    /// How full the pool is now.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let CpuPoolConfig { workers, queue } = self.config;
        let running = workers.saturating_sub(self.workers.available_permits());
        let taken = (workers + queue).saturating_sub(self.places.available_permits());
        let refused = self.refused.load(Ordering::Relaxed);
        PoolStats { workers, queue, running, waiting: taken.saturating_sub(running), refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::Poll;

    fn pool(workers: usize, queue: usize) -> Arc<CpuPool> {
        Arc::new(CpuPool::new(CpuPoolConfig { workers, queue }))
    }

    /// Polls once.
    async fn is_pending(mut future: Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once_and_takes_work_again_when_a_job_ends() {
        let pool = pool(1, 1);
        let (release, blocked) = mpsc::channel::<()>();
        let place = pool.reserve().unwrap();
        let mut running = pin!(pool.run(place, move || blocked.recv().is_ok()));
        // One poll starts the job; it cannot end before it is released.
        assert!(is_pending(running.as_mut()).await);
        let waiting = pool.reserve().unwrap();
        assert_eq!(pool.reserve().unwrap_err(), PoolError::Full);
        assert_eq!(pool.stats().refused, 1);
        release.send(()).unwrap();
        assert_eq!(running.await, Ok(true));
        assert_eq!(pool.run(waiting, || 2).await, Ok(2));
    }

    #[tokio::test]
    async fn a_panic_ends_one_job_only() {
        let pool = pool(1, 0);
        for bytes in [SMALL_BYTES, SMALL_BYTES + 1] {
            let place = pool.reserve_for(bytes).unwrap();
            assert_eq!(pool.run(place, || panic!("on purpose")).await, Err::<(), _>(PoolError::Panicked));
        }
        let place = pool.reserve().unwrap();
        assert_eq!(pool.run(place, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_drain_waits_for_jobs_that_have_a_place_but_no_worker_yet() {
        let pool = pool(1, 1);
        let place = pool.reserve().unwrap();
        let mut drained = pin!(pool.drain());
        assert!(is_pending(drained.as_mut()).await);
        assert_eq!(pool.reserve().unwrap_err(), PoolError::Closed);
        assert_eq!(pool.run(place, || 1).await, Ok(1));
        drained.await;
    }

    #[tokio::test]
    async fn a_small_job_runs_where_it_is_asked_for_also_when_the_pool_is_full() {
        let pool = pool(1, 0);
        let _taken = pool.reserve().unwrap();
        assert_eq!(pool.reserve_for(SMALL_BYTES + 1).unwrap_err(), PoolError::Full);
        let place = pool.reserve_for(SMALL_BYTES).unwrap();
        let here = std::thread::current().id();
        assert_eq!(pool.run(place, || std::thread::current().id()).await, Ok(here));
    }

    #[tokio::test]
    async fn a_drain_waits_for_a_small_job_too() {
        let pool = pool(1, 0);
        let place = pool.reserve_for(SMALL_BYTES).unwrap();
        let mut drained = pin!(pool.drain());
        assert!(is_pending(drained.as_mut()).await);
        assert_eq!(pool.reserve_for(SMALL_BYTES).unwrap_err(), PoolError::Closed);
        assert_eq!(pool.run(place, || 1).await, Ok(1));
        drained.await;
    }

    #[tokio::test]
    async fn the_largest_numbers_make_a_pool_that_works() {
        for (workers, queue) in [(usize::MAX, usize::MAX), (usize::MAX, 0), (0, usize::MAX)] {
            let pool = pool(workers, queue);
            let place = pool.reserve().unwrap();
            let stats = pool.stats();
            assert_eq!((stats.running, stats.waiting), (0, 1));
            assert!(stats.workers >= 1 && stats.workers + stats.queue == Semaphore::MAX_PERMITS);
            assert_eq!(pool.run(place, || 1).await, Ok(1));
        }
    }

    #[tokio::test]
    async fn a_drained_pool_takes_no_more_jobs() {
        let pool = pool(1, 1);
        pool.drain().await;
        assert_eq!(pool.reserve().unwrap_err(), PoolError::Closed);
    }
}
