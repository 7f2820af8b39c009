//! Crash images of the real process: `strace` records what it wrote, synced and renamed under load; a power loss is made at places
//! of that, and the real process starts on what it left. Everything acknowledged by then is read back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use client::Client;
use env::{Disk, FileClass, Random as _, SeededRandom, SimDisk};

use crate::Failure;
use crate::ledger::Ledger;
use crate::load::{Sender, TOPICS};
use crate::node::Start;
use crate::settings::Settings;
use crate::strace::{self, Recorded};
use crate::verify;

/// Images of one trace.
const IMAGES: u64 = 50;

/// Makes traces and images until there are as many as asked for.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let progress = settings.work.join(format!("real-{}.done", settings.seed));
    let done = std::fs::read_to_string(&progress).unwrap_or_default().lines().count() as u64;
    let mut places: BTreeMap<FileClass, u64> = BTreeMap::new();
    for trace in done..settings.cycles.div_ceil(IMAGES) {
        let acked = run_trace(settings, trace, &mut places)
            .await
            .map_err(|error| format!("trace {trace}: {error}"))?;
        let line = format!("trace {trace}: {IMAGES} images hold what was acknowledged of {acked} records\n");
        print!("{line}");
        std::fs::write(&progress, std::fs::read_to_string(&progress).unwrap_or_default() + &line)?;
    }
    println!("the power went next to a sync of: {places:?}");
    Ok(())
}

async fn run_trace(
    settings: &Settings,
    trace: u64,
    places: &mut BTreeMap<FileClass, u64>,
) -> Result<usize, Failure> {
    let dir = std::path::absolute(settings.work.join(format!("real-{}-{trace}", settings.seed)))?;
    std::fs::remove_dir_all(&dir).ok();
    let data = dir.join("data");
    let (ledger, loaded, text) = record(settings, trace, &dir, &data).await?;
    let recorded = strace::read(&text, &data)?;
    let random = SeededRandom::new(settings.seed << 32 | trace);
    let syncs: Vec<_> =
        recorded.trace.syncs().filter(|(place, _)| *place >= place_at(&recorded, loaded)).collect();
    let mut chosen: Vec<_> = (0..IMAGES)
        .filter_map(|_| {
            let (sync, class) = *syncs.get(random.below(syncs.len() as u64) as usize)?;
            Some((sync + random.below(3) as usize, class))
        })
        .collect();
    if chosen.len() as u64 != IMAGES {
        return Err(format!("{} places of {IMAGES}: no sync was recorded", chosen.len()).into());
    }
    chosen.sort_unstable();
    let mut images = recorded.trace.images();
    for (number, (place, class)) in chosen.into_iter().enumerate() {
        images.advance_to(place);
        *places.entry(class).or_default() += 1;
        std::fs::remove_dir_all(&data).ok();
        unpack(&images.image(random.next_u64()), &data, &data)?;
        let breaches = boot(settings, &dir, &data, &ledger_at(&ledger, time_at(&recorded, place))).await?;
        if !breaches.is_empty() {
            let shown = breaches.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
            return Err(
                format!("image {number}, step {place}, next to a sync of {class:?}:\n  {shown}").into()
            );
        }
    }
    std::fs::remove_dir_all(&dir)?;
    match ledger.book().acked_count() {
        0 => Err("nothing was acknowledged".into()),
        acked => Ok(acked),
    }
}

/// Loads the process under `strace`; the ledger, when the load began, and what was recorded.
async fn record(
    settings: &Settings,
    seed: u64,
    dir: &Path,
    data: &Path,
) -> Result<(Arc<Ledger>, f64, String), Failure> {
    let output = dir.join("trace");
    let start = Start::new(&settings.mekong, dir, data)?.traced(&output);
    let ledger = Arc::new(Ledger::default());
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    for (name, partitions, configs) in TOPICS {
        let topic = client.admin().create_topic(name).partitions(partitions).replication_factor(1);
        configs.iter().fold(topic, |topic, (name, value)| topic.config(*name, *value)).await?;
    }
    let loaded = crate::ledger::now();
    let mut tasks = tokio::task::JoinSet::new();
    for idempotent in [true, false] {
        let mut sender = Sender::new(&client, &ledger, idempotent, seed << 1 | u64::from(idempotent))?;
        tasks.spawn(async move { sender.run(&AtomicBool::new(false)).await });
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    node.kill();
    tasks.shutdown().await;
    Ok((ledger, loaded, std::fs::read_to_string(output)?))
}

/// The first step at or behind a moment.
fn place_at(recorded: &Recorded, time: f64) -> usize {
    let line = recorded.times.partition_point(|(at, _)| *at < time);
    recorded.times.get(line).map_or(recorded.trace.len(), |(_, place)| *place)
}

/// A moment before which everything that a client was told had its syncs among the steps before `place`.
fn time_at(recorded: &Recorded, place: usize) -> f64 {
    let line = recorded.times.partition_point(|(_, steps)| *steps < place);
    line.checked_sub(1).and_then(|line| recorded.times.get(line)).map_or(0.0, |(time, _)| *time)
}

/// What had been acknowledged by a moment.
fn ledger_at(ledger: &Ledger, time: f64) -> Ledger {
    let then = Ledger::default();
    let (now, mut book) = (ledger.book(), then.book());
    book.lanes = now.lanes.clone();
    book.committed = (-1, i64::MAX);
    for lane in book.lanes.values_mut() {
        let when = std::mem::take(&mut lane.when);
        lane.acked.retain(|offset, _| when.get(offset).is_some_and(|at| *at < time));
    }
    drop(book);
    then
}

/// Writes an image into a real folder.
fn unpack(image: &SimDisk, from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    let Ok(entries) = image.list(from) else { return Ok(()) };
    for entry in entries {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        match entry.is_dir {
            true => unpack(image, &from, &to)?,
            false => std::fs::write(&to, image.read(&from)?)?,
        }
    }
    Ok(())
}

async fn boot(settings: &Settings, dir: &Path, data: &Path, ledger: &Ledger) -> Result<Vec<String>, Failure> {
    let start = Start::new(&settings.mekong, dir, data)?;
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    let breaches = verify::check(&client, ledger).await?;
    node.kill();
    Ok(breaches)
}
