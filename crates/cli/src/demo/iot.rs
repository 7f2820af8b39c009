//! The play: scene by scene, then the proof.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use base::Str;
use client::admin::OffsetSpec;
use client::{Client, TopicPartition};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::devices::{self, Devices, Order, Sent};
use super::fence::Fence;
use super::ledger::Findings;
use super::proof;
use super::screen::{Member, Moment, Screen};
use super::workers::{self, Job, Worker, Works};
use crate::connect::Connect;
use crate::embedded::Embedded;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, thousands};

/// `mekong demo iot`
#[derive(clap::Args)]
pub struct Arguments {
    /// How many devices.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    devices: u32,
    /// Readings a second of all devices together.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
    /// Readings a second that one consumer can take.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..))]
    capacity: u64,
    /// How long a scene lasts, in seconds.
    #[arg(long, default_value_t = 5.0)]
    scene_seconds: f64,
    /// The topic, which must not exist [default: a new name].
    #[arg(long)]
    topic: Option<String>,
    /// Keep the topic and the group.
    #[arg(long)]
    keep: bool,
}

const PARTITIONS: i32 = 4;
/// Catching up may take this long before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(300);

struct Play<'a> {
    arguments: &'a Arguments,
    client: Client,
    topic: String,
    group: String,
    sent: Arc<Sent>,
    works: Arc<Works>,
    orders: mpsc::UnboundedSender<Order>,
    stop: watch::Sender<bool>,
    members: Vec<(Arc<Worker>, JoinHandle<()>)>,
    screen: Screen,
    output: &'a Output,
}

/// Plays it on the cluster named, or on a broker of its own if none is.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    if connect.is_named()? {
        return play(&arguments, connect.client().await?, output).await;
    }
    let embedded = Embedded::start("demo").await?;
    output.note(format!(
        "No cluster is named, so that the demo brings a broker along, on {}.",
        embedded.address
    ));
    let result = match Client::connect(&embedded.address).await {
        Ok(client) => play(&arguments, client, output).await,
        Err(error) => Err(error.into()),
    };
    embedded.stop().await;
    result
}

async fn play(arguments: &Arguments, client: Client, output: &Output) -> Outcome {
    let begin = Instant::now();
    let topic = arguments.topic.clone().unwrap_or_else(|| format!("demo-iot-{}", crate::time::now_ms()));
    client.admin().create_topic(&topic).partitions(1).await?;
    let sent = Arc::new(Sent::default());
    let (orders, queue) = mpsc::unbounded_channel();
    let devices = Devices { topic: topic.clone(), count: arguments.devices, rate: arguments.rate };
    let producer = client.producer().build()?;
    let gateway = tokio::spawn(devices::run(devices, producer, Arc::clone(&sent), queue));
    let mut play = Play {
        arguments,
        group: topic.clone(),
        topic,
        client,
        sent,
        works: Arc::default(),
        orders,
        stop: watch::Sender::new(false),
        members: Vec::new(),
        screen: Screen::new(),
        output,
    };
    let played = play.scenes(gateway).await;
    play.stop.send_replace(true);
    for (_, task) in play.members.drain(..) {
        let _ = task.await;
    }
    let proved = match played {
        Ok(()) => play.prove(begin).await,
        Err(failure) => Err(failure),
    };
    play.clean_up().await;
    proved
}

impl Play<'_> {
    async fn scenes(&mut self, gateway: JoinHandle<()>) -> Outcome {
        let scene = Duration::from_secs_f64(self.arguments.scene_seconds.clamp(0.2, 3600.0));
        self.join(1);
        self.watch("one partition, one consumer: it cannot keep up", scene).await?;
        self.join(3);
        self.watch("three more consumers, still one partition: no better", scene).await?;
        let fence = self.widen().await?;
        self.until("four partitions: the old readings first, as far as the fence", |play| {
            play.has_passed(&fence)
        })
        .await?;
        self.until("four partitions, four consumers: catching up", |play| {
            play.lag() < play.arguments.rate / 2
        })
        .await?;
        self.watch("four partitions, four consumers: keeping up", scene).await?;
        let _ = self.orders.send(Order::Finish);
        let gateway = tokio::time::timeout(PATIENCE, gateway).await;
        gateway
            .map_err(|_| Failure::new("the last readings were not acknowledged in time"))?
            .map_err(|_| Failure::new("the devices failed"))?;
        self.until("the devices have stopped: the last readings", |play| play.lag() == 0).await?;
        self.watch("done; looking for readings too many", Duration::from_millis(500)).await
    }

    fn join(&mut self, count: usize) {
        for _ in 0..count {
            let worker = Worker::new(format!("consumer-{}", self.members.len() + 1));
            let job = Job {
                topic: self.topic.clone(),
                group: self.group.clone(),
                capacity: self.arguments.capacity,
            };
            let task = workers::run(
                self.client.clone(),
                job,
                Arc::clone(&worker),
                Arc::clone(&self.works),
                self.stop.subscribe(),
            );
            self.members.push((worker, tokio::spawn(task)));
        }
    }

    /// Drains, adds partitions, and goes on with a fence; see the module above.
    async fn widen(&mut self) -> Outcome<Fence> {
        let (done, drained) = oneshot::channel();
        let _ = self.orders.send(Order::Drain(done));
        drained.await.map_err(|_| Failure::new("the devices failed"))?;
        let old = TopicPartition::new(self.topic.as_str(), 0);
        self.client.admin().create_partitions(&self.topic, PARTITIONS, false).await?;
        let begin = Instant::now();
        while self
            .client
            .view_topic(&self.topic)
            .await?
            .topics
            .get(&Str::from(self.topic.as_str()))
            .is_none_or(|topic| topic.partitions.len() < PARTITIONS as usize)
        {
            if begin.elapsed() > Duration::from_secs(30) {
                return Err(Failure::new("the new partitions did not show within 30 s"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut found = self.client.admin().list_offsets([(old.clone(), OffsetSpec::Latest)]).await?;
        let end =
            found.remove(&old).ok_or_else(|| Failure::new("the end of partition 0 is not known"))??.offset;
        let fence = Fence([(0, end)].into());
        let _ = self.orders.send(Order::Resume(fence.clone()));
        Ok(fence)
    }

    fn done(&self) -> u64 {
        self.works.ledger.lock().unwrap_or_else(PoisonError::into_inner).noted()
    }

    fn lag(&self) -> u64 {
        self.sent.acknowledged.load(Ordering::Relaxed).saturating_sub(self.done())
    }

    /// Whether as many readings are worked on as lie before the fence: a guess for the screen only.
    fn has_passed(&self, fence: &Fence) -> bool {
        let before: i64 = fence.0.values().sum();
        self.done() >= u64::try_from(before).unwrap_or(0)
            && self.members.iter().all(|(worker, _)| !worker.waits.load(Ordering::Relaxed))
    }

    async fn watch(&mut self, scene: &str, time: Duration) -> Outcome {
        let begin = Instant::now();
        self.until(scene, |_| begin.elapsed() >= time).await
    }

    async fn until(&mut self, scene: &str, is_over: impl Fn(&Self) -> bool) -> Outcome {
        let begin = Instant::now();
        while !is_over(self) {
            self.show(scene)?;
            if let Some(failure) = self.works.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(Failure::new(failure));
            }
            if begin.elapsed() > PATIENCE {
                return Err(Failure::new(format!("{scene}: not over after {} s, lag {}", PATIENCE.as_secs(), self.lag()))
                    .advise("Four consumers must take more than the devices send: --rate below four times --capacity."));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.show(scene)
    }

    fn show(&mut self, scene: &str) -> Outcome {
        let members = self.members.iter().map(|(worker, _)| Member {
            name: worker.name.clone(),
            done: worker.done.load(Ordering::Relaxed),
            partitions: worker.partitions.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            waits: worker.waits.load(Ordering::Relaxed),
        });
        let moment = Moment {
            scene: scene.to_owned(),
            made: self.sent.made.load(Ordering::Relaxed),
            acknowledged: self.sent.acknowledged.load(Ordering::Relaxed),
            done: self.done(),
            members: members.collect(),
        };
        self.screen.show(moment, self.output)
    }

    async fn prove(&self, begin: Instant) -> Outcome {
        let acknowledged = self.sent.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (failed, reason) = self.sent.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let log = proof::read_log(&self.client, &self.topic, &acknowledged).await?;
        let work = self.works.ledger.lock().unwrap_or_else(PoisonError::into_inner).findings(&acknowledged);
        let total: u64 = acknowledged.values().sum();
        let is_clean = failed == 0
            && log.is_clean()
            && work.is_clean()
            && log.noted == total
            && work.noted == total
            && total > 0;
        let value = json!({
            "proved": is_clean, "devices": acknowledged.len(), "acknowledged": total, "failed": failed,
            "seconds": begin.elapsed().as_secs_f64(), "log": as_json(&log), "work": as_json(&work),
        });
        let text = format!(
            "{} readings of {} devices acknowledged, {failed} not\n  the log:  {}\n  the work: {}\n{}",
            thousands(total as i64),
            acknowledged.len(),
            as_text(&log),
            as_text(&work),
            if is_clean {
                "Proved: none lost, none doubled, none out of order for its device."
            } else {
                "NOT PROVED."
            },
        );
        self.output.either(text, &value)?;
        if is_clean {
            return Ok(());
        }
        let first =
            reason.or(log.first_fault).or(work.first_fault).unwrap_or_else(|| "the counts differ".to_owned());
        Err(Failure::new(format!("the proof failed: {first}")))
    }

    async fn clean_up(&self) {
        if self.arguments.keep {
            return;
        }
        let admin = self.client.admin();
        for result in [admin.delete_group(&self.group).await, admin.delete_topic(&self.topic).await] {
            if let Err(error) = result {
                self.output.note(format!("Something of the demo was left behind: {error}"));
            }
        }
    }
}

fn as_json(findings: &Findings) -> serde_json::Value {
    json!({
        "readings": findings.noted, "lost": findings.lost, "doubled": findings.doubled, "reordered": findings.reordered,
        "unknown": findings.unknown, "first_fault": findings.first_fault,
    })
}

fn as_text(findings: &Findings) -> String {
    let Findings { noted, lost, doubled, reordered, unknown, .. } = findings;
    format!(
        "{} readings, {lost} lost, {doubled} doubled, {reordered} out of order, {unknown} unknown",
        thousands(*noted as i64)
    )
}
