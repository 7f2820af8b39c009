//! The process that owns the brokers' processes, until Ctrl-C or `mekong dev stop`.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Start;
use super::control::{self, Order};
use super::member::{Member, START_PATIENCE};
use super::plan::Plan;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// How long an order waits for a broker to serve. One whose quorum is down waits for the others, which the next order may start.
const ORDER_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether all processes are there.
const LOOK: Duration = Duration::from_millis(500);

struct Supervisor<'a> {
    plan: Plan,
    members: Vec<Member>,
    start: Start,
    output: &'a Output,
}

/// What follows an order.
enum Next {
    Answer(Value),
    Stop,
}

/// Starts the cluster and keeps it until it is told to stop.
pub async fn run(dir: &Path, start: Start, output: &Output) -> Outcome {
    let plan = Plan::load_or_make(dir, start.brokers, start.port)?;
    if let Some(first) = plan.places.first().filter(|first| first.port != start.port) {
        output.note(format!(
            "the first broker's port is {0}, not {1}, as was chosen when {2} was made: say -b localhost:{0} to the commands, or name \
             another folder by --dir",
            first.port,
            start.port,
            plan.dir.display()
        ));
    }
    let orders = listen(&plan.dir).await?;
    let registry = !start.no_registry;
    let members: Outcome<Vec<_>> =
        plan.places.iter().map(|place| Member::new(&plan, place.clone(), &start.set, registry)).collect();
    let mut supervisor = Supervisor { members: members?, plan, start, output };
    let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let outcome = supervisor.serve(&orders, &mut signals).await;
    supervisor.stop().await;
    let _ = std::fs::remove_file(control::socket(&supervisor.plan.dir));
    outcome
}

/// One supervisor for a folder: the socket is its lock.
async fn listen(dir: &Path) -> Outcome<UnixListener> {
    let path = control::socket(dir);
    if UnixStream::connect(&path).await.is_ok() {
        return Err(Failure::new(format!("a cluster runs in {} already", dir.display())).advise(
            "`mekong dev status` shows it, `mekong dev stop` stops it; --dir names another folder.",
        ));
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let cannot =
        |error| Failure::new(format!("{}: {error}", path.display())).advise("A shorter --dir may help.");
    UnixListener::bind(&path).map_err(cannot)
}

impl Supervisor<'_> {
    async fn serve(&mut self, orders: &UnixListener, signals: &mut (Signal, Signal)) -> Outcome {
        self.members.iter_mut().try_for_each(Member::launch)?;
        tokio::select! {
            ready = ready(&mut self.members) => ready?,
            _ = signals.0.recv() => return Ok(()),
            _ = signals.1.recv() => return Ok(()),
        }
        self.say_ready()?;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = signals.0.recv() => return Ok(()),
                _ = signals.1.recv() => return Ok(()),
                _ = look.tick() => self.look(),
                order = orders.accept() => {
                    let (stream, _) = order?;
                    if self.attend(stream).await {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn say_ready(&self) -> Outcome {
        let bootstrap = self.plan.bootstrap();
        let count = self.members.len();
        let registries: Vec<_> = match self.start.no_registry {
            true => Vec::new(),
            false => {
                self.plan.places.iter().map(|place| format!("http://127.0.0.1:{}", place.registry)).collect()
            }
        };
        let value =
            json!({ "ready": true, "brokers": count, "bootstrap": bootstrap, "registries": registries });
        let who = if count == 1 { "1 broker serves".to_owned() } else { format!("{count} brokers serve") };
        let mut text = format!("{who} Kafka clients: --bootstrap-server {bootstrap}");
        if !registries.is_empty() {
            text.push_str(&format!("\nthe schema registry: {}", registries.join(", ")));
        }
        text.push_str(&format!(
            "\nfolder: {}\n`mekong dev status|kill N|pause N|resume N|restart N|add|stop` in another shell; Ctrl-C stops all",
            self.plan.dir.display()
        ));
        self.output.either(text, &value)
    }

    fn look(&mut self) {
        for member in &mut self.members {
            if let Some(status) = member.look() {
                let id = member.place.id;
                self.output.note(format!("broker {id} ended: {status}; `mekong dev restart {id}` starts it"));
            }
        }
    }

    /// Carries out one order; true if all is to stop. Whoever sent it may go away before the answer.
    async fn attend(&mut self, stream: UnixStream) -> bool {
        let (read, mut write) = stream.into_split();
        let line =
            tokio::time::timeout(Duration::from_secs(5), BufReader::new(read).lines().next_line()).await;
        let Ok(Ok(Some(line))) = line else { return false };
        let outcome = match control::parse(&line) {
            Some(order) => self.obey(&order).await,
            None => Err(Failure::new("an order that is not understood")),
        };
        let (answer, stops) = match outcome {
            Ok(Next::Answer(answer)) => (answer, false),
            Ok(Next::Stop) => {
                // Answered when it is done: whoever asked may want the ports.
                self.stop().await;
                (json!({ "text": "all stopped" }), true)
            }
            Err(failure) => (failure.as_json(), false),
        };
        let _ = write.write_all(format!("{answer}\n").as_bytes()).await;
        stops
    }

    async fn obey(&mut self, order: &Order) -> Outcome<Next> {
        let text = match (order.verb.as_str(), order.broker) {
            ("status", _) => {
                let brokers: Vec<_> = self.members.iter_mut().map(Member::status).collect();
                return Ok(Next::Answer(json!({ "brokers": brokers })));
            }
            ("stop", None) => return Ok(Next::Stop),
            ("add", _) => self.add().await?,
            (verb, Some(id)) => {
                let text = self.with_one(verb, id).await?;
                format!("broker {id} {text}")
            }
            _ => return Err(Failure::new("an order that is not understood")),
        };
        self.output.note(&text);
        Ok(Next::Answer(json!({ "text": text })))
    }

    async fn with_one(&mut self, verb: &str, id: i32) -> Outcome<&'static str> {
        let member = self.members.iter_mut().find(|member| member.place.id == id);
        let unknown = || {
            Failure::new(format!("there is no broker {id}")).advise("`mekong dev status` shows who there is.")
        };
        let member = member.ok_or_else(unknown)?;
        match verb {
            "kill" => member.kill().await.map(|()| "was killed"),
            "pause" => member.pause(true).map(|()| "is paused"),
            "resume" => member.pause(false).map(|()| "goes on"),
            "stop" => {
                Ok(if member.stop().await? { "stopped" } else { "did not stop in time and was killed" })
            }
            "restart" => {
                member.stop().await?;
                member.launch()?;
                Ok(match member.ready(ORDER_PATIENCE).await? {
                    true => "serves again",
                    false => "is starting; without a majority of the quorum it waits for the others",
                })
            }
            _ => Err(Failure::new("an order that is not understood")),
        }
    }

    async fn add(&mut self) -> Outcome<String> {
        let place = self.plan.add()?;
        let (id, port) = (place.id, place.port);
        let mut member = Member::new(&self.plan, place, &self.start.set, !self.start.no_registry)?;
        member.launch()?;
        let ready = member.ready(ORDER_PATIENCE).await;
        self.members.push(member);
        let how = if ready? { "serves" } else { "is starting" };
        Ok(format!("broker {id} {how} on 127.0.0.1:{port}"))
    }

    /// Stops all in order, one after the other, so that each may hand over what it leads.
    async fn stop(&mut self) {
        for member in self.members.iter_mut().rev() {
            let id = member.place.id;
            match member.stop().await {
                Ok(true) => {}
                Ok(false) => self.output.note(format!("broker {id} did not stop in time and was killed")),
                Err(failure) => self.output.note(format!("broker {id}: {}", failure.message())),
            }
        }
    }
}

/// Waits until all serve; they start at the same time, as a quorum must.
async fn ready(members: &mut [Member]) -> Outcome {
    for member in members {
        if !member.ready(START_PATIENCE).await? {
            let (id, seconds) = (member.place.id, START_PATIENCE.as_secs());
            return Err(Failure::new(format!("broker {id} does not serve after {seconds} s"))
                .advise("What it does is in log.txt in its folder."));
        }
    }
    Ok(())
}
