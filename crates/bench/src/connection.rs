//! A blocking connection: frames out, frames in, nothing decoded that need not be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base::Str;
use bytes::Bytes;
use wire::{Request, frame};

/// One client's connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects; an answer that takes two minutes is a hang.
    pub fn open(address: &str) -> Result<Self, String> {
        Self::open_within(address, Duration::from_secs(120))
    }

    /// Connects; an answer that takes longer than `patience` is an error.
    pub fn open_within(address: &str, patience: Duration) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(patience)).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Another handle on the same socket, to receive while this one sends.
    pub fn second_half(&self) -> Result<Self, String> {
        let stream = self.stream.try_clone().map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a frame that [`encode`] has made.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), String> {
        self.stream.write_all(frame).map_err(|error| format!("sending: {error}"))
    }

    /// Receives one frame without its size; the slice lives until the next call.
    pub fn receive(&mut self) -> Result<&[u8], String> {
        let mut size = [0; 4];
        self.stream.read_exact(&mut size).map_err(|error| format!("receiving: {error}"))?;
        let size = usize::try_from(i32::from_be_bytes(size)).map_err(|_| "a negative size".to_owned())?;
        self.buffer.resize(size, 0);
        self.stream.read_exact(&mut self.buffer).map_err(|error| format!("receiving: {error}"))?;
        Ok(&self.buffer)
    }

    /// Gives the buffer back; for a connection about to idle.
    pub fn release(&mut self) {
        self.buffer = Vec::new();
    }

    /// Asks and waits for the decoded answer.
    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, String> {
        self.send(&encode(version, request)?)?;
        let frame = Bytes::copy_from_slice(self.receive()?);
        let (_, body) = frame::decode_response::<R>(frame, version).map_err(|error| error.to_string())?;
        Ok(body)
    }
}

/// A request as it goes on the wire, to be sent any number of times.
pub fn encode<R: Request>(version: i16, request: &R) -> Result<Bytes, String> {
    let client = Some(Str::from_static("mekong-bench"));
    let rope = frame::encode_request(1, client, version, request).map_err(|error| error.to_string())?;
    rope.read().map_err(|error| error.to_string())
}
