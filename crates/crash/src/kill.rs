//! `kill -9` under load, again and again: the restarted process must hold everything that it acknowledged.
//!
//! Ten cycles make an era on one folder of data, so that what one crash left is what the next one meets. A finished era is noted
//! in `eras`, so that a run that was broken off goes on behind it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::Client;
use env::{Random as _, SeededRandom};

use crate::Failure;
use crate::ledger::Ledger;
use crate::load::{self, Sender, TOPICS};
use crate::node::{Node, Start};
use crate::settings::Settings;
use crate::verify;

const CYCLES_IN_ERA: u64 = 10;

/// What an era counted.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    acked: usize,
    refused: u64,
    committed: i64,
    restart_max: Duration,
}

/// Runs the cycles that are not done yet.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let progress = settings.work.join(format!("kill-{}.eras", settings.seed));
    let text = std::fs::read_to_string(&progress).unwrap_or_default();
    let mut done: BTreeSet<u64> =
        text.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    let begun = Instant::now();
    for era in 0..settings.cycles.div_ceil(CYCLES_IN_ERA) {
        if done.contains(&era) {
            continue;
        }
        let figures = run_era(settings, era).await.map_err(|error| format!("era {era}: {error}"))?;
        done.insert(era);
        let Figures { acked, refused, committed, restart_max } = figures;
        let line = format!(
            "{era} {acked} acknowledged, {refused} refused, group at {committed}, slowest restart {} ms\n",
            restart_max.as_millis()
        );
        print!("era {line}");
        let before = std::fs::read_to_string(&progress).unwrap_or_default();
        std::fs::write(&progress, before + &line)?;
    }
    println!(
        "{} cycles: nothing lost, altered, reordered, doubled or resurrected ({} s now)",
        done.len() as u64 * CYCLES_IN_ERA,
        begun.elapsed().as_secs()
    );
    Ok(())
}

/// What an era must at least have acknowledged.
const ACKED_MIN: usize = 500;

async fn run_era(settings: &Settings, era: u64) -> Result<Figures, Failure> {
    let dir = settings.work.join(format!("kill-{}-{era}", settings.seed));
    std::fs::remove_dir_all(&dir).ok();
    let start = Start::new(&settings.mekong, &dir, &dir.join("data"))?
        // A producer that asks for a topic that is gone must not bring it back.
        .set("auto.create.topics.enable=false")
        .set("log.retention.check.interval.ms=200")
        .set("log.cleaner.backoff.ms=100")
        .set("log.initial.task.delay.ms=100");
    let random = SeededRandom::new(settings.seed << 20 | era);
    let ledger = Arc::new(Ledger::default());
    let mut figures = Figures::default();
    let mut node = start.start()?;
    let client = Client::connect(&start.address).await?;
    for (name, partitions, configs) in TOPICS {
        let topic = client.admin().create_topic(name).partitions(partitions).replication_factor(1);
        configs.iter().fold(topic, |topic, (name, value)| topic.config(*name, *value)).await?;
    }
    // One producer lives on through all crashes: what it sends again must not be there twice.
    let mut lasting = Sender::new(&client, &ledger, true, random.next_u64())?;
    for cycle in 0..CYCLES_IN_ERA {
        node = one_cycle(&start, node, &mut lasting, &ledger, &random).await?;
        figures.restart_max = figures.restart_max.max(node.started_in);
        let breaches = verify::check(&client, &ledger).await?;
        if !breaches.is_empty() {
            let shown = breaches.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
            return Err(format!(
                "cycle {cycle}: {} breaches, data in {}\n  {shown}",
                breaches.len(),
                dir.display()
            )
            .into());
        }
        if size(&dir)? > 256 << 20 {
            return Err("the data outgrew 256 MiB".into());
        }
    }
    node.kill();
    let book = ledger.book();
    (figures.acked, figures.refused, figures.committed) =
        (book.acked_count(), book.refused, book.committed.0);
    drop(book);
    // A run in which little was acknowledged proves nothing.
    if figures.acked < ACKED_MIN || figures.committed < 1 {
        return Err(format!(
            "only {} records acknowledged, offset {} committed",
            figures.acked, figures.committed
        )
        .into());
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(figures)
}

/// Load, death at some moment of it, restart.
async fn one_cycle(
    start: &Start,
    mut node: Node,
    lasting: &mut Sender,
    ledger: &Arc<Ledger>,
    random: &SeededRandom,
) -> Result<Node, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for idempotent in [true, false, false] {
        let client = Client::connect(&start.address).await?;
        let mut sender = Sender::new(&client, ledger, idempotent, random.next_u64())?;
        tasks.spawn(async move { sender.run(&AtomicBool::new(false)).await });
    }
    let client = Client::connect(&start.address).await?;
    tasks.spawn(load::commit(client.clone(), Arc::clone(ledger)));
    tasks.spawn(load::come_and_go(client, Arc::clone(ledger), random.next_u64() >> 40));
    let life = Duration::from_micros(200_000 + random.below(1_300_000));
    let stop = Arc::new(AtomicBool::new(false));
    let restart = async {
        tokio::time::sleep(life).await;
        node.kill();
        // Their connections are dead; what they were not told, they will never be.
        tasks.shutdown().await;
        stop.store(true, Ordering::Release);
        tokio::task::block_in_place(|| start.start())
    };
    // The lasting one waits out the death and ends with all its answers.
    let lasting = async {
        let ended = tokio::time::timeout(Duration::from_secs(60), lasting.run(&stop)).await;
        ended.map_err(|_| Failure::from("a lasting producer got no answer within a minute"))
    };
    let (node, ended) = tokio::join!(restart, lasting);
    ended?;
    node
}

fn size(dir: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { size(&entry.path()).unwrap_or(0) } else { metadata.len() };
    }
    Ok(bytes)
}
