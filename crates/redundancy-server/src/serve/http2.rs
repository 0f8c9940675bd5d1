//! HTTP/2 on one connection: bounds on what it may take, an end to what does nothing, and a graceful one to what does.

pub(super) mod streams;

use super::connection::Ended;
use super::{ServeOptions, Shared};
use crate::middleware::client_address::Peer;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use streams::{Routed, Spawning, Streams};
use tokio::io::{AsyncRead, AsyncWrite};

/// Requests that are worked on at the same time on one connection. Proxies that have more open another connection.
const MAX_CONCURRENT_STREAMS: u32 = 128;
/// What a client may send of one body before it is read.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// What a client may send of all bodies of a connection before they are read: so much memory may a connection take.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// What is buffered of one answer before the client takes it.
const MAX_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Streams that the client took back before they were looked at. More of them end the connection (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 32;
/// Streams that were reset because of faults of the client. More of them end the connection (CVE-2025-8671).
const MAX_ERROR_RESETS: usize = 256;
/// How often a client on which nothing else moves is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection without any request stays open after the client was told that it ends: so long may a request that
/// crosses the message take to come.
const CLOSING: Duration = Duration::from_secs(2);

/// Serves requests until the client closes the connection, or it has been idle for as long as one of HTTP/1.1 may be, or the
/// server ends.
pub(super) async fn serve<S>(shared: &Shared, peer: Peer, stream: S) -> Result<(), Ended>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let idle_timeout = shared.options.header_read_timeout;
    let streams = Arc::new(Streams::default());
    let service = Routed::new(shared, peer, Arc::clone(&streams));
    let spawning = Spawning::new(shared, Arc::clone(&streams));
    let connection = Builder::new(spawning)
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(ServeOptions::MAX_HEAD_BYTES_HTTP2)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = streams.idle_for(idle_timeout) => {}
        () = streams.too_many_given_up() => return Err(Ended::GivesUp),
        () = shared.finish.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection.as_mut() => Ok(ended?),
        () = streams.idle_for(CLOSING) => Ok(()),
        () = streams.too_many_given_up() => Err(Ended::GivesUp),
    }
}
