//! Stands in for the service where a test needs answers that the real one does not give: a real HTTP/1.1 server on the
//! loopback address that answers as the test says and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method, path and query: `GET /a?b=c`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What is no UTF-8 is replaced.
    pub(crate) body: String,
}

/// What to do about a request.
pub(crate) enum Reply {
    /// Send these bytes and close.
    Raw(Vec<u8>),
    /// Say nothing for as long as the server runs.
    Silence,
}

/// The server. Dropping it ends it.
pub(crate) struct StandIn {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    asked: Mutex<Vec<Asked>>,
    /// Connections that are kept open without an answer.
    silent: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl StandIn {
    /// Answers every request with what `reply` says.
    pub(crate) fn new(reply: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        Self::start(None, reply)
    }

    /// The same over TLS.
    pub(crate) fn encrypted(config: ServerConfig, reply: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        Self::start(Some(Arc::new(config)), reply)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// All that it was asked, in this order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The first lines of all that it was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    fn start(tls: Option<Arc<ServerConfig>>, reply: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            asked: Mutex::default(),
            silent: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if of_thread.ended.load(Ordering::SeqCst) {
                    return;
                }
                of_thread.serve(stream, tls.clone(), &reply);
            }
        });
        Self { address, scheme, shared, accepting: Some(accepting) }
    }
}

impl Shared {
    /// Answers one request. A client that goes away is none of its business.
    fn serve(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>, reply: &impl Fn(&Asked) -> Reply) {
        let plain = stream.try_clone().unwrap();
        let mut stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream)),
        };
        let Some(asked) = Asked::read(&mut stream) else { return };
        let reply = reply(&asked);
        self.asked.lock().unwrap().push(asked);
        match reply {
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                let _ = stream.flush();
            }
            Reply::Silence => self.silent.lock().unwrap().push(plain),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
    }
}

impl Asked {
    fn read(stream: &mut impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut next = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            Some(line.trim_end().to_owned())
        };
        let line = next()?.strip_suffix(" HTTP/1.1")?.to_owned();
        let mut headers = Vec::new();
        while let Some((name, value)) = next()?.split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        Some(Self { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Reply {
    /// The answer of the service to a request that it fulfils.
    pub(crate) fn data(status: u16, data: &Value) -> Self {
        Self::json(status, &json!({"success": true, "data": data, "status": status}))
    }

    /// The answer of the service to a request that it refuses.
    pub(crate) fn error(status: u16, message: &str, details: &Value) -> Self {
        let error = json!({"message": message, "code": status, "request_id": "req-7", "details": details});
        Self::json(status, &json!({"success": false, "error": error}))
    }

    /// An answer with any body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let body = if status == 204 { String::new() } else { body.to_string() };
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        Self::Raw([head, body].concat().into_bytes())
    }
}
