//! A broker to test against: `mekong serve` on a free port, or the one that `MEKONG_TEST_BOOTSTRAP` names (Apache Kafka, say).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

pub struct Server {
    child: Option<Child>,
    folder: PathBuf,
    pub address: String,
}

impl Server {
    pub fn start(name: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        if let Ok(address) = std::env::var("MEKONG_TEST_BOOTSTRAP") {
            return Self { child: None, folder, address };
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["serve", "--json", "--set", "listeners=PLAINTEXT://127.0.0.1:0", "--set"])
            .arg(format!("log.dirs={}", folder.display()))
            .args(["--set", "group.initial.rebalance.delay.ms=0", "--set", "offsets.topic.num.partitions=2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready["listeners"][0]["addresses"][0].as_str().unwrap().to_owned();
        Self { child: Some(child), folder, address }
    }

    /// Runs `mekong` against the server, with `input` on its stdin.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["--bootstrap-server", &self.address])
            .args(arguments)
            .env("XDG_CONFIG_HOME", &self.folder)
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

/// A name that no other test or run uses.
pub fn unique(name: &str) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}-{}-{}", std::process::id(), since.as_nanos())
}
