//! Apache Kafka's process, from its jars, with the heap and threads that suit a small machine.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::settings::Settings;

/// Starts it, formatted first if its folder is new; returns its address, which it may not serve yet.
pub fn spawn(settings: &Settings, folder: &Path) -> Result<(Child, String), String> {
    let properties = folder.join("server.properties");
    if !properties.exists() {
        format(settings, folder, &properties)?;
    }
    let text = fs::read_to_string(&properties).map_err(|error| error.to_string())?;
    let address = text.lines().find_map(|line| line.strip_prefix("advertised.listeners=PLAINTEXT://"));
    let address = address.ok_or("no advertised.listeners")?.to_owned();
    let log = fs::File::options().create(true).append(true).open(folder.join("log"));
    let mut command = java(settings);
    command.args(["-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]);
    command.args(["-XX:InitiatingHeapOccupancyPercent=35", "-cp"]).arg(jars(settings));
    command.arg("kafka.Kafka").arg(&properties).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(log.map_err(|error| error.to_string())?);
    Ok((command.spawn().map_err(|error| format!("java: {error}"))?, address))
}

fn format(settings: &Settings, folder: &Path, properties: &Path) -> Result<(), String> {
    let (client, controller) = (free_port()?, free_port()?);
    let data = folder.join("data");
    let lines = [
        "process.roles=broker,controller".into(),
        "node.id=1".into(),
        format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
        "controller.listener.names=CONTROLLER".into(),
        format!("listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{client}"),
        format!("log.dirs={}", data.display()),
        "offsets.topic.replication.factor=1".into(),
        "group.initial.rebalance.delay.ms=0".into(),
        "log.retention.check.interval.ms=1000".into(),
        "log.segment.delete.delay.ms=1000".into(),
        "num.io.threads=2".into(),
        "num.network.threads=2".into(),
    ];
    fs::write(properties, lines.join("\n")).map_err(|error| error.to_string())?;
    let mut command = java(settings);
    command.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(jars(settings));
    command.args(["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]);
    command.arg(properties).stdout(Stdio::null()).stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("java: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("Kafka's storage tool: {status}")) }
}

/// Java with logs at WARN.
pub fn java(settings: &Settings) -> Command {
    let mut command = Command::new("java");
    let log4j = settings.work.join("log4j2.properties");
    let text = "rootLogger.level=warn\nrootLogger.appenderRef.s.ref=S\nappender.s.type=Console\nappender.s.name=S\n\
                appender.s.target=SYSTEM_ERR\nappender.s.layout.type=PatternLayout\n";
    fs::write(&log4j, text).ok();
    command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
    command
}

/// The class path.
pub fn jars(settings: &Settings) -> String {
    format!("{}/*", settings.kafka_libs.display())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}
