//! A keep-alive connection that sends prepared requests and reads whole answers, at little cost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// One GET; its answer must be 200.
    pub fn get(&mut self, path: &str) -> Result<String, String> {
        self.send(get(path).as_bytes())?;
        self.receive()
    }

    /// Sends a request.
    pub fn send(&mut self, request: &[u8]) -> Result<(), String> {
        self.stream.write_all(request).map_err(|error| error.to_string())
    }

    /// Reads one answer, which must be 200; returns its body.
    pub fn receive(&mut self) -> Result<String, String> {
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            let n = self.stream.read(&mut chunk).map_err(|error| error.to_string())?;
            if n == 0 {
                return Err("the connection was closed".to_owned());
            }
            self.buffer.extend_from_slice(chunk.get(..n).unwrap_or_default());
            if let Some(body) = self.whole()? {
                return Ok(body);
            }
        }
    }

    /// The body, once all of it is here.
    fn whole(&self) -> Result<Option<String>, String> {
        let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let (head, body) = self.buffer.split_at(end + 4);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if body.len() < length {
            return Ok(None);
        }
        let body = String::from_utf8_lossy(body).into_owned();
        if head.starts_with("http/1.1 200") { Ok(Some(body)) } else { Err(format!("{head}{body}")) }
    }
}

/// A GET's bytes.
pub fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.schemaregistry.v1+json\r\n\r\n"
    )
}

/// A POST's bytes.
pub fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.schemaregistry.v1+json\r\nContent-Type: \
         application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
