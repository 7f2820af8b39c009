//! A member of a group with an assignor of choice: `cargo run -p mekong-client --example member -- localhost:9092 group topic
//! range|roundrobin|sticky|cooperative-sticky`.

use std::time::Duration;

use client::assignor::Assignor;
use client::{Client, Reset};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, group, topic, assignor] = arguments.as_slice() else {
        return Err("member BOOTSTRAP GROUP TOPIC ASSIGNOR".into());
    };
    let assignor = Assignor::by_name(assignor).ok_or("no such assignor")?;
    let mut consumer = Client::connect(bootstrap)
        .await?
        .consumer(group)
        .topics([topic.as_str()])
        .assignors([assignor])
        .reset(Some(Reset::Earliest))
        .heartbeat_interval(Duration::from_secs(1))
        .on_rebalance(|change| eprintln!("{change:?}"))
        .start()
        .await?;
    loop {
        tokio::select! {
            batch = consumer.next_batch() => {
                for record in batch? {
                    println!("{} {}", record.partition, record.offset);
                }
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    consumer.close().await;
    Ok(())
}
