//! Sends a few records and says where they went: `cargo run -p mekong-client --example produce -- localhost:9092 topic`.

use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "example".to_owned());
    let count: usize = arguments.next().map_or(Ok(10), |count| count.parse())?;

    let client = client::Client::connect(&bootstrap).await?;
    let sent = client.send((topic.as_str(), "key", "waited for")).await?;
    println!("{} at offset {:?}", sent.partition, sent.offset);

    let producer = client.producer().linger(Duration::from_millis(10)).build()?;
    let begin = Instant::now();
    let mut acks = Vec::new();
    for number in 0..count {
        acks.push(producer.enqueue((topic.as_str(), format!("value {number}"))).await?);
    }
    for ack in acks {
        let sent = ack.await?;
        if count <= 10 {
            println!("{} at offset {:?}", sent.partition, sent.offset);
        }
    }
    println!("{count} records in {:?}", begin.elapsed());
    producer.close().await;
    Ok(())
}
