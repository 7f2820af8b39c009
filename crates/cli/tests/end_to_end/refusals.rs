//! Data folders that `mekong serve` does not take: each is named with the reason, and left as it was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::server::Server;

const OURS: &str = "cluster.id=5L6g3nShT-eMCtK--X86sw\ndirectory.id=5L6g3nShT-eMCtK--X86sg\nmekong.version=1\nnode.id=1\nversion=1\n";

/// A folder that goes with its test.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A start that fails; killed by `timeout` where it does not.
fn serve(log_dirs: &str) -> Output {
    Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_mekong"), "serve", "--set", "listeners=PLAINTEXT://127.0.0.1:0"])
        .args(["--set", &format!("log.dirs={log_dirs}")])
        .output()
        .unwrap()
}

/// Every file below a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(content(&entry.path())),
            false => drop(found.insert(entry.path(), std::fs::read(entry.path()).unwrap())),
        }
    }
    found
}

fn is_refused(log_dirs: &str, because: &str) {
    let output = serve(log_dirs);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log_dirs}: {said}");
    assert!(said.contains(because), "{log_dirs}: wanted {because:?}, it said {said}");
}

#[test]
fn folders_that_are_not_ours_are_named_and_left_alone() {
    for (name, file, text, because) in [
        (
            "future",
            "meta.properties",
            OURS.replace("mekong.version=1", "mekong.version=99"),
            "by a later Mekong",
        ),
        ("kafka", "meta.properties", OURS.replace("mekong.version=1\n", ""), "was written by Apache Kafka"),
        ("node", "meta.properties", OURS.replace("node.id=1", "node.id=7"), "belongs to node 7"),
        ("torn", "meta.properties", OURS.replace("cluster.id", "custer.id"), "cluster.id is missing"),
        ("foreign", "holiday.jpg", String::new(), "not empty and not a data folder"),
    ] {
        let home = Home::new(&format!("refused-{name}"));
        std::fs::write(home.0.join(file), text).unwrap();
        let before = content(&home.0);
        is_refused(&home.0.display().to_string(), because);
        assert_eq!(content(&home.0), before, "{name}");
    }
}

#[test]
fn folders_of_two_clusters_are_refused_together() {
    let (one, other) = (Home::new("refused-one"), Home::new("refused-other"));
    std::fs::write(one.0.join("meta.properties"), OURS).unwrap();
    std::fs::write(other.0.join("meta.properties"), OURS.replace("5L6g3nShT-eMCtK--X86sw", "another"))
        .unwrap();
    is_refused(&format!("{},{}", one.0.display(), other.0.display()), "belongs to cluster another");
}

#[test]
fn a_folder_that_is_no_partition_of_this_node_is_set_aside() {
    let mut server = Server::start("stray");
    let Some(home) = server.data_folder().map(Path::to_path_buf) else { return };
    server.run(&["topic", "create", "kept"], "");
    server.run(&["produce", "kept"], "one\n");
    let (own, stray) = (home.join("kept-0"), home.join("kept-7"));
    std::fs::create_dir(&stray).unwrap();
    for file in content(&own).into_keys().filter(|file| file.is_file()) {
        std::fs::copy(&file, stray.join(file.file_name().unwrap())).unwrap();
    }
    server.kill_and_restart();
    assert!(own.exists() && !stray.exists());
    let names = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name());
    let aside: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with("-stray")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    let read = server.run(&["consume", "kept", "--offset", "earliest", "-n", "1"], "");
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "one");
}

#[test]
fn a_folder_in_use_is_refused() {
    let server = Server::start("refused-locked");
    if let Some(folder) = server.data_folder() {
        is_refused(&folder.display().to_string(), "is in use by another process");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    is_refused("/proc/mekong-data", "/proc/mekong-data");
}

#[test]
fn what_is_refused_or_not_consented_to_changes_nothing() {
    let server = Server::start("consent");
    server.says(&["topic", "create", "t", "-p", "1"], "");
    let alter = |deletion: &str| {
        server.refuses(&[
            "topic",
            "alter",
            "t",
            "-p",
            "3",
            "-c",
            "retention.ms=77",
            "--delete-records",
            deletion,
        ])
    };
    assert!(alter("0:x").contains("PARTITION:OFFSET"));
    assert!(alter("0:-1").contains("--yes"));
    let shown = server.says(&["--json", "topic", "describe", "t"], "");
    let topic: serde_json::Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!(topic["partitions"].as_array().map(Vec::len), Some(1), "{shown}");
    assert!(!shown.contains("77"), "{shown}");
    for command in ["remove-voter", "forget-broker"] {
        assert!(server.refuses(&["cluster", command, "9"]).contains("--yes"));
    }
}
