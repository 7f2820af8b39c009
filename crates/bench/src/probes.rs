//! The physical floor: what the machine itself takes for the bytes that a broker must move, and how long its disk syncs.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::measure::GIB;

const CHUNK: usize = 64 * 1024;
const TOTAL: usize = 256 * 1024 * 1024;

/// CPU seconds per GiB of each part of a broker's path.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Receiving from a loopback socket.
    pub received: f64,
    /// Sending to a loopback socket.
    pub sent: f64,
    /// CRC-32C.
    pub crc: f64,
    /// Appending 64 KiB at a time to a file, into the page cache.
    pub append: f64,
}

impl Floor {
    /// Measures all, each the best of three.
    pub fn measure(work: &Path) -> Result<Self, String> {
        let mut best = Self { received: f64::MAX, sent: f64::MAX, crc: f64::MAX, append: f64::MAX };
        for _ in 0..3 {
            let (received, sent) = socket()?;
            best.received = best.received.min(received);
            best.sent = best.sent.min(sent);
            best.crc = best.crc.min(crc());
            best.append = best.append.min(append(work)?);
        }
        Ok(best)
    }

    /// What producing a GiB takes at the least.
    pub fn produce(&self) -> f64 {
        self.received + self.crc + self.append
    }
}

fn per_gib(seconds: f64) -> f64 {
    seconds / (TOTAL as f64 / GIB)
}

/// The calling thread's CPU, in seconds.
fn thread_cpu_seconds() -> f64 {
    let spec = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    spec.tv_sec as f64 + spec.tv_nsec as f64 / 1e9
}

/// Receiver's and sender's CPU.
fn socket() -> Result<(f64, f64), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let sender = std::thread::spawn(move || {
        let Ok(mut stream) = TcpStream::connect(address) else { return f64::NAN };
        let (chunk, before) = (vec![7_u8; CHUNK], thread_cpu_seconds());
        (0..TOTAL / CHUNK).try_for_each(|_| stream.write_all(&chunk)).ok();
        thread_cpu_seconds() - before
    });
    let (mut stream, _) = listener.accept().map_err(|error| error.to_string())?;
    let (mut chunk, before) = (vec![0_u8; CHUNK], thread_cpu_seconds());
    while stream.read(&mut chunk).map_err(|error| error.to_string())? > 0 {}
    let received = thread_cpu_seconds() - before;
    let sent = sender.join().map_err(|_| "the sender died".to_owned())?;
    Ok((per_gib(received), per_gib(sent)))
}

fn crc() -> f64 {
    let chunk = vec![7_u8; CHUNK];
    let before = thread_cpu_seconds();
    let mut sum = 0;
    for _ in 0..TOTAL / CHUNK {
        sum ^= crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, std::hint::black_box(&chunk));
    }
    std::hint::black_box(sum);
    per_gib(thread_cpu_seconds() - before)
}

fn append(work: &Path) -> Result<f64, String> {
    let path = work.join("append-probe");
    let mut file = File::create(&path).map_err(|error| error.to_string())?;
    let chunk = vec![7_u8; CHUNK];
    let before = thread_cpu_seconds();
    for _ in 0..TOTAL / CHUNK {
        file.write_all(&chunk).map_err(|error| error.to_string())?;
    }
    let spent = thread_cpu_seconds() - before;
    std::fs::remove_file(&path).ok();
    Ok(per_gib(spent))
}

/// Milliseconds that each sync took of 4 KiB written over what was there, `rate` of them a second at the most.
pub fn syncs(work: &Path, rate: f64, length: Duration) -> Result<Vec<f64>, String> {
    let path = work.join("sync-probe");
    let file = File::create(&path).map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| error.to_string();
    file.write_all_at(&vec![0; 1 << 20], 0).and_then(|()| file.sync_all()).map_err(failed)?;
    let (started, mut taken) = (Instant::now(), Vec::new());
    let chunk = vec![7_u8; 4096];
    while started.elapsed() < length {
        let before = Instant::now();
        let place = (taken.len() as u64 * 4096) % (1 << 20);
        file.write_all_at(&chunk, place).and_then(|()| file.sync_data()).map_err(failed)?;
        taken.push(before.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_secs_f64(1.0 / rate).saturating_sub(before.elapsed()));
    }
    std::fs::remove_file(&path).ok();
    Ok(taken)
}
