//! A 64 MiB file system filled for real: producing is refused with a retriable error before the disk is full, reading and deleting
//! go on, and producing again needs no restart once there is room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::{Acks, Client, ProducerRecord, StartAt, TopicPartition};

use crate::Failure;
use crate::node::Start;
use crate::settings::Settings;

/// The file system's size.
const BYTES: &str = "64m";
/// One record's size.
const RECORD: usize = 32 * 1024;
/// Room must be found again within this time.
const RECOVERY_MAX: Duration = Duration::from_secs(10);

/// A mounted tmpfs, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(path: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(path)?;
        let options = format!("size={BYTES}");
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).status()?;
        if status.success() {
            Ok(Self(path.to_owned()))
        } else {
            Err("a tmpfs cannot be mounted: this needs root".into())
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}

/// Fills, reads, deletes, fills again, kills, reads again.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let mount = Mount::new(&settings.work.join("full"))?;
    let start = Start::new(&settings.mekong, &settings.work, &mount.0.join("data"))?
        .set("log.segment.bytes=1048576")
        .set("file.delete.delay.ms=100")
        .set("log.segment.delete.delay.ms=100");
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    let admin = client.admin();
    for topic in ["kept", "ballast"] {
        admin
            .create_topic(topic)
            .partitions(1)
            .replication_factor(1)
            .config("file.delete.delay.ms", "100")
            .await?;
    }
    let mut acked = Vec::new();
    let sent = fill(&client, "kept", 200, &mut acked).await;
    if let Some(error) = sent {
        return Err(format!("refused at once: {error}").into());
    }
    let refused = fill(&client, "ballast", 100_000, &mut Vec::new()).await.ok_or("never refused")?;
    let free = env::Disk::space(&env::RealDisk, &mount.0)?;
    println!("refused with {} KiB of {} KiB free: {refused}", free.available >> 10, free.total >> 10);
    if !refused.is_retriable() || free.available == 0 {
        return Err("that is not a retriable refusal before the disk is full".into());
    }
    check(&client, &acked).await?;
    println!("{} acknowledged records are read while the disk is full", acked.len());
    admin.delete_topic("ballast").await?;
    let begun = Instant::now();
    while fill(&client, "kept", 1, &mut acked).await.is_some() {
        if begun.elapsed() > RECOVERY_MAX {
            return Err("producing is still refused 10 s after the deletion".into());
        }
    }
    println!("accepted again {} ms after the deletion, without a restart", begun.elapsed().as_millis());
    // Full again, and dead at that moment.
    admin.create_topic("ballast-2").partitions(1).replication_factor(1).await?;
    fill(&client, "ballast-2", 100_000, &mut Vec::new()).await.ok_or("never refused")?;
    node.kill();
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    check(&client, &acked).await?;
    println!("{} acknowledged records are read after a kill on the full disk", acked.len());
    node.kill();
    Ok(())
}

/// Sends up to `count` records; what the first refusal says.
async fn fill(
    client: &Client,
    topic: &str,
    count: usize,
    acked: &mut Vec<(i64, Bytes)>,
) -> Option<client::ProduceError> {
    let builder = client.producer().acks(Acks::All).idempotence(false).retries(0).linger(Duration::ZERO);
    let producer = match builder.build() {
        Ok(producer) => producer,
        Err(error) => panic!("a producer: {error}"),
    };
    for number in 0..count {
        let mut value = format!("{topic}/{number}/").into_bytes();
        value.resize(RECORD, b'a' + (number % 26) as u8);
        let value = Bytes::from(value);
        match producer.send(ProducerRecord::new(topic, value.clone()).partition(0)).await {
            Ok(sent) => acked.extend(sent.offset.map(|offset| (offset, value))),
            Err(error) => return Some(error),
        }
    }
    None
}

async fn check(client: &Client, acked: &[(i64, Bytes)]) -> Result<(), Failure> {
    let partition = TopicPartition::new("kept", 0);
    let mut reader = client.reader().assign(partition, StartAt::Earliest).start().await?;
    let mut waiting = acked.iter().peekable();
    let begun = Instant::now();
    while waiting.peek().is_some() {
        for record in reader.poll(Duration::from_millis(500)).await? {
            let Some((offset, value)) = waiting.next_if(|(offset, _)| *offset <= record.offset) else {
                continue;
            };
            if *offset != record.offset || record.value.as_ref() != Some(value) {
                return Err(format!("record {offset} is gone or another").into());
            }
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err("reading does not end".into());
        }
    }
    reader.close().await;
    Ok(())
}
