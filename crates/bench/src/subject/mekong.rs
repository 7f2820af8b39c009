//! Mekong's process, with its schema registry, as it comes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Kind;
use crate::settings::Settings;

/// Starts it; returns its address once it has said that it is ready.
pub fn spawn(kind: Kind, settings: &Settings, folder: &Path) -> Result<(Child, String), String> {
    wait(command(&[], kind, &settings.mekong, folder), settings, folder)
}

/// As [`spawn`], without the registry and under another program, if there is a `wrapper`.
pub fn spawn_under(
    wrapper: &[String],
    kind: Kind,
    settings: &Settings,
    folder: &Path,
) -> Result<(Child, String), String> {
    let mut command = command(wrapper, kind, &settings.mekong, folder);
    command.arg("--no-registry");
    wait(command, settings, folder)
}

fn wait(mut command: Command, settings: &Settings, folder: &Path) -> Result<(Child, String), String> {
    let log = File::options().create(true).append(true).open(folder.join("log"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.map_err(|error| error.to_string())?);
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", settings.mekong.display()))?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no standard output")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    let ready: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
    let address = ready.pointer("/listeners/0/addresses/0").and_then(|address| address.as_str());
    Ok((child, address.ok_or(format!("no listener in {line}"))?.to_owned()))
}

fn command(wrapper: &[String], kind: Kind, binary: &Path, folder: &Path) -> Command {
    let mut words = wrapper.iter().map(OsStr::new).chain([binary.as_os_str()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    let mut set = vec![
        "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
        "num.partitions=1".to_owned(),
        "log.retention.check.interval.ms=1000".to_owned(),
        "log.segment.delete.delay.ms=1000".to_owned(),
        format!("log.dirs={}", folder.join("data").display()),
    ];
    if matches!(kind, Kind::Relaxed | Kind::RelaxedHeaderOnly) {
        set.push("log.flush.interval.messages=9223372036854775807".to_owned());
    }
    if matches!(kind, Kind::DurableHeaderOnly | Kind::RelaxedHeaderOnly) {
        set.push("mekong.produce.validation=header-only".to_owned());
    }
    command.args(["serve", "--json"]).args(set.iter().flat_map(|pair| ["--set", pair]));
    command
}
