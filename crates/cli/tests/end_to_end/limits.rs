//! A broker at the end of what the system gives it: descriptors, and room for its metadata.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `mekong serve` beneath a line of shell.
struct Limited {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl Limited {
    fn start(name: &str, before: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let mut child = Command::new("sh")
            .args(["-c", &format!("{before}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_mekong")])
            .args(["serve", "--json", "--set", "listeners=PLAINTEXT://127.0.0.1:0"])
            .args(["--set", &format!("log.dirs={}", folder.display())])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready.pointer("/listeners/0/addresses/0").and_then(serde_json::Value::as_str);
        Self { address: address.unwrap().to_owned(), child, folder }
    }

    fn mekong(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("timeout");
        command
            .args(["20", env!("CARGO_BIN_EXE_mekong"), "--bootstrap-server", &self.address])
            .args(arguments);
        command.env("XDG_CONFIG_HOME", &self.folder).output().unwrap().status.success()
    }

    /// Time spent by the process so far, in hundredths of a second.
    fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields.iter().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn without_descriptors_accepting_pauses_and_goes_on_later() {
    let mut broker = Limited::start("descriptors", "ulimit -n 96");
    let open: Vec<_> = (0..150).map(|_| TcpStream::connect(&broker.address).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(500));
    let before = broker.cpu_ticks();
    std::thread::sleep(Duration::from_secs(2));
    let spent = broker.cpu_ticks() - before;
    assert!(spent < 40, "it spun: {spent} hundredths of a second in two seconds");
    assert!(broker.child.try_wait().unwrap().is_none(), "it is still there");
    drop(open);
    let begun = Instant::now();
    while !broker.mekong(&["topic", "list"]) {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody is served any more");
    }
}

#[test]
fn a_broker_that_cannot_write_its_metadata_says_so_and_stops() {
    let mut broker = Limited::start("metadata-room", "trap '' XFSZ");
    let id = broker.child.id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &id, "--fsize=64"]).status();
    assert!(limited.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
    assert!(!broker.mekong(&["topic", "create", "orders"]));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = broker.child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it goes on without its metadata");
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut said = String::new();
    broker.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!status.success() && said.contains("the metadata cannot be written"), "{status}: {said}");
}
