//! A broker to test against: `mekong serve` on a free port, or the one that `MEKONG_TEST_BOOTSTRAP` names (Apache Kafka, say).

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

pub struct Server {
    child: Option<Child>,
    folder: PathBuf,
    pub address: String,
    /// The schema registry's URL; empty for a broker that is not ours.
    pub registry: String,
}

impl Server {
    /// A broker on any free port.
    pub fn start(name: &str) -> Self {
        Self::start_on(name, 0)
    }

    /// A broker on this port.
    pub fn start_on(name: &str, port: u16) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let mut server =
            Self { child: None, folder, address: format!("127.0.0.1:{port}"), registry: String::new() };
        match std::env::var("MEKONG_TEST_BOOTSTRAP") {
            Ok(address) => server.address = address,
            Err(_) => server.spawn(),
        }
        server
    }

    fn spawn(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["serve", "--json", "--set"])
            .arg(format!("listeners=PLAINTEXT://{}", self.address))
            .arg("--set")
            .arg(format!("log.dirs={}", self.folder.display()))
            .args(["--set", "group.initial.rebalance.delay.ms=0", "--set", "offsets.topic.num.partitions=2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready.pointer("/listeners/0/addresses/0").and_then(serde_json::Value::as_str);
        self.address = address.unwrap().to_owned();
        self.registry = ready.get("registry").unwrap().as_str().unwrap().to_owned();
        self.child = Some(child);
    }

    /// The folder of the broker that was started here.
    pub fn data_folder(&self) -> Option<&std::path::Path> {
        self.child.as_ref().map(|_| &*self.folder)
    }

    /// Kills the broker without warning and starts it again in its place; does nothing to a broker that is not ours.
    pub fn kill_and_restart(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            self.spawn();
        }
    }

    /// Runs `mekong` against the server, with `input` on its stdin.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["--bootstrap-server", &self.address])
            .args(arguments)
            .env("XDG_CONFIG_HOME", &self.folder)
            .env("MEKONG_SCHEMA_REGISTRY", &self.registry)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command that succeeds prints.
    pub fn says(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that fails says.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert!(!output.status.success(), "{arguments:?} should fail");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that is free now, below those that systems give to outgoing connections: one of these would take it before its use.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_032 + (std::process::id() % 300) as u16 * 64;
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    ports.find(is_free).expect("ports do not end")
}

/// A name that no other test or run uses.
pub fn unique(name: &str) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}-{}-{}", std::process::id(), since.as_nanos())
}
