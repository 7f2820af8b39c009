//! The real process: started on a folder, killed, started again.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// One broker, killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// The child is `strace`, and the broker its child.
    is_traced: bool,
    /// From the start command to the line that says that it is ready.
    pub started_in: Duration,
}

/// How a broker is started, every time the same.
#[derive(Clone, Debug)]
pub struct Start {
    mekong: PathBuf,
    dir: PathBuf,
    data: PathBuf,
    /// `host:port` of its listener, the same over restarts.
    pub address: String,
    set: Vec<String>,
    cgroup: Option<PathBuf>,
    trace: Option<PathBuf>,
}

impl Start {
    /// A broker whose log goes to `dir` and whose data are in `data`, on a port that is free now.
    pub fn new(mekong: &Path, dir: &Path, data: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let (mekong, dir, data) = (mekong.to_owned(), dir.to_owned(), data.to_owned());
        Ok(Self { mekong, dir, data, address, set: Vec::new(), cgroup: None, trace: None })
    }

    /// With another property.
    pub fn set(mut self, property: &str) -> Self {
        self.set.push(property.to_owned());
        self
    }

    /// Within this control group.
    pub fn within(mut self, cgroup: &Path) -> Self {
        self.cgroup = Some(cgroup.to_owned());
        self
    }

    /// With everything that it does to files written down by `strace`.
    pub fn traced(mut self, output: &Path) -> Self {
        self.trace = Some(output.to_owned());
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(&self) -> Result<Node, Failure> {
        let begun = Instant::now();
        let log = File::options().create(true).append(true).open(self.dir.join("broker.log"))?;
        let mut command = match (&self.cgroup, &self.trace) {
            (_, Some(output)) => {
                let mut strace = Command::new("strace");
                strace.args(["-f", "-y", "-ttt", "-xx", "-s", "16777216", "-e", crate::strace::CALLS, "-o"]);
                strace.arg(output).arg(&self.mekong);
                strace
            }
            // The shell enters the group and becomes the broker.
            (Some(cgroup), None) => {
                let mut shell = Command::new("sh");
                let enter = format!("echo $$ > {}/cgroup.procs; exec \"$0\" \"$@\"", cgroup.display());
                shell.arg("-c").arg(enter).arg(&self.mekong);
                shell
            }
            (None, None) => Command::new(&self.mekong),
        };
        command.args(["serve", "--json", "--no-registry"]);
        command.arg("--set").arg(format!("listeners=PLAINTEXT://{}", self.address));
        command.arg("--set").arg(format!("log.dirs={}", self.data.display()));
        self.set.iter().for_each(|property| {
            command.arg("--set").arg(property);
        });
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.mekong.display()))?;
        let mut node = Node { child, is_traced: self.trace.is_some(), started_in: Duration::ZERO };
        let stdout = node.child.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("it does not start: see {}", self.dir.join("broker.log").display()).into());
        }
        node.started_in = begun.elapsed();
        Ok(node)
    }
}

impl Node {
    /// `kill -9` of the broker; `strace` above it then writes its last line and ends.
    pub fn kill(&mut self) {
        if self.is_traced && self.is_running() {
            self.kill_below();
        } else {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }

    fn kill_below(&self) {
        let strace = self.child.id();
        let children = format!("/proc/{strace}/task/{strace}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        for child in children.split_whitespace() {
            Command::new("kill").args(["-9", child]).status().ok();
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
