//! S8: 10,000 connections that idle after one question each; what they take, and what active ones feel of them.

use bytes::Bytes;
use wire::messages::api_versions::ApiVersionsRequest;

use super::{alternate, latency};
use crate::connection::{Connection, encode};
use crate::measure::percentile;
use crate::report::{Goal, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

const IDLE: usize = 10_000;
/// Descriptors for everything else.
const SPARE: u64 = 200;

/// Runs it, on brokers of its own: memory that earlier loads left free would hide what connections take.
pub fn run(settings: &Settings) -> Result<Vec<Row>, String> {
    let count = raise_limit()?.min(IDLE);
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::Kafka];
    let start = |kind| Subject::start(kind, "connections", settings);
    let subjects = kinds.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    for subject in &subjects {
        latency::window(subject, "warm", settings.warm_up / 4)?;
    }
    let mut first = Vec::new();
    let mut round = 0_usize;
    let measured = alternate(subjects.iter().collect(), settings.pairs, |subject| {
        round += 1;
        let before = subject.resident_bytes()?;
        let idle = open(subject, count)?;
        let bytes_each = (subject.resident_bytes()? as f64 - before as f64) / count as f64;
        first.push((subject.kind, bytes_each));
        let latencies = latency::window(subject, &format!("active-{round}"), settings.window)?;
        drop(idle);
        std::thread::sleep(settings.window / 10);
        Ok(percentile(&latencies, 99.0))
    })?;
    let what = format!("S8 {count} idle connections");
    // Later rounds find the memory that the first one took and gave back within the process.
    let of = |kind: Kind| first.iter().find(|one| one.0 == kind).map(|one| vec![one.1]).unwrap_or_default();
    let row = |kind: Kind| Row {
        what: format!("{what}, resident memory each"),
        unit: "bytes",
        mode: kind.mode(),
        ours: of(kind),
        theirs: of(Kind::Kafka),
        goals: vec![Goal::Own(4096.0, "")],
        floor: None,
    };
    let mut all = vec![row(Kind::Durable), row(Kind::Relaxed)];
    let half = |_| vec![Goal::AtMost(0.5)];
    all.extend(measured.rows(&format!("{what}, p99 of active ones"), "ms", |p99| *p99, half));
    subjects.into_iter().for_each(Subject::clear);
    Ok(all)
}

/// Lets this process open as many sockets as it may; returns how many may idle.
fn raise_limit() -> Result<usize, String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|error| error.to_string())?;
    Ok(usize::try_from(limit.maximum.unwrap_or(1 << 20).saturating_sub(SPARE)).unwrap_or(IDLE))
}

fn open(subject: &Subject, count: usize) -> Result<Vec<Connection>, String> {
    let question: Bytes = encode(0, &ApiVersionsRequest::default())?;
    let mut idle = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = Connection::open(&subject.address)?;
        connection.send(&question)?;
        connection.receive()?;
        connection.release();
        idle.push(connection);
    }
    Ok(idle)
}
