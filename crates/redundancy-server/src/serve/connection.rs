//! One connection from its first byte to its last, in clear or encrypted.

use super::encryption::{ALPN_HTTP2, Encryption};
use super::http2;
use super::opening::{self, Encrypted, InClear};
use super::resting::Watched;
use super::socket::Socket;
use super::{ServeOptions, Shared};
use crate::middleware::client_address::Peer;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

/// Most bytes that are buffered for one connection in each direction. Idle connections have a fraction of it.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long the end of a connection that was refused may take.
const REFUSAL: Duration = Duration::from_secs(3);
/// What a client gets that speaks HTTP in clear where TLS is spoken.
const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 65\r\n\
    connection: close\r\n\r\nThis port speaks HTTPS. Begin the address with https:// instead.\n";

/// Why a connection did not come to its natural end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the handshake took too long")]
    Handshake,
    #[error("the client gives up more requests than it waits for")]
    GivesUp,
}

/// Serves a connection in clear.
pub(super) async fn in_clear(shared: &Shared, peer: Peer, mut socket: Socket) -> Result<(), Ended> {
    let opening = tokio::time::timeout(shared.options.header_read_timeout, opening::in_clear(&mut socket));
    let opening = tokio::select! {
        biased;
        opening = opening => opening,
        () = shared.finish.cancelled() => return Ok(()),
    };
    match opening {
        Ok(Ok(InClear::Http1)) => http1(shared, peer, socket).await,
        // In a box, so that no other connection takes the memory that this one needs.
        Ok(Ok(InClear::Http2)) => Box::pin(http2::serve(shared, peer, socket)).await,
        Ok(Err(error)) => Err(error.into()),
        // A connection on which nothing comes is closed without a word.
        Err(_) => Ok(()),
    }
}

/// Serves a connection that is encrypted from its first byte on.
pub(super) async fn encrypted(
    shared: &Shared,
    encryption: &Encryption,
    peer: Peer,
    socket: Socket,
) -> Result<(), Ended> {
    let handshake = tokio::time::timeout(shared.options.handshake_timeout, handshake(encryption, socket));
    let stream = tokio::select! {
        biased;
        stream = handshake => stream.map_err(|_| Ended::Handshake)??,
        () = shared.finish.cancelled() => return Ok(()),
    };
    // In a box, because it is large and given from hand to hand.
    let Some(stream) = stream.map(Box::new) else { return Ok(()) };
    if stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2) {
        Box::pin(http2::serve(shared, peer, stream)).await
    } else {
        http1(shared, peer, stream).await
    }
}

/// Opens the encryption. `None` where the client does not speak TLS; it has been told.
async fn handshake(encryption: &Encryption, mut socket: Socket) -> io::Result<Option<TlsStream<Socket>>> {
    match opening::encrypted(&mut socket).await? {
        Encrypted::Tls => {}
        Encrypted::Words => {
            socket.write_all(SPEAK_TLS.as_bytes()).await?;
            socket.shutdown().await?;
            return Ok(None);
        }
        Encrypted::Unknown => return Ok(None),
    }
    match encryption.acceptor().accept(socket).into_fallible().await {
        Ok(stream) => Ok(Some(stream)),
        Err((error, mut socket)) => {
            // So that the client gets to read why it was refused, although it may have gone on sending.
            let _ = tokio::time::timeout(REFUSAL, socket.shutdown()).await;
            Err(error)
        }
    }
}

/// Serves requests of HTTP/1.1, one after the other. Between them the connection may rest.
async fn http1<S>(shared: &Shared, peer: Peer, stream: S) -> Result<(), Ended>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stream = Watched::new(stream);
    // In a box, which is gone while the connection rests.
    while let Some(resting) = Box::pin(until_it_rests(shared, peer, stream)).await? {
        stream = resting;
        let more = tokio::time::timeout(shared.options.header_read_timeout, stream.has_more());
        tokio::select! {
            biased;
            more = more => match more {
                Ok(Ok(true)) => {}
                Ok(Err(error)) => return Err(error.into()),
                // A connection on which nothing comes is closed without a word, as one that the client has closed.
                Ok(Ok(false)) | Err(_) => return Ok(()),
            },
            () = shared.finish.cancelled() => return Ok(()),
        }
    }
    Ok(())
}

/// Serves requests until the connection ends, or nothing happens on it for a while: then it is given back.
async fn until_it_rests<S>(
    shared: &Shared,
    peer: Peer,
    stream: Watched<S>,
) -> Result<Option<Watched<S>>, Ended>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let traffic = stream.traffic();
    let service = service_fn(|request: Request<Incoming>| {
        let router = shared.router.clone();
        let (mut request, told) = traffic.begin(request);
        request.extensions_mut().insert(peer);
        async { router.oneshot(request).await.map(told) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.options.header_read_timeout)
        .max_header_size(ServeOptions::MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        ended = &mut connection => ended?,
        () = shared.finish.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            connection.await?;
        }
        () = traffic.rested() => {
            let parts = connection.into_parts();
            return Ok(Some(parts.io.into_inner().again(&parts.read_buf)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::SPEAK_TLS;

    #[test]
    fn the_answer_to_plain_http_says_how_long_it_is() {
        let (head, body) = SPEAK_TLS.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    }
}
