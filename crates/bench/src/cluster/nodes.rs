//! Three processes, each broker and voter, of Mekong or of Apache Kafka: started, killed, paused, stopped.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use wire::Request;

use super::network::{self, Cut, Network};
use crate::connection::Connection;
use crate::settings::Settings;
use crate::subject::{Kind, cpu_seconds_of, jars, java, resident_bytes_of};

/// How many nodes a cluster has.
pub const NODES: i32 = 3;
/// How long a node may take to stop in order.
const STOP: Duration = Duration::from_secs(120);
/// How long an answer may take before another node is asked.
const ANSWER: Duration = Duration::from_secs(90);

struct Node {
    id: i32,
    folder: PathBuf,
    address: String,
    child: Option<Child>,
    /// Paused, or parted from the others.
    is_away: bool,
}

/// The nodes, numbered from 1; killed when dropped.
pub struct Cluster {
    /// Whose processes they are.
    pub kind: Kind,
    settings: Settings,
    nodes: Vec<Node>,
    network: Option<Network>,
}

impl Cluster {
    /// Empty folders and a property file each; nothing runs yet. Kafka's are formatted.
    pub fn prepare(kind: Kind, name: &str, settings: &Settings) -> Result<Self, String> {
        Self::prepare_in(None, kind, name, settings)
    }

    /// The same with a network that can be cut.
    pub fn prepare_in(
        network: Option<Network>,
        kind: Kind,
        name: &str,
        settings: &Settings,
    ) -> Result<Self, String> {
        let host = |id| if network.is_some() { network::address(id) } else { "127.0.0.1".to_owned() };
        let home = settings.work.join(format!("{name}-{}", kind.name().replace(' ', "-")));
        fs::remove_dir_all(&home).ok();
        let (clients, controllers) = (free_ports()?, free_ports()?);
        let voters: Vec<_> =
            (1..).zip(&controllers).map(|(id, port)| format!("{id}@{}:{port}", host(id))).collect();
        let mut nodes = Vec::new();
        for (id, (client, controller)) in (1..).zip(clients.iter().zip(&controllers)) {
            let folder = home.join(id.to_string());
            fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            let ports = [client, controller].map(|port| format!("{}:{port}", host(id)));
            let text = properties(kind, id, &ports, &voters.join(","), &folder);
            fs::write(folder.join("server.properties"), text).map_err(|error| error.to_string())?;
            if kind == Kind::Kafka {
                format(settings, &folder)?;
            }
            let [address, _] = ports;
            nodes.push(Node { id, folder, address, child: None, is_away: false });
        }
        Ok(Self { kind, settings: settings.clone(), nodes, network })
    }

    /// Starts the processes of all; waits for nothing.
    pub fn launch_all(&mut self) -> Result<(), String> {
        (1..=NODES).try_for_each(|id| self.launch(id))
    }

    /// Starts the process of one, unless it runs.
    pub fn launch(&mut self, id: i32) -> Result<(), String> {
        let mut command = self.command(id)?;
        let node = self.node(id)?;
        if node.child.is_none() {
            node.child = Some(command.spawn().map_err(|error| format!("node {id}: {error}"))?);
        }
        Ok(())
    }

    fn command(&mut self, id: i32) -> Result<Command, String> {
        let (kind, settings) = (self.kind, self.settings.clone());
        let folder = &self.node(id)?.folder;
        let log = File::options().create(true).append(true).open(folder.join("log"));
        let properties = folder.join("server.properties");
        let command = if kind == Kind::Kafka {
            let mut command = java(&settings);
            command.args(["-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]);
            command.args(["-XX:InitiatingHeapOccupancyPercent=35", "-cp"]).arg(jars(&settings));
            command.arg("kafka.Kafka").arg(properties);
            command
        } else {
            let mut command = Command::new(&settings.mekong);
            command.args(["serve", "--no-registry", "--config"]).arg(properties);
            command
        };
        let mut command = if self.network.is_some() { inside(id, &command) } else { command };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.map_err(|error| error.to_string())?);
        Ok(command)
    }

    fn node(&mut self, id: i32) -> Result<&mut Node, String> {
        self.nodes.iter_mut().find(|node| node.id == id).ok_or(format!("no node {id}"))
    }

    fn signal(&mut self, id: i32, signal: Signal) -> Result<(), String> {
        let child = self.node(id)?.child.as_ref().ok_or(format!("node {id} does not run"))?;
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or("no process")?;
        kill_process(pid, signal).map_err(|error| error.to_string())
    }

    /// SIGKILL.
    pub fn kill(&mut self, id: i32) -> Result<(), String> {
        let node = self.node(id)?;
        if let Some(mut child) = node.child.take() {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
        }
        node.is_away = false;
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&mut self, id: i32) -> Result<(), String> {
        self.signal(id, Signal::STOP)?;
        self.node(id)?.is_away = true;
        Ok(())
    }

    /// SIGCONT.
    pub fn resume(&mut self, id: i32) -> Result<(), String> {
        self.signal(id, Signal::CONT)?;
        self.node(id)?.is_away = false;
        Ok(())
    }

    /// Parts a node from the others.
    pub fn cut(&mut self, id: i32, how: Cut) -> Result<(), String> {
        self.network.as_ref().ok_or("no network to cut")?.cut(id, how)?;
        self.node(id)?.is_away = true;
        Ok(())
    }

    /// Everything gets through again.
    pub fn heal(&mut self, id: i32) -> Result<(), String> {
        self.network.as_ref().ok_or("no network to heal")?.heal();
        self.node(id)?.is_away = false;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self, id: i32) -> Result<(), String> {
        self.signal(id, Signal::TERM)?;
        let Some(mut child) = self.node(id)?.child.take() else { return Ok(()) };
        let started = Instant::now();
        while started.elapsed() < STOP {
            if child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().ok();
        child.wait().ok();
        Err(format!("node {id} does not stop"))
    }

    /// Where the client listeners of all nodes are, separated by commas.
    pub fn bootstrap(&self) -> String {
        self.nodes.iter().map(|node| node.address.as_str()).collect::<Vec<_>>().join(",")
    }

    /// `host:port` of one.
    pub fn address(&self, id: i32) -> Result<String, String> {
        let node = self.nodes.iter().find(|node| node.id == id);
        Ok(node.ok_or(format!("no node {id}"))?.address.clone())
    }

    /// Those that run, and are neither paused nor parted from the others.
    pub fn reachable(&self) -> Vec<String> {
        let up = self.nodes.iter().filter(|node| node.child.is_some() && !node.is_away);
        up.map(|node| node.address.clone()).collect()
    }

    /// Asks one that can answer after the other until one does.
    pub fn ask<R: Request>(&self, version: i16, request: &R) -> Result<R::Response, String> {
        let mut why = "no node runs".to_owned();
        for address in self.reachable() {
            let answer = Connection::open_within(&address, ANSWER);
            match answer.and_then(|mut connection| connection.ask(version, request)) {
                Ok(answer) => return Ok(answer),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// User and system CPU of all processes, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64, String> {
        self.processes().map(cpu_seconds_of).sum()
    }

    /// Resident memory of all processes, in bytes.
    pub fn resident_bytes(&self) -> Result<u64, String> {
        self.processes().map(resident_bytes_of).sum()
    }

    fn processes(&self) -> impl Iterator<Item = u32> {
        self.nodes.iter().filter_map(|node| node.child.as_ref().map(Child::id))
    }

    /// Kills all and removes what they wrote.
    pub fn clear(mut self) {
        self.kill_all();
        for node in &self.nodes {
            fs::remove_dir_all(&node.folder).ok();
        }
    }

    fn kill_all(&mut self) {
        for node in &mut self.nodes {
            if let Some(mut child) = node.child.take() {
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// The same command in the namespace of a node; `ip` becomes it.
fn inside(id: i32, command: &Command) -> Command {
    let mut wrapped = Command::new("ip");
    wrapped
        .args(["netns", "exec", &network::namespace(id)])
        .arg(command.get_program())
        .args(command.get_args());
    wrapped
}

fn properties(
    kind: Kind,
    id: i32,
    [client, controller]: &[String; 2],
    voters: &str,
    folder: &Path,
) -> String {
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        format!("node.id={id}"),
        format!("controller.quorum.voters={voters}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        format!("listeners=PLAINTEXT://{client},CONTROLLER://{controller}"),
        format!("log.dirs={}", folder.join("data").display()),
        "default.replication.factor=3".to_owned(),
        "min.insync.replicas=2".to_owned(),
        "offsets.topic.replication.factor=3".to_owned(),
        // Leaders move when a scenario wants it.
        "auto.leader.rebalance.enable=false".to_owned(),
        "log.retention.check.interval.ms=1000".to_owned(),
        "log.segment.delete.delay.ms=1000".to_owned(),
    ];
    match kind {
        Kind::Kafka => lines.extend(["num.io.threads=2".to_owned(), "num.network.threads=2".to_owned()]),
        Kind::Relaxed => lines.push("log.flush.interval.messages=9223372036854775807".to_owned()),
        _ => {}
    }
    lines.join("\n") + "\n"
}

fn format(settings: &Settings, folder: &Path) -> Result<(), String> {
    let mut command = java(settings);
    command.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(jars(settings));
    command.args(["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]);
    command.arg(folder.join("server.properties")).stdout(Stdio::null()).stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("java: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("Kafka's storage tool: {status}")) }
}

/// A port for each node, all different.
fn free_ports() -> Result<Vec<u16>, String> {
    let listeners: Result<Vec<_>, _> = (0..NODES).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let ports = listeners.and_then(|all| all.iter().map(|one| Ok(one.local_addr()?.port())).collect());
    ports.map_err(|error| error.to_string())
}
