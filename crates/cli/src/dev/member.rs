//! One broker's process.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use super::plan::{Place, Plan};
use crate::failure::{Failure, Outcome};

/// How long a broker may take to serve: reading a big log after a crash takes time.
pub const START_PATIENCE: Duration = Duration::from_secs(300);

/// How long a broker may take to stop in order before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// One broker of the cluster.
pub struct Member {
    /// Its place in the plan.
    pub place: Place,
    command: CommandLine,
    process: Option<Process>,
    /// What became of its last process.
    ended: Option<String>,
}

/// How it is started.
#[derive(Clone)]
struct CommandLine {
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
}

struct Process {
    child: Child,
    /// Its end stops the broker.
    _stdin: Option<ChildStdin>,
    /// Whether it has said that it serves; ends with the process.
    serves: watch::Receiver<bool>,
    is_paused: bool,
}

impl Member {
    /// A broker that does not run yet.
    pub fn new(plan: &Plan, place: Place, sets: &[String], registry: bool) -> Outcome<Self> {
        let mut arguments: Vec<String> =
            ["--json", "serve", "--stop-at-end-of-input", "--config"].map(str::to_owned).into();
        arguments.push(plan.properties_path(&place).display().to_string());
        for pair in sets {
            arguments.extend(["--set".to_owned(), pair.clone()]);
        }
        match registry {
            true => {
                arguments.extend(["--registry".to_owned(), format!("http://127.0.0.1:{}", place.registry)])
            }
            false => arguments.push("--no-registry".to_owned()),
        }
        let command = CommandLine {
            program: std::env::current_exe()?,
            arguments,
            log: plan.folder(&place).join("log.txt"),
        };
        Ok(Self { place, command, process: None, ended: None })
    }

    /// Starts it, without waiting until it serves.
    pub fn launch(&mut self) -> Outcome {
        let log = OpenOptions::new().create(true).append(true).open(&self.command.log)?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Of its own, so that Ctrl-C reaches the supervisor alone.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        let serves = listen(child.stdout.take());
        self.process = Some(Process { child, _stdin: stdin, serves, is_paused: false });
        self.ended = None;
        Ok(())
    }

    /// Waits until it serves; false if that takes longer than `patience`.
    pub async fn ready(&mut self, patience: Duration) -> Outcome<bool> {
        let Some(mut serves) = self.process.as_ref().map(|process| process.serves.clone()) else {
            return Ok(true);
        };
        let (id, log) = (self.place.id, self.command.log.display());
        match tokio::time::timeout(patience, serves.wait_for(|serves| *serves)).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(_)) => Err(Failure::new(format!("broker {id} did not start"))
                .advise(format!("Its last words are in {log}"))),
            Err(_) => Ok(false),
        }
    }

    fn process(&mut self) -> Outcome<&mut Process> {
        self.look();
        let id = self.place.id;
        let gone = || {
            Failure::new(format!("broker {id} does not run"))
                .advise(format!("`mekong dev restart {id}` starts it."))
        };
        self.process.as_mut().ok_or_else(gone)
    }

    /// Notes if its process has ended, and tells if it just did.
    pub fn look(&mut self) -> Option<String> {
        let process = self.process.as_mut()?;
        let status = process.child.try_wait().ok()??;
        self.process = None;
        self.ended = Some(status.to_string());
        Some(status.to_string())
    }

    fn signal(&mut self, signal: Signal) -> Outcome {
        let pid = self.process()?.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.ok_or_else(|| Failure::new("the process has ended"))?;
        kill_process(pid, signal).map_err(|error| Failure::new(error.to_string()))
    }

    /// Kills it.
    pub async fn kill(&mut self) -> Outcome {
        self.process()?.child.kill().await?;
        self.look();
        Ok(())
    }

    /// Pauses it, or lets it go on.
    pub fn pause(&mut self, is_paused: bool) -> Outcome {
        self.signal(if is_paused { Signal::STOP } else { Signal::CONT })?;
        self.process()?.is_paused = is_paused;
        Ok(())
    }

    /// Stops it in order; kills it if that takes too long. True if it stopped by itself.
    pub async fn stop(&mut self) -> Outcome<bool> {
        if self.process().is_err() {
            return Ok(true);
        }
        self.pause(false)?;
        self.signal(Signal::TERM)?;
        let stopped = tokio::time::timeout(STOP_PATIENCE, self.process()?.child.wait()).await.is_ok();
        if !stopped {
            self.kill().await?;
        }
        self.look();
        Ok(stopped)
    }

    /// What is to be seen of it.
    pub fn status(&mut self) -> Value {
        self.look();
        let state = match &self.process {
            Some(process) if process.is_paused => "paused",
            Some(_) => "running",
            None => "dead",
        };
        let pid = self.process.as_ref().and_then(|process| process.child.id());
        json!({
            "broker": self.place.id, "state": state, "pid": pid, "port": self.place.port,
            "controller_port": self.place.controller, "registry_port": self.place.registry, "ended": self.ended,
        })
    }
}

/// Notes the line by which a broker says that it serves, and takes in whatever else it prints.
fn listen(stdout: Option<ChildStdout>) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    if let Some(stdout) = stdout {
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(_)) = lines.next_line().await {
                sender.send_replace(true);
            }
        });
    }
    receiver
}
