//! The physical floor: what the machine itself takes for the bytes that a broker must move.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use crate::measure::GIB;

const CHUNK: usize = 64 * 1024;
const TOTAL: usize = 512 * 1024 * 1024;

/// CPU seconds per GiB of each part of a produce path.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Receiving from a loopback socket, both sides together.
    pub socket: f64,
    /// CRC-32C.
    pub crc: f64,
    /// Appending 64 KiB at a time to a file, into the page cache.
    pub append: f64,
}

impl Floor {
    /// Measures all three.
    pub fn measure(work: &Path) -> Result<Self, String> {
        Ok(Self { socket: socket()?, crc: crc(), append: append(work)? })
    }

    /// What producing a GiB takes at the least.
    pub fn produce(&self) -> f64 {
        self.socket / 2.0 + self.crc + self.append
    }
}

fn per_gib(seconds: f64) -> f64 {
    seconds / (TOTAL as f64 / GIB)
}

fn own_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn socket() -> Result<f64, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let before = own_cpu_seconds();
    let sender = std::thread::spawn(move || {
        let Ok(mut stream) = TcpStream::connect(address) else { return };
        let chunk = vec![7_u8; CHUNK];
        (0..TOTAL / CHUNK).try_for_each(|_| stream.write_all(&chunk)).ok();
    });
    let (mut stream, _) = listener.accept().map_err(|error| error.to_string())?;
    let mut chunk = vec![0_u8; CHUNK];
    while stream.read(&mut chunk).map_err(|error| error.to_string())? > 0 {}
    sender.join().map_err(|_| "the sender died".to_owned())?;
    Ok(per_gib(own_cpu_seconds() - before))
}

fn crc() -> f64 {
    let chunk = vec![7_u8; CHUNK];
    let started = Instant::now();
    let mut sum = 0;
    for _ in 0..TOTAL / CHUNK {
        sum ^= crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, std::hint::black_box(&chunk));
    }
    std::hint::black_box(sum);
    per_gib(started.elapsed().as_secs_f64())
}

fn append(work: &Path) -> Result<f64, String> {
    let path = work.join("append-probe");
    let mut file = File::create(&path).map_err(|error| error.to_string())?;
    let chunk = vec![7_u8; CHUNK];
    let before = own_cpu_seconds();
    for _ in 0..TOTAL / CHUNK {
        file.write_all(&chunk).map_err(|error| error.to_string())?;
    }
    let spent = own_cpu_seconds() - before;
    std::fs::remove_file(&path).ok();
    Ok(per_gib(spent))
}
