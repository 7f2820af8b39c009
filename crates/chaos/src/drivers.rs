//! The clients: programs that work for a while and write one line of JSON for each thing they did.
//!
//! ```text
//! {"t":"assign","m":[0,1,…]}                                    the consumer reads these partitions from now on
//! {"t":"subscribe","m":[0,1,…]}                                 it shares them with its group
//! {"t":"send","s":ns,"e":ns,"k":0,"v":17,"o":3,"r":"ok"}        a record sent; "info" where nobody knows, "o" -1 then
//! {"t":"poll","s":ns,"e":ns,"m":[[partition,offset,value],…]}   what a poll brought
//! {"t":"full","s":ns,"e":ns,"k":0,"ls":0,"m":[[offset,value],…]}  a partition from its start to its end
//! {"t":"set","s":ns,"e":ns,"k":3,"v":1,"r":"ok"}  {"t":"get",…}  a topic made (1) or deleted (0), or looked for
//! ```
//!
//! Each is called `DRIVER BOOTSTRAP TOPIC PARTITIONS produce|assign|subscribe|… SECONDS FIRST-VALUE`; times are of the monotonic clock. A line
//! `{"t":"life"}` says that what follows is another client's: of one whose send had no known outcome nothing more is expected.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use checker::{Call, History, Mop, Op, Outcome as Ended};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::network::bootstrap;
use crate::own::{PARTITIONS, TOPIC};
use crate::plan::{Library, Plan, Workload};
use crate::{Options, Outcome};

/// How long after their time clients may still come to an end.
const DRAIN: Duration = Duration::from_secs(60);

/// Nanoseconds of the monotonic clock, which all clients share.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Running clients, each with the file it writes.
pub struct Drivers {
    children: Vec<(Child, PathBuf)>,
    until: Instant,
}

impl Drivers {
    /// Starts the clients of a plan.
    pub fn start(plan: &Plan, options: &Options, folder: &Path) -> Outcome<Self> {
        let until = Instant::now() + Duration::from_secs(plan.seconds) + DRAIN;
        let mut drivers = Self { children: Vec::new(), until };
        let foreign = command(plan.library, options)?;
        let own = command(Library::Own, options)?;
        let consume = match plan.workload {
            Workload::Assign | Workload::Append | Workload::Admin => "assign",
            Workload::Subscribe => "subscribe",
            Workload::Churn => "churn",
        };
        let mut wanted = vec![(&foreign, "produce"), (&foreign, consume), (&own, "produce")];
        match plan.workload {
            Workload::Subscribe => wanted.push((&foreign, "subscribe")),
            Workload::Churn => wanted.extend([(&foreign, "churn"), (&foreign, "subscribe")]),
            Workload::Append => wanted.push((&own, "full")),
            Workload::Admin => wanted.push((&own, "admin")),
            Workload::Assign => wanted.push((&own, "assign")),
        }
        for (place, (program, mode)) in wanted.into_iter().enumerate() {
            drivers.launch(plan, program, mode, place, folder)?;
        }
        Ok(drivers)
    }

    fn launch(
        &mut self,
        plan: &Plan,
        program: &[String],
        mode: &str,
        place: usize,
        folder: &Path,
    ) -> Outcome {
        let path = folder.join(format!("client-{place}.jsonl"));
        let file = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let (first, rest) = program.split_first().ok_or("a driver has a program")?;
        let mut command = Command::new(first);
        command.args(rest).arg(bootstrap()).args([TOPIC, &PARTITIONS.to_string(), mode]);
        command.arg(plan.seconds.to_string()).arg((1_000_000 * (place + 1)).to_string());
        command.stdin(Stdio::null()).stdout(file(&path)?).stderr(file(&path.with_extension("log"))?);
        let child = command.spawn().map_err(|error| format!("{first}: {error}"))?;
        self.children.push((child, path));
        Ok(())
    }

    /// Waits for all, and reads what they wrote; and which of them did nothing that succeeded.
    pub fn collect(mut self) -> Outcome<(History, Vec<String>)> {
        let (mut history, mut idle) = (History::default(), Vec::new());
        for (place, (child, path)) in self.children.iter_mut().enumerate() {
            while child.try_wait().map_err(|error| error.to_string())?.is_none() {
                if Instant::now() > self.until {
                    // A client that does not end is cut off; what it wrote counts.
                    let _ = child.kill();
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let text = fs::read_to_string(&*path).map_err(|error| error.to_string())?;
            let mut process = u32::try_from(place).unwrap_or(0) * 1000;
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let before = history.ops.len();
            for line in lines {
                process += u32::from(line.get("t").and_then(Value::as_str) == Some("life"));
                history.ops.extend(operation(process, &line));
            }
            let own = history.ops.get(before..).unwrap_or_default();
            if !own.iter().any(checker::Op::is_ok) {
                idle.push(format!("a client did nothing: {}", path.display()));
            }
        }
        history.ops.sort_by_key(|op| op.completed);
        Ok((history, idle))
    }
}

impl Drop for Drivers {
    fn drop(&mut self) {
        for (child, _) in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(library: Library, options: &Options) -> Outcome<Vec<String>> {
    let at = |name: &str| options.drivers.join(name).display().to_string();
    Ok(match library {
        Library::Librdkafka => vec![at("venv/bin/python"), at("driver.py")],
        Library::Java => {
            let jars = format!("{}:{}", at("classes"), at("libs/*"));
            ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &jars, "Driver"]
                .map(str::to_owned)
                .into()
        }
        Library::FranzGo => vec![at("driver-go")],
        Library::Own => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            vec![own.display().to_string(), "client".to_owned()]
        }
    })
}

fn operation(process: u32, line: &Value) -> Option<Op> {
    let number = |name: &str| line.get(name).and_then(Value::as_i64);
    let key = || number("k").and_then(|key| u32::try_from(key).ok());
    let rows = || line.get("m").and_then(Value::as_array).into_iter().flatten();
    let keys = || rows().filter_map(|key| u32::try_from(key.as_u64()?).ok()).collect::<Vec<_>>();
    let call = match line.get("t")?.as_str()? {
        "assign" => Call::Assign(keys()),
        "subscribe" => Call::Subscribe(keys()),
        "send" => {
            let offset = number("o").filter(|offset| *offset >= 0);
            let value = u64::try_from(number("v")?).ok()?;
            Call::Records(vec![Mop::Send { key: key()?, value, offset }])
        }
        "poll" => Call::Records(vec![Mop::Poll { records: rows().filter_map(polled).collect() }]),
        "full" => {
            let records = rows().filter_map(|row| Some((row.get(0)?.as_i64()?, row.get(1)?.as_u64()?)));
            Call::FullRead { key: key()?, log_start: number("ls")?, records: records.collect() }
        }
        "set" => Call::Set { register: u64::from(key()?), value: number("v")? },
        "get" => Call::Get { register: u64::from(key()?), value: number("v")? },
        _ => return None,
    };
    let time = |name: &str| number(name).and_then(|time| u64::try_from(time).ok());
    let outcome = match line.get("r").and_then(Value::as_str) {
        None | Some("ok") => Ended::Ok,
        _ => Ended::Info,
    };
    let completed = time("e").unwrap_or_else(now);
    Some(Op::new(process, time("s").unwrap_or(completed), completed, outcome, call))
}

fn polled(row: &Value) -> Option<(u32, i64, u64)> {
    Some((u32::try_from(row.get(0)?.as_u64()?).ok()?, row.get(1)?.as_i64()?, row.get(2)?.as_u64()?))
}
