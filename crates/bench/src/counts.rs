//! Counts that do not depend on the clock: instructions and system calls that a request takes on each hot path.
//!
//! A broker runs under callgrind for the instructions, another under strace for the calls; a load of so many requests goes
//! through, and the difference is divided by their number. `counts.txt` keeps the figures, one path a line:
//!
//! ```text
//! name of the path | instructions a request | system calls a request | percent that both may grow
//! ```
//!
//! Instructions depend on the compiler and, a little, on which thread gets to run first; so do calls, more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use records::Compression;
use wire::messages::api_versions::ApiVersionsRequest;

use crate::connection::{Connection, encode};
use crate::load;
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

const TOPIC: &str = "counts";
/// The size of what `fetch` paths read at a time, in batches.
const BATCHES_A_FETCH: usize = 15;

/// One hot path.
struct HotPath {
    name: &'static str,
    kind: Kind,
    /// Sends so many requests and waits for their answers.
    run: fn(&str, usize) -> Result<(), String>,
    requests: usize,
    tolerance: f64,
}

const fn path(
    name: &'static str,
    kind: Kind,
    requests: usize,
    tolerance: f64,
    run: fn(&str, usize) -> Result<(), String>,
) -> HotPath {
    HotPath { name, kind, run, requests, tolerance }
}

const PATHS: &[HotPath] = &[
    path("api versions", Kind::Relaxed, 2000, 5.0, api_versions),
    path("produce 100 bytes, relaxed, one at a time", Kind::Relaxed, 2000, 5.0, |to, n| {
        produce(to, SMALL, 1, n)
    }),
    path("produce 100 bytes, relaxed, 32 in flight", Kind::Relaxed, 4000, 10.0, |to, n| {
        produce(to, SMALL, 32, n)
    }),
    path("produce 100 bytes, durable, one at a time", Kind::Durable, 2000, 10.0, |to, n| {
        produce(to, SMALL, 1, n)
    }),
    path("produce 64 KiB, relaxed", Kind::Relaxed, 500, 5.0, |to, n| produce(to, BULK, 1, n)),
    path("produce 64 KiB, durable", Kind::Durable, 500, 10.0, |to, n| produce(to, BULK, 1, n)),
    path("produce 64 KiB, zstd", Kind::Relaxed, 300, 5.0, |to, n| produce(to, (64, 1024, ZSTD), 1, n)),
    path("produce 64 KiB, lz4", Kind::Relaxed, 300, 5.0, |to, n| produce(to, (64, 1024, LZ4), 1, n)),
    path("fetch 1 MiB from memory", Kind::Relaxed, 200, 10.0, fetch),
];

const ZSTD: Compression = Compression::Zstd { level: 3 };
const LZ4: Compression = Compression::Lz4 { level: 9 };
const SMALL: (usize, usize, Compression) = (1, 100, Compression::None);
const BULK: (usize, usize, Compression) = (64, 1024, Compression::None);

fn produce(
    address: &str,
    (records, size, compression): (usize, usize, Compression),
    depth: usize,
    count: usize,
) -> Result<(), String> {
    let frame = load::produce_frame(TOPIC, 0, -1, load::batch(records, size, compression, 1))?;
    load::pump_count(address, std::slice::from_ref(&frame), depth, count)
}

fn fetch(address: &str, count: usize) -> Result<(), String> {
    let mut connection = Connection::open(address)?;
    let end = load::log_end(&mut connection, TOPIC, 0)?;
    if end < (BATCHES_A_FETCH * 64) as i64 {
        produce(address, BULK, 5, BATCHES_A_FETCH)?;
    }
    (0..count).try_for_each(|_| load::fetch(&mut connection, TOPIC, 0, 0).map(|_| ()))
}

fn api_versions(address: &str, count: usize) -> Result<(), String> {
    let mut connection = Connection::open(address)?;
    let question: Bytes = encode(0, &ApiVersionsRequest::default())?;
    (0..count).try_for_each(|_| connection.send(&question).and_then(|()| connection.receive().map(|_| ())))
}

/// What a path takes a request.
struct Count {
    name: String,
    instructions: f64,
    calls: f64,
    tolerance: f64,
}

/// Counts every path; with `check` compares with the file's figures, else writes them.
pub fn run(settings: &Settings, file: &Path, check: bool) -> Result<(), String> {
    fs::create_dir_all(&settings.work).map_err(|error| format!("{}: {error}", settings.work.display()))?;
    let mut counts = Vec::new();
    for path in PATHS {
        let instructions = instructions(settings, path)?;
        let calls = calls(settings, path)?;
        println!("{:<45} {instructions:>9.0} instructions {calls:>6.2} system calls a request", path.name);
        counts.push(Count { name: path.name.into(), instructions, calls, tolerance: path.tolerance });
    }
    if check { compare(&counts, &parse(&read(file)?)) } else { write(file, &counts) }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Runs the path on a broker whose program is `wrapper`, if any; `around` measures between two calls of its argument.
fn measured<T>(
    settings: &Settings,
    path: &HotPath,
    wrapper: &[String],
    around: impl FnOnce(&Subject, &dyn Fn() -> Result<(), String>) -> Result<T, String>,
) -> Result<T, String> {
    let subject = Subject::start_under(wrapper, path.kind, "counts", settings)?;
    load::create_topic(&subject.address, TOPIC, 1, &[])?;
    (path.run)(&subject.address, path.requests / 4)?;
    let result = around(&subject, &|| (path.run)(&subject.address, path.requests))?;
    subject.clear();
    Ok(result)
}

fn instructions(settings: &Settings, path: &HotPath) -> Result<f64, String> {
    let out = settings.work.join("callgrind");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).map_err(|error| error.to_string())?;
    let file = format!("--callgrind-out-file={}", out.join("out").display());
    let wrapper = ["valgrind", "--quiet", "--tool=callgrind", &file].map(str::to_owned);
    let total = measured(settings, path, &wrapper, |subject, load| {
        let control = |what: &str| tell_callgrind(what, subject.id());
        control("--zero")?;
        load()?;
        control("--dump")?;
        total_of(&out)
    })?;
    let _ = fs::remove_dir_all(&out);
    Ok(total / path.requests as f64)
}

fn tell_callgrind(what: &str, process: u32) -> Result<(), String> {
    let mut command = Command::new("callgrind_control");
    command.arg(what).arg(process.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().map_err(|error| format!("callgrind_control: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("callgrind_control {what}: {status}")) }
}

/// The instructions in the dump, which callgrind writes a little after it was asked.
fn total_of(folder: &Path) -> Result<f64, String> {
    for _ in 0..100 {
        let dumps = fs::read_dir(folder).map_err(|error| error.to_string())?.filter_map(Result::ok);
        let texts = dumps.filter_map(|dump| fs::read_to_string(dump.path()).ok());
        let totals = texts.filter_map(|text| {
            let line = text.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
            line.trim().parse::<f64>().ok()
        });
        if let Some(total) = totals.reduce(f64::max) {
            return Ok(total);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("callgrind wrote no dump".into())
}

fn calls(settings: &Settings, path: &HotPath) -> Result<f64, String> {
    let out: PathBuf = settings.work.join("strace");
    let total = measured(settings, path, &[], |subject, load| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-o"]).arg(&out).arg("-p").arg(subject.id().to_string());
        let strace = strace.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut strace = strace.map_err(|error| format!("strace: {error}"))?;
        std::thread::sleep(Duration::from_millis(500));
        load()?;
        let id = i32::try_from(strace.id()).ok().and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or("no strace")?;
        rustix::process::kill_process(id, rustix::process::Signal::INT).map_err(|error| error.to_string())?;
        strace.wait().map_err(|error| error.to_string())?;
        let text = read(&out)?;
        let line = text.lines().rev().find(|line| line.ends_with("total")).ok_or("strace counted nothing")?;
        let calls = line.split_whitespace().nth(3).and_then(|calls| calls.parse::<f64>().ok());
        calls.ok_or(format!("strace says: {line}"))
    })?;
    let _ = fs::remove_file(&out);
    Ok(total / path.requests as f64)
}

const HEAD: &str = "# Instructions (callgrind) and system calls (strace) a request takes in the broker, by path, and the percent by which both\n\
                    # may grow before `cargo xtask counts` fails. `cargo xtask counts --write` writes this file; say why in the commit.\n";

fn write(file: &Path, counts: &[Count]) -> Result<(), String> {
    let lines = counts.iter().map(|one| {
        format!(
            "{:<45} | {:>9.0} | {:>6.2} | {:>3.0}\n",
            one.name, one.instructions, one.calls, one.tolerance
        )
    });
    let text = format!("{HEAD}{}", lines.collect::<String>());
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn parse(text: &str) -> Vec<Count> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut fields = line.split('|').map(str::trim);
            let name = fields.next()?.to_owned();
            let mut number = || fields.next()?.parse::<f64>().ok();
            Some(Count { name, instructions: number()?, calls: number()?, tolerance: number()? })
        })
        .collect()
}

/// Every path must be known and must not have grown beyond what it may; what shrank is said.
fn compare(counts: &[Count], kept: &[Count]) -> Result<(), String> {
    let mut grown = Vec::new();
    for now in counts {
        let Some(before) = kept.iter().find(|before| before.name == now.name) else {
            grown.push(format!("{}: not in the file", now.name));
            continue;
        };
        let figures = [
            (now.instructions, before.instructions, "instructions"),
            (now.calls, before.calls, "system calls"),
        ];
        for (now_is, was, what) in figures {
            let percent = (now_is / was - 1.0) * 100.0;
            let line = format!("{}: {was} {what} were kept, now {now_is:.2} ({percent:+.1} %)", now.name);
            if percent > before.tolerance {
                grown.push(line);
            } else if percent < -before.tolerance {
                println!("shrank: {line}");
            }
        }
    }
    if grown.is_empty() {
        Ok(())
    } else {
        Err(format!("hot paths take more than is kept:\n{}", grown.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(instructions: f64, calls: f64) -> Vec<Count> {
        vec![Count { name: "a path".into(), instructions, calls, tolerance: 5.0 }]
    }

    #[test]
    fn growth_beyond_the_tolerance_fails_and_shrinking_does_not() {
        let text = "# head\na path | 1000 | 4.00 | 5\n";
        for (now, fine) in [
            (count(1000.0, 4.0), true),
            (count(1049.0, 4.1), true),
            (count(500.0, 1.0), true),
            (count(1060.0, 4.0), false),
            (count(1000.0, 4.3), false),
        ] {
            assert_eq!(compare(&now, &parse(text)).is_ok(), fine);
        }
        assert!(compare(&count(1.0, 1.0), &parse("")).is_err(), "a path that is not kept");
    }
}
