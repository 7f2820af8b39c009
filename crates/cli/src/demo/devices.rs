//! The devices and their gateway, which sends their readings with a rate of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::{Ack, Producer, ProducerRecord};
use tokio::sync::{mpsc, oneshot};

use super::fence::{Fence, HEADER};
use super::ledger::Device;

/// What the play asks of the gateway.
pub enum Order {
    /// Stop sending, await all acknowledgements, and say so; readings queue up until `Resume`.
    Drain(oneshot::Sender<()>),
    /// Send again, with this fence in each record.
    Resume(Fence),
    /// Send what is queued, await all acknowledgements, and end.
    Finish,
}

/// What the gateway counts.
#[derive(Debug, Default)]
pub struct Sent {
    /// Readings that the devices have made.
    pub made: AtomicU64,
    /// Readings acknowledged.
    pub acknowledged: AtomicU64,
    /// Readings not acknowledged, with the first reason.
    pub failed: Mutex<(u64, Option<String>)>,
    /// The last number acknowledged, by device.
    pub last: Mutex<BTreeMap<Device, u64>>,
}

/// The devices' settings.
pub struct Devices {
    /// Where readings go.
    pub topic: String,
    /// How many devices.
    pub count: u32,
    /// Readings a second, of all together.
    pub rate: u64,
}

struct Gateway {
    devices: Devices,
    producer: Producer,
    sent: Arc<Sent>,
    acks: mpsc::UnboundedSender<Waiting>,
    fence: Option<Fence>,
    /// Readings sent so far; reading `n` is that of device `n mod count`.
    next: u64,
}

/// An acknowledgement to await, or a mark to pass on once all before it have come.
enum Waiting {
    Ack(Ack, Device, u64),
    Mark(oneshot::Sender<()>),
}

/// Runs until told to finish.
pub async fn run(
    devices: Devices,
    producer: Producer,
    sent: Arc<Sent>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let (acks, queue) = mpsc::unbounded_channel();
    let counting = tokio::spawn(count(queue, Arc::clone(&sent)));
    let mut gateway = Gateway { devices, producer, sent, acks, fence: None, next: 0 };
    let begin = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let mut is_drained = false;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Drain(done)) => {
                    is_drained = true;
                    gateway.drain(done).await;
                }
                Some(Order::Resume(fence)) => {
                    is_drained = false;
                    gateway.fence = Some(fence);
                }
                Some(Order::Finish) | None => break,
            },
            _ = tick.tick() => {
                let made = (begin.elapsed().as_secs_f64() * gateway.devices.rate as f64) as u64;
                gateway.sent.made.store(made, Ordering::Relaxed);
                if !is_drained {
                    gateway.send_up_to(made).await;
                }
            }
        }
    }
    let made = gateway.sent.made.load(Ordering::Relaxed);
    gateway.send_up_to(made).await;
    gateway.producer.flush().await;
    drop(gateway);
    let _ = counting.await;
}

impl Gateway {
    async fn send_up_to(&mut self, made: u64) {
        while self.next < made {
            let count = u64::from(self.devices.count);
            let (device, number) = ((self.next % count) as Device, self.next / count + 1);
            self.next += 1;
            match self.producer.enqueue(self.reading(device, number)).await {
                Ok(ack) => drop(self.acks.send(Waiting::Ack(ack, device, number))),
                Err(error) => fail(&self.sent, &error),
            }
        }
    }

    fn reading(&self, device: Device, number: u64) -> ProducerRecord {
        let warmth = 20.0 + 5.0 * ((number + u64::from(device)) as f64 / 50.0).sin();
        let value = format!(r#"{{"device":{device},"number":{number},"celsius":{warmth:.2}}}"#);
        let record = ProducerRecord::new(self.devices.topic.as_str(), value).key(format!("device-{device}"));
        match &self.fence {
            Some(fence) => record.header(HEADER, fence.to_string()),
            None => record,
        }
    }

    async fn drain(&self, done: oneshot::Sender<()>) {
        self.producer.flush().await;
        let _ = self.acks.send(Waiting::Mark(done));
    }
}

fn fail(sent: &Sent, error: &client::ProduceError) {
    let mut failed = sent.failed.lock().unwrap_or_else(PoisonError::into_inner);
    failed.0 += 1;
    failed.1.get_or_insert_with(|| error.to_string());
}

async fn count(mut acks: mpsc::UnboundedReceiver<Waiting>, sent: Arc<Sent>) {
    while let Some(waiting) = acks.recv().await {
        match waiting {
            Waiting::Mark(done) => drop(done.send(())),
            Waiting::Ack(ack, device, number) => match ack.await {
                Ok(_) => {
                    sent.acknowledged.fetch_add(1, Ordering::Relaxed);
                    let mut last = sent.last.lock().unwrap_or_else(PoisonError::into_inner);
                    let known = last.entry(device).or_default();
                    *known = (*known).max(number);
                }
                Err(error) => fail(&sent, &error),
            },
        }
    }
}
