//! A bounded pool for work that keeps a core busy. When it is full, or a job would have to wait for long, the answer is "not now" at once, not a
//! growing queue.

mod backlog;

use backlog::{Backlog, Waiting};
use redundancy_webhook::clock::Clock;
use std::fmt;
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
pub struct CpuPool {
    /// Within range: the sum of the two is a valid number of permits.
    config: CpuPoolConfig,
    /// One permit for each job that runs.
    workers: Arc<Semaphore>,
    /// One permit for each job that runs or waits.
    places: Arc<Semaphore>,
    /// One permit for each job for later that runs or is next: they have half of the workers.
    for_later: Arc<Semaphore>,
    /// The jobs that callers wait for.
    backlog: Arc<Backlog>,
    clock: Arc<dyn Clock>,
    /// All places that were given and are not given back. Closed when the pool is.
    tasks: TaskTracker,
    /// Jobs that were refused because there was no place, or would have waited for long.
    refused: AtomicU64,
}

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// All workers and all places in the queue are taken, or it would take long to get a turn.
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
    /// Jobs that were refused since the start.
    pub refused: u64,
}

/// Texts of so many bytes or fewer are little more work than handing a job to another thread and back: 30 to 50 µs were measured for 1 KiB. Such
/// jobs run where they are asked for, and do not wait behind larger ones.
pub const SMALL_BYTES: usize = 4 << 10;

/// A right to run one job on the pool, kept until the job ends. It outlasts [`CpuPool::close`].
#[derive(Debug)]
pub struct Place {
    /// Its place among those that run or wait; none for a small job.
    queued: Option<Queued>,
    /// Makes a drain wait for a job that has its place but no worker yet.
    _accepted: TaskTrackerToken,
}

#[derive(Debug)]
struct Queued {
    _permit: OwnedSemaphorePermit,
    /// What a caller waits for.
    waiting: Option<Waiting>,
    is_for_later: bool,
}

impl fmt::Debug for CpuPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuPool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl CpuPool {
    /// A pool without jobs.
    #[must_use]
    pub fn new(config: CpuPoolConfig, clock: Arc<dyn Clock>) -> Self {
        let workers = config.workers.clamp(1, Semaphore::MAX_PERMITS);
        let queue = config.queue.min(Semaphore::MAX_PERMITS - workers);
        Self {
            config: CpuPoolConfig { workers, queue },
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(workers + queue)),
            for_later: Arc::new(Semaphore::new(workers.div_ceil(2))),
            backlog: Arc::default(),
            clock,
            tasks: TaskTracker::new(),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes a place for a job over texts of so many `bytes` whose caller waits for it, or says at once that there is none or that it would take
    /// long to get its turn. For a [small](SMALL_BYTES) one there always is.
    pub fn reserve_for(&self, bytes: usize) -> Result<Place, PoolError> {
        let accepted = self.accept()?;
        if bytes <= SMALL_BYTES {
            return Ok(Place { queued: None, _accepted: accepted });
        }
        let is_idle = self.workers.available_permits() > 0;
        let waiting = self.backlog.admit(bytes, is_idle, self.clock.monotonic());
        self.queue(accepted, waiting.ok_or(PoolError::Full).map(Some), false)
    }

    /// Takes a place for a job that nobody waits for, or says at once that there is none. Such jobs have half of the workers, and leave half of
    /// the queue to others.
    pub fn reserve_for_later(&self) -> Result<Place, PoolError> {
        let accepted = self.accept()?;
        let has_room = self.places.available_permits() > self.config.queue / 2;
        self.queue(accepted, if has_room { Ok(None) } else { Err(PoolError::Full) }, true)
    }

    /// Taken before the look at the pool's state: a place that is given in spite of a close that comes at the same time is one that the
    /// drain waits for.
    fn accept(&self) -> Result<TaskTrackerToken, PoolError> {
        let accepted = self.tasks.token();
        if self.tasks.is_closed() { Err(PoolError::Closed) } else { Ok(accepted) }
    }

    fn queue(
        &self,
        accepted: TaskTrackerToken,
        waiting: Result<Option<Waiting>, PoolError>,
        is_for_later: bool,
    ) -> Result<Place, PoolError> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PoolError::Full);
        match waiting.and_then(|waiting| Ok((waiting, permit?))) {
            Ok((waiting, permit)) => {
                let queued = Queued { _permit: permit, waiting, is_for_later };
                Ok(Place { queued: Some(queued), _accepted: accepted })
            }
            Err(error) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Takes a place for one job, and waits until there is one: for parts of what was let in before.
    pub async fn wait_for_place(&self) -> Result<Place, PoolError> {
        let accepted = self.tasks.token();
        let permit = Arc::clone(&self.places).acquire_owned().await.map_err(|_| PoolError::Closed)?;
        let queued = Queued { _permit: permit, waiting: None, is_for_later: false };
        Ok(Place { queued: Some(queued), _accepted: accepted })
    }

    /// Runs `job` when it is its turn and gives back what it returns. Dropping the future gives up the turn; a job that has
    /// begun runs to its end and holds its place until then.
    pub async fn run<T: Send + 'static>(
        &self,
        place: Place,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let Some(queued) = &place.queued else {
            return catch_unwind(AssertUnwindSafe(job)).map_err(|_| PoolError::Panicked);
        };
        let permit = |of: &Arc<Semaphore>| Arc::clone(of).acquire_owned();
        let turn = if queued.is_for_later { Some(permit(&self.for_later).await) } else { None };
        let turn = turn.transpose().map_err(|_| PoolError::Closed)?;
        let worker = permit(&self.workers).await.map_err(|_| PoolError::Closed)?;
        let clock = Arc::clone(&self.clock);
        let running = self.tasks.spawn_blocking(move || {
            let result = job();
            if let Some(waiting) = place.queued.as_ref().and_then(|queued| queued.waiting.as_ref()) {
                waiting.ended(clock.monotonic());
            }
            drop((worker, turn, place));
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
    use redundancy_webhook::clock::Timestamp;
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::Poll;
    use std::time::Duration;

    /// The time does not go on.
    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn pool(workers: usize, queue: usize) -> Arc<CpuPool> {
        Arc::new(CpuPool::new(CpuPoolConfig { workers, queue }, Arc::new(Standing)))
    }

    /// Polls once.
    async fn is_pending(mut future: Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once_and_takes_work_again_when_a_job_ends() {
        let pool = pool(1, 1);
        let (release, blocked) = mpsc::channel::<()>();
        let place = pool.reserve_for_later().unwrap();
        let mut running = pin!(pool.run(place, move || blocked.recv().is_ok()));
        // One poll starts the job; it cannot end before it is released.
        assert!(is_pending(running.as_mut()).await);
        let waiting = pool.reserve_for_later().unwrap();
        assert_eq!(pool.reserve_for_later().unwrap_err(), PoolError::Full);
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
        let place = pool.reserve_for_later().unwrap();
        assert_eq!(pool.run(place, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_drain_waits_for_jobs_that_have_a_place_but_no_worker_yet() {
        let pool = pool(1, 1);
        let place = pool.reserve_for_later().unwrap();
        let mut drained = pin!(pool.drain());
        assert!(is_pending(drained.as_mut()).await);
        assert_eq!(pool.reserve_for_later().unwrap_err(), PoolError::Closed);
        assert_eq!(pool.run(place, || 1).await, Ok(1));
        drained.await;
    }

    #[tokio::test]
    async fn a_small_job_runs_where_it_is_asked_for_also_when_the_pool_is_full() {
        let pool = pool(1, 0);
        let _taken = pool.reserve_for_later().unwrap();
        assert_eq!(pool.reserve_for(SMALL_BYTES + 1).unwrap_err(), PoolError::Full);
        let place = pool.reserve_for(SMALL_BYTES).unwrap();
        let here = std::thread::current().id();
        assert_eq!(pool.run(place, || std::thread::current().id()).await, Ok(here));
    }

    #[tokio::test]
    async fn jobs_for_later_leave_half_of_the_workers_to_those_that_are_waited_for() {
        let pool = pool(2, 8);
        let (release, blocked) = mpsc::channel::<()>();
        let long = pool.reserve_for_later().unwrap();
        let mut running = pin!(pool.run(long, move || blocked.recv().is_ok()));
        assert!(is_pending(running.as_mut()).await);
        let next = pool.reserve_for_later().unwrap();
        let mut waiting = pin!(pool.run(next, || 2));
        assert!(is_pending(waiting.as_mut()).await);
        let place = pool.reserve_for(SMALL_BYTES + 1).unwrap();
        assert_eq!(pool.run(place, || 1).await, Ok(1));
        assert!(is_pending(waiting.as_mut()).await);
        release.send(()).unwrap();
        assert_eq!((running.await, waiting.await), (Ok(true), Ok(2)));
    }

    #[tokio::test]
    async fn a_job_that_would_wait_for_long_is_refused_and_counted_and_one_for_later_is_not() {
        let pool = pool(1, 8);
        let _busy = Arc::clone(&pool.workers).try_acquire_owned().unwrap();
        let _long = pool.reserve_for(64 << 20).unwrap();
        assert_eq!(pool.reserve_for(SMALL_BYTES + 1).unwrap_err(), PoolError::Full);
        assert_eq!(pool.stats().refused, 1);
        assert!(pool.reserve_for_later().is_ok() && pool.reserve_for(SMALL_BYTES).is_ok());
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
            let place = pool.reserve_for_later().unwrap();
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
        assert_eq!(pool.reserve_for_later().unwrap_err(), PoolError::Closed);
    }
}
