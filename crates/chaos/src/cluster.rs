//! Three brokers, each a process in its namespace with a disk of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::network::{BROKERS, address, namespace};

/// How long a broker may take to serve, on a machine that does other things, too.
const START: Duration = Duration::from_secs(120);
/// How long it may take to stop in order.
const STOP: Duration = Duration::from_secs(40);
/// The size of each broker's disk.
const DISK: &str = "size=512m";

/// The brokers, by their id less one.
pub struct Cluster {
    binary: PathBuf,
    folder: PathBuf,
    members: Vec<Option<Child>>,
    /// Brokers that ended though nobody stopped them.
    ended: Vec<String>,
}

impl Cluster {
    /// Starts three brokers with empty disks.
    pub fn start(binary: &Path, folder: &Path) -> Outcome<Self> {
        let mut cluster = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            members: (0..BROKERS).map(|_| None).collect(),
            ended: Vec::new(),
        };
        for broker in 1..=BROKERS {
            cluster.prepare(broker)?;
        }
        (1..=BROKERS).try_for_each(|broker| cluster.launch(broker))?;
        (1..=BROKERS).try_for_each(|broker| cluster.wait_ready(broker))?;
        Ok(cluster)
    }

    fn home(&self, broker: usize) -> PathBuf {
        self.folder.join(broker.to_string())
    }

    fn disk(&self, broker: usize) -> PathBuf {
        self.home(broker).join("disk")
    }

    fn prepare(&self, broker: usize) -> Outcome {
        let (home, disk) = (self.home(broker), self.disk(broker));
        let _ = Command::new("umount").arg(&disk).stderr(Stdio::null()).status();
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "none"]).arg(&disk).status();
        if !mounted.is_ok_and(|status| status.success()) {
            return Err(format!("cannot mount a disk on {}", disk.display()));
        }
        fs::write(home.join("server.properties"), self.properties(broker)).map_err(|error| error.to_string())
    }

    fn properties(&self, broker: usize) -> String {
        let voters: Vec<_> = (1..=BROKERS).map(|voter| format!("{voter}@{}:9093", address(voter))).collect();
        let own = address(broker);
        [
            "process.roles=broker,controller".to_owned(),
            format!("node.id={broker}"),
            format!("listeners=PLAINTEXT://{own}:9092,CONTROLLER://{own}:9093"),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("controller.quorum.voters={}", voters.join(",")),
            format!("log.dirs={}", self.disk(broker).join("data").display()),
            "default.replication.factor=3".to_owned(),
            "min.insync.replicas=2".to_owned(),
            "offsets.topic.replication.factor=3".to_owned(),
            "offsets.topic.num.partitions=5".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            String::new(),
        ]
        .join("\n")
    }

    /// Starts a broker's process, unless it runs.
    pub fn launch(&mut self, broker: usize) -> Outcome {
        if self.members.get(broker - 1).is_none_or(Option::is_some) {
            return Ok(());
        }
        let home = self.home(broker);
        let open = |name: &str| {
            let file = File::options().create(true).append(true).open(home.join(name));
            file.map_err(|error| format!("{}: {error}", home.join(name).display()))
        };
        let _ = fs::remove_file(home.join("ready.txt"));
        let (ready, log) = (open("ready.txt")?, open("log.txt")?);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespace(broker)]).arg(&self.binary);
        command.args(["--json", "serve", "--no-registry", "--config"]).arg(home.join("server.properties"));
        command.stdin(Stdio::null()).stdout(ready).stderr(log);
        let child = command.spawn().map_err(|error| format!("broker {broker}: {error}"))?;
        if let Some(member) = self.members.get_mut(broker - 1) {
            *member = Some(child);
        }
        Ok(())
    }

    /// Waits until a broker serves.
    pub fn wait_ready(&mut self, broker: usize) -> Outcome {
        let (until, path) = (Instant::now() + START, self.home(broker).join("ready.txt"));
        while Instant::now() < until {
            if fs::read_to_string(&path).is_ok_and(|text| text.contains('\n')) {
                return Ok(());
            }
            let member = self.members.get_mut(broker - 1).and_then(Option::as_mut);
            if let Some(status) = member.and_then(|child| child.try_wait().ok().flatten()) {
                return Err(format!("broker {broker} ended: {status}; see {}", self.home(broker).display()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("broker {broker} does not serve after {START:?}; see {}", self.home(broker).display()))
    }

    fn signal(&self, broker: usize, signal: Signal) {
        let child = self.members.get(broker - 1).and_then(Option::as_ref);
        if let Some(pid) = child.and_then(|child| Pid::from_raw(child.id().cast_signed())) {
            let _ = kill_process(pid, signal);
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self, broker: usize) {
        if let Some(mut child) = self.members.get_mut(broker - 1).and_then(Option::take) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGSTOP.
    pub fn pause(&self, broker: usize) {
        self.signal(broker, Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self, broker: usize) {
        self.signal(broker, Signal::CONT);
    }

    /// SIGTERM, and SIGKILL if that takes too long; whether it stopped by itself.
    pub fn stop(&mut self, broker: usize) -> bool {
        self.signal(broker, Signal::TERM);
        let Some(mut child) = self.members.get_mut(broker - 1).and_then(Option::take) else { return true };
        let until = Instant::now() + STOP;
        while Instant::now() < until {
            if child.try_wait().is_ok_and(|status| status.is_some()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// Takes all the room that a broker's disk has left.
    pub fn fill(&self, broker: usize) {
        if let Ok(mut file) = File::create(self.disk(broker).join("filler")) {
            let zeros = vec![0_u8; 1 << 20];
            while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
        }
    }

    /// Gives it back.
    pub fn empty(&self, broker: usize) {
        let _ = fs::remove_file(self.disk(broker).join("filler"));
    }

    /// Whatever was done to processes and disks is undone: all run and serve. A broker that ended though nobody stopped it is said.
    pub fn heal(&mut self) -> Outcome {
        for broker in 1..=BROKERS {
            self.empty(broker);
            self.resume(broker);
            self.bury(broker);
            self.launch(broker)?;
        }
        (1..=BROKERS).try_for_each(|broker| self.wait_ready(broker))
    }

    /// Brokers that ended by themselves so far.
    pub fn ended(&self) -> &[String] {
        &self.ended
    }

    /// Notes those that have ended by themselves since they were last looked at.
    pub fn look_for_the_dead(&mut self) {
        (1..=BROKERS).for_each(|broker| self.bury(broker));
    }

    /// Forgets a process that has ended by itself, aloud.
    fn bury(&mut self, broker: usize) {
        let log = self.home(broker).join("log.txt");
        let Some(member) = self.members.get_mut(broker - 1) else { return };
        if let Some(status) = member.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            let text = format!("broker {broker} ended by itself: {status}, see {}", log.display());
            eprintln!("{text}");
            self.ended.push(text);
            *member = None;
        }
    }

    /// What the brokers wrote into their logs, line by line.
    pub fn log_lines(&self) -> Vec<(u32, String)> {
        let of = |broker: usize| {
            let text = fs::read_to_string(self.home(broker).join("log.txt")).unwrap_or_default();
            let id = u32::try_from(broker).unwrap_or(0);
            text.lines().map(|line| (id, line.to_owned())).collect::<Vec<_>>()
        };
        (1..=BROKERS).flat_map(of).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for broker in 1..=BROKERS {
            self.kill(broker);
            let _ = Command::new("umount").arg(self.disk(broker)).stderr(Stdio::null()).status();
        }
    }
}
