//! Loads: each a number of connections, spread over threads, and the latencies they saw.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{Connection, get, post};

/// Latencies in microseconds, sorted.
pub struct Latencies(Vec<u32>);

impl Latencies {
    fn new(parts: Vec<Vec<u32>>) -> Self {
        let mut all: Vec<u32> = parts.into_iter().flatten().collect();
        all.sort_unstable();
        Self(all)
    }

    /// How many answers there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The latency below which `percent` of the answers came, in milliseconds.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        let place = ((self.0.len() as f64 * percent / 100.0).ceil() as usize).saturating_sub(1);
        self.0.get(place).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// Runs `work` on so many threads, each told its number.
fn on_threads(
    count: usize,
    work: impl Fn(usize) -> Result<Vec<u32>, String> + Sync,
) -> Result<Latencies, String> {
    let parts: Result<Vec<Vec<u32>>, String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let work = &work;
                scope.spawn(move || work(number))
            })
            .collect();
        threads.into_iter().map(|one| one.join().map_err(|_| "a thread died".to_owned())?).collect()
    });
    Ok(Latencies::new(parts?))
}

/// An Avro schema of 1 KiB, unlike that of any other number.
fn schema(kind: &str, number: usize) -> String {
    let head = format!(r#"{{\"type\":\"record\",\"name\":\"{kind}{number}\",\"doc\":\""#);
    let tail = r#"\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null}]}"#;
    let stored = |text: &str| text.len() - text.matches('\\').count();
    let filler = 1024 - stored(&head) - stored(tail);
    format!(r#"{{"schema":"{head}{}{tail}"}}"#, "x".repeat(filler))
}

/// A new schema under a subject of its own, for each number; every writer waits for its answer.
pub fn register(
    address: &str,
    writers: usize,
    numbers: Range<usize>,
    kind: &str,
) -> Result<Latencies, String> {
    let next = AtomicUsize::new(numbers.start);
    on_threads(writers, |_| {
        let mut connection = Connection::open(address)?;
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return Ok(latencies);
            }
            let path = format!("/subjects/{kind}-{number}/versions");
            let request = post(&path, &schema(kind, number));
            let sent = Instant::now();
            connection.send(request.as_bytes())?;
            connection.receive()?;
            latencies.push(micros(sent));
        }
    })
}

/// How many threads share the connections of a closed loop.
const THREADS: usize = 2;

/// Requests in a closed loop: a thread writes to all of its connections, then reads from all.
fn closed(
    address: &str,
    connections: usize,
    window: Duration,
    request: impl Fn(usize) -> String + Sync,
) -> Result<Latencies, String> {
    on_threads(THREADS, |thread| {
        let own = connections / THREADS;
        let mut open = (0..own).map(|_| Connection::open(address)).collect::<Result<Vec<_>, _>>()?;
        let requests: Vec<String> = (0..1000).map(|n| request(n * THREADS + thread)).collect();
        let mut cycle = requests.iter().cycle();
        let (started, mut latencies) = (Instant::now(), Vec::new());
        while started.elapsed() < window {
            let sent = Instant::now();
            for (connection, request) in open.iter_mut().zip(&mut cycle) {
                connection.send(request.as_bytes())?;
            }
            for connection in &mut open {
                connection.receive()?;
                latencies.push(micros(sent));
            }
        }
        Ok(latencies)
    })
}

/// What [`register`] registered as `v`, again.
pub fn register_again(
    address: &str,
    connections: usize,
    numbers: usize,
    window: Duration,
) -> Result<Latencies, String> {
    closed(address, connections, window, |n| {
        let number = n % numbers;
        post(&format!("/subjects/v-{number}/versions"), &schema("v", number))
    })
}

/// GETs of ids, one after another.
pub fn get_by_id(
    address: &str,
    connections: usize,
    ids: usize,
    window: Duration,
) -> Result<Latencies, String> {
    closed(address, connections, window, |n| get(&format!("/schemas/ids/{}", n * 7919 % ids + 1)))
}

/// GETs of ids at a steady rate, whatever the answers; latencies count from the moment a request was due.
pub fn get_by_id_paced(
    address: &str,
    connections: usize,
    ids: usize,
    rate: u32,
    window: Duration,
) -> Result<Latencies, String> {
    const PACED: usize = 16;
    let pause = Duration::from_secs(PACED as u64) / rate;
    on_threads(PACED, |thread| {
        let open = (0..connections / PACED).map(|_| Connection::open(address));
        let mut open = open.collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now() + pause * u32::try_from(thread).unwrap_or(0) / PACED as u32;
        let mut latencies = Vec::new();
        for number in 0.. {
            let due = started + pause * number;
            if due > started + window {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let at = number as usize % open.len().max(1);
            let Some(connection) = open.get_mut(at) else { break };
            let id = (number as usize * PACED + thread) * 7919 % ids + 1;
            connection.send(get(&format!("/schemas/ids/{id}")).as_bytes())?;
            connection.receive()?;
            latencies.push(micros(due));
        }
        Ok(latencies)
    })
}
