//! Orders to a supervisor: one line of JSON each way over a socket in the cluster's folder.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// What a supervisor is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// What.
    pub verb: String,
    /// With which broker, where it concerns one.
    pub broker: Option<i32>,
}

/// Where a supervisor listens.
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Sends an order and prints the answer.
pub async fn send(dir: &Path, order: &Order, output: &Output) -> Outcome {
    let answer = ask(dir, order).await?;
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        let advice = answer.get("advice").and_then(Value::as_str).map(str::to_owned);
        let failure = Failure::new(error);
        return Err(match advice {
            Some(advice) => failure.advise(advice),
            None => failure,
        });
    }
    match answer.get("brokers").and_then(Value::as_array) {
        Some(brokers) => show(brokers, output),
        None => output.either(answer.get("text").and_then(Value::as_str).unwrap_or("done"), &answer),
    }
}

async fn ask(dir: &Path, order: &Order) -> Outcome<Value> {
    let none = |error: io::Error| {
        Failure::new(format!("no cluster runs in {}: {error}", dir.display()))
            .advise("`mekong dev` starts one; --dir names its folder.")
    };
    let stream = UnixStream::connect(socket(dir)).await.map_err(none)?;
    let (read, mut write) = stream.into_split();
    let line = json!({ "do": order.verb, "broker": order.broker });
    write.write_all(format!("{line}\n").as_bytes()).await?;
    let answer = BufReader::new(read).lines().next_line().await?.unwrap_or_default();
    serde_json::from_str(&answer).map_err(|_| Failure::new("the supervisor went away"))
}

/// Reads an order from its line.
pub fn parse(line: &str) -> Option<Order> {
    let value: Value = serde_json::from_str(line).ok()?;
    let broker = value.get("broker").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
    Some(Order { verb: value.get("do")?.as_str()?.to_owned(), broker })
}

fn show(brokers: &[Value], output: &Output) -> Outcome {
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let row = |broker: &Value| {
        let columns = ["broker", "state", "pid", "port", "controller_port", "registry_port", "ended"];
        columns.map(|column| text(broker.get(column))).to_vec()
    };
    let rows: Vec<_> = brokers.iter().map(row).collect();
    let headings = ["BROKER", "STATE", "PID", "PORT", "CONTROLLER", "REGISTRY", "ENDED"];
    output.table(&headings, &rows, brokers.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_from_lines() {
        let order = |verb: &str, broker| Some(Order { verb: verb.to_owned(), broker });
        for (line, expected) in [
            (r#"{"do":"kill","broker":2}"#, order("kill", Some(2))),
            (r#"{"do":"status","broker":null}"#, order("status", None)),
            (r#"{"do":7}"#, None),
            ("", None),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }
}
