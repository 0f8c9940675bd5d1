//! Just enough HTTP/1.1 to talk to the service on a connection that stays open, and to read what it sends.

use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer is waited for: far longer than any takes, so that only a service that hangs meets it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The head of a message and its body.
pub(crate) struct Message {
    /// Its first line.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A connection to the service.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and waits for its answer. An error means that nobody knows whether it was done.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Message> {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.ask_with(&[], method, path, &body)
    }

    /// As [`Self::ask`], with more headers and any body.
    pub(crate) fn ask_with(
        &mut self,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<Message> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        Message::read(&mut self.0)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Message {
    /// Reads a message; `None` when the connection ends before it.
    pub(crate) fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let line = next_line(reader)?;
        if line.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let line = next_line(reader)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Self { line, headers, body: Vec::new() };
        if message.header("transfer-encoding") == Some("chunked") {
            message.body = chunks(reader)?;
            return Ok(Some(message));
        }
        let length = message.header("content-length").map_or(0, |length| length.parse().unwrap());
        message.body.resize(length, 0);
        reader.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{}", self.line))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {} {text}", self.line))
    }

    /// What the service answers, without its envelope.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", String::from_utf8_lossy(&self.body));
        self.json()["data"].take()
    }
}

/// A body that comes in chunks. One that breaks off is an error.
fn chunks(reader: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&next_line(reader)?, 16).map_err(io::Error::other)?;
        let from = body.len();
        body.resize(from + length, 0);
        reader.read_exact(&mut body[from..])?;
        next_line(reader)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end; empty at the end of the connection too.
fn next_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
