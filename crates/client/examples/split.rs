//! Reads topics as a member of a group, each partition in a task of its own, and commits what the tasks have done:
//! `cargo run -p mekong-client --example split -- localhost:9092 group topic...`.

use client::{Client, PartitionReader, Reset};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let group = arguments.next().unwrap_or_else(|| "example".to_owned());
    let topics: Vec<String> = arguments.collect();

    let client = Client::connect(&bootstrap).await?;
    let consumer = client.consumer(&group).topics(topics).reset(Some(Reset::Earliest)).commit_acked(true);
    let mut split = consumer.start().await?.split();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            reader = split.next_partition() => {
                tasks.spawn(read(reader?));
            }
            Some(ended) = tasks.join_next() => ended??,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    split.close().await;
    Ok(())
}

/// Ends when the partition goes to another member.
async fn read(mut reader: PartitionReader) -> Result<(), client::ConsumeError> {
    while let Some(batch) = reader.next_batch().await? {
        for record in &batch {
            println!("{} {}: {}", record.partition, record.offset, record.text().unwrap_or("(not text)"));
        }
        reader.ack(&batch);
    }
    eprintln!("{} is another's now", reader.partition());
    Ok(())
}
