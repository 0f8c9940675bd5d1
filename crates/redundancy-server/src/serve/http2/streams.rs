//! The requests of one HTTP/2 connection: how many there are, since when there is none, and which client does not take its
//! answer. The library that speaks HTTP/2 tells none of that.

use super::super::Shared;
use crate::middleware::caller::Party;
use crate::middleware::client_address::Peer;
use crate::shares::{Share, Shares};
use axum::Router;
use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::rt::Executor;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many more requests than it has taken answers a client may give up. Proxies pass on what their own clients give up, so
/// some are normal; each costs work for nothing.
const MAX_GIVEN_UP: u32 = 256;
/// Requests that all connections together may have open. Each takes some tens of KiB beside its bodies, and a client may leave it open.
const MAX_OPEN: usize = 8 * 1024;
/// Answers are handed over in pieces of at most this size, so that what a client does not take is not buffered for it.
const PIECE_BYTES: usize = 16 * 1024;

/// All requests of a connection.
pub(super) struct Streams {
    state: Mutex<State>,
    given_up: Notify,
}

struct State {
    open: usize,
    /// When the last one was over; before the first one, when the connection began.
    last_end: Instant,
    /// Requests that were given up, less those whose answer was taken.
    given_up: u32,
    /// The request that was taken last, until it is spawned.
    newest: Option<Arc<Stream>>,
}

/// One request.
struct Stream {
    streams: Arc<Streams>,
    /// Since when the client has had something to take, and has not taken it.
    offered: Mutex<Option<Instant>>,
}

/// Counts a request for as long as it is there.
struct Open {
    stream: Arc<Stream>,
    /// Its place among those of all connections, if it has one.
    place: Option<Place>,
    /// Whether the whole answer was taken.
    is_done: bool,
}

/// A place among all open requests.
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_the_client: Share,
}

/// Places for the open requests of all connections, of which one client has three quarters at most.
pub(in super::super) struct Places {
    all: Arc<Semaphore>,
    shares: Arc<Shares>,
}

/// Marks a request for which there is no place: it is refused without more ado.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unplaced;

/// Takes requests to the router.
pub(super) struct Routed {
    router: TowerToHyperService<Router>,
    peer: Peer,
    streams: Arc<Streams>,
    places: Arc<Places>,
    party: Party,
}

/// Spawns the work on a request.
#[derive(Clone)]
pub(super) struct Spawning {
    tasks: TaskTracker,
    cut_off: CancellationToken,
    write_timeout: Duration,
    streams: Arc<Streams>,
}

/// The body of an answer, in pieces.
pub(super) struct Pieces {
    body: Body,
    /// What is left of the last part.
    rest: Bytes,
    open: Open,
}

impl Default for Streams {
    fn default() -> Self {
        let state = State { open: 0, last_end: Instant::now(), given_up: 0, newest: None };
        Self { state: Mutex::new(state), given_up: Notify::new() }
    }
}

impl Streams {
    /// Ends when there has been no request for `limit` from now on.
    pub(super) async fn idle_for(&self, limit: Duration) {
        let began = Instant::now();
        loop {
            let now = Instant::now();
            let end = self.idle_since().map_or(now, |since| since.max(began)) + limit;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    /// Ends when the client has given up so many requests that it does so on purpose.
    pub(super) async fn too_many_given_up(&self) {
        self.given_up.notified().await;
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.open == 0).then_some(state.last_end)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn offer(&self, since: Option<Instant>) {
        *self.offered() = since;
    }

    /// Ends when the client has taken nothing of its answer for `limit`.
    async fn untaken_for(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let end = self.offered().unwrap_or(now) + limit;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn offered(&self) -> MutexGuard<'_, Option<Instant>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(streams: &Arc<Streams>, place: Option<Place>) -> Self {
        let stream = Arc::new(Stream { streams: Arc::clone(streams), offered: Mutex::new(None) });
        let mut state = streams.state();
        state.open += 1;
        state.newest = Some(Arc::clone(&stream));
        drop(state);
        Self { stream, place, is_done: false }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.stream.streams.state();
        state.open = state.open.saturating_sub(1);
        state.last_end = Instant::now();
        if self.is_done {
            state.given_up = state.given_up.saturating_sub(1);
        } else {
            state.given_up = state.given_up.saturating_add(1);
        }
        if state.given_up > MAX_GIVEN_UP {
            self.stream.streams.given_up.notify_one();
        }
    }
}

impl Routed {
    pub(super) fn new(shared: &Shared, peer: Peer, streams: Arc<Streams>) -> Self {
        let router = TowerToHyperService::new(shared.router.clone());
        Self { router, peer, streams, places: Arc::clone(&shared.places), party: Party::at(peer) }
    }
}

impl Service<Request<Incoming>> for Routed {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Pieces>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let open = Open::new(&self.streams, self.places.take(&self.party));
        if open.place.is_none() {
            request.extensions_mut().insert(Unplaced);
        }
        let answering = self.router.call(request);
        Box::pin(async move {
            let mut response = answering.await?;
            if open.place.is_none() {
                leave_out_body(&mut response);
            }
            Ok(response.map(|body| Pieces { body, rest: Bytes::new(), open }))
        })
    }
}

/// No client can leave an answer untaken that has no body.
fn leave_out_body(response: &mut Response<Body>) {
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().remove(CONTENT_TYPE);
}

impl Places {
    /// As many as there may be.
    pub(in super::super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_OPEN)), shares: Shares::of(MAX_OPEN, 1) }
    }

    fn take(&self, party: &Party) -> Option<Place> {
        let mut share = self.shares.none(party.clone());
        share.grow(1).ok()?;
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _of_all: all, _of_the_client: share })
    }
}

impl Spawning {
    pub(super) fn new(shared: &Shared, streams: Arc<Streams>) -> Self {
        let (tasks, cut_off) = (shared.requests.clone(), shared.cut_off.clone());
        Self { tasks, cut_off, write_timeout: shared.options.write_timeout, streams }
    }
}

impl<F> Executor<F> for Spawning
where
    F: Future<Output: Send> + Send + 'static,
{
    /// The library calls the service and then this, for one request after another. Dropping the work resets its stream and
    /// leaves the others alone.
    fn execute(&self, work: F) {
        let stream = self.streams.state().newest.take();
        let (cut_off, write_timeout) = (self.cut_off.clone(), self.write_timeout);
        self.tasks.spawn(async move {
            let untaken = async {
                match &stream {
                    Some(stream) => stream.untaken_for(write_timeout).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = work => {}
                () = untaken => {}
                () = cut_off.cancelled() => {}
            }
        });
    }
}

impl Pieces {
    /// The next piece. The last byte of an answer is one by itself: a piece is handed over when the client takes one byte of it, and the last one
    /// ends what is counted and timed here. So that is not before the client takes all that stands before it.
    fn piece(&mut self) -> Option<Bytes> {
        let left = self.rest.len();
        let is_last = left <= PIECE_BYTES && self.body.is_end_stream();
        let length = if is_last && left > 1 { left - 1 } else { left.min(PIECE_BYTES) };
        (length > 0).then(|| self.rest.split_to(length))
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Whoever asks for more has taken what there was.
        self.open.stream.offer(None);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.open.is_done = true;
                    return Poll::Ready(None);
                }
            }
        }
        let piece = self.piece().unwrap_or_default();
        self.open.stream.offer(Some(Instant::now()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.open.is_done |= self.is_end_stream();
    }
}
