//! The client of our own: as a driver like the others, and for what the runner itself asks.

use std::io::Write as _;
use std::time::{Duration, Instant};

use checker::{Call, History, Op, Outcome as Ended};
use client::admin::OffsetSpec;
use client::{Client, ConsumerRecord, ProducerRecord, StartAt, TopicPartition};
use serde_json::{Value, json};

use crate::Outcome;
use crate::drivers::now;
use crate::network::bootstrap;

/// The topic that all clients use.
pub const TOPIC: &str = "t";
/// How many partitions it has.
pub const PARTITIONS: u32 = 3;
/// How long the end of a run may take to be read.
const READ: Duration = Duration::from_secs(60);

struct Driver {
    client: Client,
    bootstrap: String,
    topic: String,
    partitions: i32,
    until: Instant,
    next: u64,
}

/// `client BOOTSTRAP TOPIC PARTITIONS MODE SECONDS FIRST`, as every driver is called.
pub fn main(arguments: &[String]) -> Outcome {
    let [bootstrap, topic, partitions, mode, seconds, first] = arguments else {
        return Err("BOOTSTRAP TOPIC PARTITIONS MODE SECONDS FIRST".into());
    };
    let number = |text: &String| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
    let until = Instant::now() + Duration::from_secs(number(seconds)?);
    let partitions = i32::try_from(number(partitions)?).map_err(|error| error.to_string())?;
    let next = number(first)?;
    block_on(async {
        let client = Client::connect(bootstrap).await.map_err(|error| error.to_string())?;
        let (bootstrap, topic) = (bootstrap.clone(), topic.clone());
        let mut driver = Driver { client, bootstrap, topic, partitions, until, next };
        match mode.as_str() {
            "produce" => driver.produce().await,
            "assign" => driver.consume(None, until).await,
            "subscribe" => driver.consume(Some("g"), until).await,
            "churn" => driver.churn().await,
            "full" => driver.read_again_and_again().await,
            "admin" => driver.administer().await,
            other => Err(format!("no mode is called {other}")),
        }
    })
}

fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

impl Driver {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    async fn produce(&mut self) -> Outcome {
        while !self.is_over() {
            let producer = self.client.producer().delivery_timeout(Duration::from_secs(20));
            let producer = producer.build().map_err(|error| error.to_string())?;
            while !self.is_over() {
                let value = self.next;
                self.next += 1;
                let partition = i32::try_from(value % u64::from(PARTITIONS)).unwrap_or(0) % self.partitions;
                let record = ProducerRecord::new(self.topic.as_str(), value.to_string()).partition(partition);
                let began = now();
                let sent = producer.send(record).await;
                let offset = sent.as_ref().ok().and_then(|sent| sent.offset).unwrap_or(-1);
                let outcome = if sent.is_ok() { "ok" } else { "info" };
                say(
                    &json!({ "t": "send", "s": began, "e": now(), "k": partition, "v": value, "o": offset, "r": outcome }),
                );
                if sent.is_err() {
                    say(&json!({ "t": "life" }));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    async fn consume(&self, group: Option<&str>, until: Instant) -> Outcome {
        let keys: Vec<i32> = (0..self.partitions).collect();
        let builder = match group {
            Some(group) => {
                say(&json!({ "t": "subscribe", "e": now(), "m": keys }));
                self.client.consumer(group).topics([self.topic.as_str()]).reset(Some(client::Reset::Earliest))
            }
            None => {
                say(&json!({ "t": "assign", "e": now(), "m": keys }));
                keys.iter().fold(self.client.reader(), |builder, partition| {
                    builder.assign(TopicPartition::new(self.topic.as_str(), *partition), StartAt::Earliest)
                })
            }
        };
        let mut consumer = builder.start().await.map_err(|error| error.to_string())?;
        while Instant::now() < until {
            let began = now();
            match consumer.poll(Duration::from_millis(300)).await {
                Ok(records) if !records.is_empty() => {
                    let rows: Vec<Value> = records.iter().filter_map(row).collect();
                    say(&json!({ "t": "poll", "s": began, "e": now(), "m": rows }));
                }
                Ok(_) => {}
                Err(error) => {
                    eprintln!("poll: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        consumer.close().await;
        Ok(())
    }

    async fn churn(&self) -> Outcome {
        while !self.is_over() {
            say(&json!({ "t": "life" }));
            self.consume(Some("g"), self.until.min(Instant::now() + Duration::from_secs(6))).await?;
        }
        Ok(())
    }

    async fn read_again_and_again(&self) -> Outcome {
        while !self.is_over() {
            for key in 0..PARTITIONS {
                let began = now();
                say(&json!({ "t": "life" }));
                if let Ok(records) = full_read(&self.client, &self.topic, key, Duration::from_secs(10)).await
                {
                    let rows: Vec<Value> = records.iter().map(|(at, value)| json!([at, value])).collect();
                    say(&json!({ "t": "full", "s": began, "e": now(), "k": key, "ls": 0, "m": rows }));
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    /// Makes and deletes topics, and looks for them; each is a register that holds 1 while it is there.
    async fn administer(&self) -> Outcome {
        let mut round = 0_u32;
        while !self.is_over() {
            let name = format!("admin-{round}");
            let admin = self.client.admin();
            self.register("set", round, 1, admin.create_topic(&name).partitions(2).await.is_ok(), now());
            if round >= 2 {
                let old = round - 2;
                let began = now();
                let deleted = admin.delete_topic(&format!("admin-{old}")).await.is_ok();
                self.register("set", old, 0, deleted, began);
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
            // Each broker follows the metadata at its own pace: what a fresh client sees a while later must hold.
            let began = now();
            let fresh = Client::connect(&self.bootstrap).await;
            if let Ok(fresh) = fresh
                && let Ok(topics) = fresh.admin().list_topics().await
            {
                let there = topics.iter().any(|topic| topic.name == *name);
                self.register("get", round, i64::from(there), true, began);
            }
            round += 1;
        }
        Ok(())
    }

    fn register(&self, what: &str, register: u32, value: i64, is_ok: bool, began: u64) {
        let outcome = if is_ok { "ok" } else { "info" };
        say(&json!({ "t": what, "s": began, "e": now(), "k": register, "v": value, "r": outcome }));
    }
}

fn value_of(record: &ConsumerRecord) -> Option<u64> {
    std::str::from_utf8(record.value.as_deref()?).ok()?.parse().ok()
}

fn row(record: &ConsumerRecord) -> Option<Value> {
    Some(json!([record.partition.partition, record.offset, value_of(record)?]))
}

/// A partition from its start to what is its end now.
async fn full_read(client: &Client, topic: &str, key: u32, patience: Duration) -> Outcome<Vec<(i64, u64)>> {
    let partition = TopicPartition::new(topic, i32::try_from(key).unwrap_or(0));
    let until = Instant::now() + patience;
    let found = client.admin().list_offsets([(partition.clone(), OffsetSpec::Latest)]).await;
    let found = found.map_err(|error| error.to_string())?.remove(&partition).ok_or("no answer")?;
    let end = found.map_err(|error| error.to_string())?.offset;
    let reader = client.reader().assign(partition.clone(), StartAt::Earliest).auto_commit(None);
    let mut reader = reader.start().await.map_err(|error| error.to_string())?;
    let mut records = Vec::new();
    while reader.position(&partition).unwrap_or(0) < end {
        if Instant::now() > until {
            return Err(format!("{topic}-{key} is not read in {patience:?}"));
        }
        if let Ok(polled) = reader.poll(Duration::from_millis(300)).await {
            records.extend(polled.iter().filter_map(|record| Some((record.offset, value_of(record)?))));
        }
    }
    reader.close().await;
    Ok(records)
}

/// Makes the topic that clients use, as soon as that is possible.
pub fn create_topic() -> Outcome {
    block_on(async {
        let until = Instant::now() + READ;
        loop {
            let made = async {
                let client = Client::connect(&bootstrap()).await.map_err(|error| error.to_string())?;
                let partitions = i32::try_from(PARTITIONS).unwrap_or(1);
                let topic = client.admin();
                let topic = topic.create_topic(TOPIC).partitions(partitions).replication_factor(3);
                topic.await.map(drop).map_err(|error| error.to_string())
            };
            match made.await {
                Ok(()) => return Ok(()),
                Err(error) if error.contains("exist") => return Ok(()),
                Err(error) if Instant::now() > until => return Err(format!("no topic: {error}")),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    })
}

/// The leader of the first partition.
pub fn leader() -> Option<usize> {
    let asked = block_on(async {
        let client = Client::connect(&bootstrap()).await.map_err(|error| error.to_string())?;
        let topic = client.admin().describe_topic(TOPIC).await.map_err(|error| error.to_string())?;
        let leader = topic.partitions.get(&0).and_then(|partition| partition.leader);
        leader.ok_or_else(|| "no leader".to_owned())
    });
    asked.ok().and_then(|leader| usize::try_from(leader).ok())
}

/// Reads every partition, when everything is healed.
pub fn read_everything(history: &mut History) -> Outcome {
    block_on(async {
        for key in 0..PARTITIONS {
            let began = now();
            let client = Client::connect(&bootstrap()).await.map_err(|error| error.to_string())?;
            let records = full_read(&client, TOPIC, key, READ).await?;
            let call = Call::FullRead { key, log_start: 0, records };
            history.ops.push(Op::new(900_000 + key, began, now(), Ended::Ok, call));
        }
        Ok(())
    })
}
