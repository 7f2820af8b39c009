//! A broker in a 256 MiB control group between bad clients: 400 that write slowly, 300 that never read, 200 that claim 100 MiB,
//! 100 that send nonsense. A client that behaves is measured before and meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, ProducerRecord};
use env::{Random as _, SeededRandom};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;
use crate::node::Start;
use crate::settings::Settings;

const LIMIT_BYTES: u64 = 256 << 20;
/// `socket.request.max.bytes`: the most that a request may claim.
const CLAIM: i32 = 100 << 20;

/// A control group with a limit on memory, removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new() -> Result<Self, Failure> {
        let v1 = Path::new("/sys/fs/cgroup/memory");
        let (root, limit) = if v1.exists() {
            (v1, "memory.limit_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup"), "memory.max")
        };
        let group = root.join(format!("mekong-crash-{}", std::process::id()));
        let made = std::fs::create_dir(&group)
            .and_then(|()| std::fs::write(group.join(limit), LIMIT_BYTES.to_string()));
        made.map_err(|error| format!("no control group can be made, which needs root: {error}"))?;
        Ok(Self(group))
    }

    fn process(&self) -> Option<u32> {
        std::fs::read_to_string(self.0.join("cgroup.procs")).ok()?.lines().next()?.parse().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.0).ok();
    }
}

/// Measures before, measures during, compares.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let group = Group::new()?;
    let dir = settings.work.join("hostile");
    std::fs::remove_dir_all(&dir).ok();
    let start = Start::new(&settings.mekong, &dir, &dir.join("data"))?.within(&group.0);
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    client.admin().create_topic("fat").partitions(1).replication_factor(1).await?;
    client.admin().create_topic("good").partitions(1).replication_factor(1).await?;
    for _ in 0..320 {
        client.send(ProducerRecord::new("fat", vec![b'x'; 64 << 10]).partition(0)).await?;
    }
    let phase = Duration::from_secs(settings.seconds);
    let before = behave(&client, phase).await?;
    let mut bad = attack(&start.address);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let during = behave(&client, phase).await?;
    let process = group.process().ok_or("the broker is gone")?;
    let resident = peak_bytes(process)?;
    bad.shutdown().await;
    let alive = node.is_running();
    node.kill();
    drop(node);
    std::fs::remove_dir_all(&dir).ok();
    let ratio = during.as_secs_f64() / before.as_secs_f64();
    println!(
        "p99 of a client that behaves: {before:?} before, {during:?} meanwhile, ratio {ratio:.2} (at most 2)"
    );
    println!("largest resident memory: {} MiB of {} MiB", resident >> 20, LIMIT_BYTES >> 20);
    if !alive {
        return Err("the broker ended".into());
    }
    if resident > LIMIT_BYTES || ratio > 2.0 {
        return Err("that is too much".into());
    }
    Ok(())
}

/// The 99th percentile of sending one record at a time.
async fn behave(client: &Client, phase: Duration) -> Result<Duration, Failure> {
    let producer = client.producer().linger(Duration::ZERO).build()?;
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < phase {
        let sent = Instant::now();
        producer.send(ProducerRecord::new("good", "fine").partition(0)).await?;
        times.push(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().ok_or_else(|| "nothing was sent".into())
}

fn attack(address: &str) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let address: Arc<str> = address.into();
    for number in 0..1000_u64 {
        let address = Arc::clone(&address);
        tasks.spawn(async move {
            loop {
                let outcome = match number {
                    0..400 => trickle(&address, 1 << 20, 100).await,
                    400..700 => never_read(&address).await,
                    700..900 => trickle(&address, CLAIM, 16 << 10).await,
                    _ => nonsense(&address, number).await,
                };
                // Who was thrown out comes back.
                drop(outcome);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    tasks
}

/// Claims so many bytes and sends them a few at a time.
async fn trickle(address: &str, claim: i32, step: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&claim.to_be_bytes()).await?;
    // A produce request's header, so that nothing is wrong with it yet.
    stream.write_all(&[0, 0, 0, 9, 0, 0, 0, 1, 255, 255, 0]).await?;
    let bytes = vec![0; step];
    loop {
        stream.write_all(&bytes).await?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Asks for much, again and again, and takes nothing.
async fn never_read(address: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let fetch = fetch_request();
    loop {
        stream.write_all(&fetch).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Fetch version 4 of everything in `fat`.
fn fetch_request() -> Vec<u8> {
    let mut body = vec![0, 1, 0, 4, 0, 0, 0, 1, 255, 255];
    for number in [-1_i32, 0, 0, 50 << 20] {
        body.extend_from_slice(&number.to_be_bytes());
    }
    body.push(0);
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&[0, 3]);
    body.extend_from_slice(b"fat");
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&0_i32.to_be_bytes());
    body.extend_from_slice(&0_i64.to_be_bytes());
    body.extend_from_slice(&(50_i32 << 20).to_be_bytes());
    [&(body.len() as i32).to_be_bytes()[..], &body].concat()
}

/// Frames that are nothing.
async fn nonsense(address: &str, seed: u64) -> std::io::Result<()> {
    let random = SeededRandom::new(seed);
    let mut stream = TcpStream::connect(address).await?;
    let mut bytes = vec![0; 600];
    random.fill(&mut bytes);
    let claim = match random.below(4) {
        0 => -5,
        1 => i32::MAX,
        2 => 0,
        _ => 500,
    };
    stream.write_all(&i32::to_be_bytes(claim)).await?;
    stream.write_all(&bytes).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

fn peak_bytes(process: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib << 10)
}
