//! What a client speaks, told by the first bytes that it sends.

use super::socket::Socket;
use std::io;

/// With this a client that knows that the server speaks HTTP/2 begins (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The type of the record that every TLS connection begins with (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a client speaks on a connection in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InClear {
    /// Or what is no HTTP at all, which the parser of HTTP/1 finds out.
    Http1,
    Http2,
}

/// How a client begins on a connection that is to be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encrypted {
    Tls,
    /// Most likely HTTP in clear: it begins with a letter.
    Words,
    /// Anything else, or nothing.
    Unknown,
}

/// Waits until it is clear what the client speaks.
pub(super) async fn in_clear(socket: &mut Socket) -> io::Result<InClear> {
    let mut looked = 0;
    loop {
        let come = socket.look_ahead().await?;
        // The end of what the client sends is as good as any other byte that is not in the preface.
        let is_over = come.len() == looked;
        looked = come.len();
        if come.starts_with(HTTP2_PREFACE) {
            return Ok(InClear::Http2);
        }
        if is_over || !HTTP2_PREFACE.starts_with(come) {
            return Ok(InClear::Http1);
        }
    }
}

/// Waits for the first byte.
pub(super) async fn encrypted(socket: &mut Socket) -> io::Result<Encrypted> {
    Ok(match socket.look_ahead().await?.first() {
        Some(&TLS_HANDSHAKE) => Encrypted::Tls,
        Some(byte) if byte.is_ascii_alphabetic() => Encrypted::Words,
        Some(_) | None => Encrypted::Unknown,
    })
}
