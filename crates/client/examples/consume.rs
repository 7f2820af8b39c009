//! Reads topics as a member of a group: `cargo run -p mekong-client --example consume -- localhost:9092 group topic...`.

use client::{Client, Reset};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let group = arguments.next().unwrap_or_else(|| "example".to_owned());
    let topics: Vec<String> = arguments.collect();

    let client = Client::connect(&bootstrap).await?;
    let mut consumer = client
        .consumer(&group)
        .topics(topics)
        .reset(Some(Reset::Earliest))
        .on_rebalance(|change| eprintln!("{change:?}"))
        .start()
        .await?;
    loop {
        tokio::select! {
            batch = consumer.next_batch() => {
                for record in batch? {
                    println!("{} {}: {}", record.partition, record.offset, record.text().unwrap_or("(not text)"));
                }
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    consumer.close().await;
    Ok(())
}
