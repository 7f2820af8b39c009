//! What clients do: W1, W2 and W4.

use std::rc::Rc;

use checker::{Call, Key, Mop, Op, Outcome, Process};

use super::consume::{FULL_READ, fetch, read_all};
use super::member::Member;
use super::port::Port;
use super::produce::Producer;
use crate::Time;
use crate::plan::{MS, SECOND, Workload};

/// One client, life after life, until the run is over.
pub async fn run(port: Rc<Port>, workload: Workload, think: Time) {
    while !port.is_over() {
        let process = port.new_process();
        match workload {
            Workload::Assign => assigned(&port, process, think).await,
            Workload::Append => appending(&port, process, think).await,
            Workload::Subscribe => subscribed(&port, process, think).await,
        }
        port.sleep(50 * MS).await;
    }
}

async fn pause(port: &Port, think: Time) {
    let long = port.draw(|draws| draws.within(think / 2, think));
    port.sleep(long).await;
}

/// W1: sends and polls by assignment.
async fn assigned(port: &Port, process: Process, think: Time) {
    let keys = port.keys();
    let mut producer = Producer::new(process, keys.len());
    let mut places = vec![0_i64; keys.len()];
    let now = port.now();
    port.record(Op::new(process, now, now, Outcome::Ok, Call::Assign(keys.clone())));
    while !port.is_over() {
        pause(port, think).await;
        if port.draw(|draws| draws.chance(550)) {
            if !send(port, process, &mut producer, &keys).await {
                return;
            }
        } else {
            poll(port, process, &keys, &mut places).await;
        }
    }
}

/// W4: sends, each followed by a read of everything.
async fn appending(port: &Port, process: Process, think: Time) {
    let keys = port.keys();
    let mut producer = Producer::new(process, keys.len());
    while !port.is_over() {
        pause(port, think).await;
        if !send(port, process, &mut producer, &keys).await {
            return;
        }
        if port.draw(|draws| draws.chance(300)) {
            let key = port.draw(|draws| draws.one_of(&keys)).unwrap_or(0);
            full_read(port, key, FULL_READ).await;
        }
    }
}

/// W2: a member of a group, which also sends.
async fn subscribed(port: &Port, process: Process, think: Time) {
    let keys = port.keys();
    let mut producer = Producer::new(process, keys.len());
    let mut member = Member::new(port, process);
    while !port.is_over() {
        pause(port, think / 2).await;
        if !member.is_joined() {
            member.join().await;
        } else if port.draw(|draws| draws.chance(200)) {
            if !send(port, process, &mut producer, &keys).await {
                return;
            }
        } else {
            member.poll_and_commit().await;
        }
    }
}

/// Sends one or two records; `false` when it is not known what became of them.
async fn send(port: &Port, process: Process, producer: &mut Producer, keys: &[Key]) -> bool {
    let invoked = port.now();
    let count = if port.draw(|draws| draws.chance(250)) { 2 } else { 1 };
    let (mut mops, mut all) = (Vec::new(), Outcome::Ok);
    for _ in 0..count {
        let (key, value) = (port.draw(|draws| draws.one_of(keys)).unwrap_or(0), port.new_value());
        let (outcome, offset) = producer.send(port, key, value).await;
        mops.push(Mop::Send { key, value, offset });
        if outcome != Outcome::Ok {
            // Of two sends one may be done and the other not: then nothing is known of both together.
            all = if mops.len() > 1 { Outcome::Info } else { outcome };
            break;
        }
    }
    port.record(Op::new(process, invoked, port.now(), all, Call::Records(mops)));
    all != Outcome::Info
}

async fn poll(port: &Port, process: Process, keys: &[Key], places: &mut [i64]) {
    let invoked = port.now();
    let mut records = Vec::new();
    for (key, place) in keys.iter().zip(places) {
        if let Ok(fetched) = fetch(port, process, *key, *place).await {
            records.extend(fetched.records.iter().map(|(offset, value)| (*key, *offset, *value)));
            *place = fetched.next;
        }
    }
    if !records.is_empty() {
        let call = Call::Records(vec![Mop::Poll { records }]);
        port.record(Op::new(process, invoked, port.now(), Outcome::Ok, call));
    }
}

/// Whether a whole partition was read, and noted.
async fn full_read(port: &Port, key: Key, patience: Time) -> bool {
    let (process, invoked) = (port.new_process(), port.now());
    let Some((log_start, records)) = read_all(port, process, key, patience).await else { return false };
    let call = Call::FullRead { key, log_start, records };
    port.record(Op::new(process, invoked, port.now(), Outcome::Ok, call));
    true
}

/// Reads every partition, as long as it takes.
pub async fn final_read(port: Rc<Port>) {
    for key in port.keys() {
        while !full_read(&port, key, 5 * SECOND).await {}
    }
}
