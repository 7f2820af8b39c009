//! `mekong log dump`: what the files of a partition hold, read without a broker and without changing anything.
//!
//! ```text
//! *.log                      batches, one after the other
//! *.index                    { offset - base i32 | position i32 }
//! *.timeindex                { timestamp i64 | offset - base i32 }
//! leader-epoch-checkpoint    text: version, count, { epoch start-offset }
//! ```
//! Each index entry is compared with the log beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use records::{Batch, Batches};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::text::to_base64;
use crate::time;

/// Uncompressed records of one batch may take this much.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

/// `mekong log …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Print batches, records and index entries; say what is wrong with them.
    Dump {
        /// Files, or folders of partitions.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Records too, not just batches.
        #[arg(long, short)]
        records: bool,
        /// Only count and check.
        #[arg(long, short)]
        quiet: bool,
    },
}

/// Runs it.
pub fn run(command: Command, output: &Output) -> Outcome {
    let Command::Dump { paths, records, quiet } = command;
    let mut dump = Dump { output, records, quiet, faults: 0 };
    for path in files(&paths)? {
        dump.file(&path)?;
    }
    match dump.faults {
        0 => Ok(()),
        faults => {
            Err(Failure::new(format!("{faults} faults found")).advise("They are marked with FAULT above."))
        }
    }
}

/// The files meant, folders opened, in order of names.
fn files(paths: &[PathBuf]) -> Outcome<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        let about = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
        if !path.metadata().map_err(about)?.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut inside: Vec<PathBuf> = path
            .read_dir()
            .map_err(about)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(about)?;
        inside.sort();
        all.extend(inside.into_iter().filter(|path| path.is_file()));
    }
    Ok(all)
}

struct Dump<'a> {
    output: &'a Output,
    records: bool,
    quiet: bool,
    faults: usize,
}

impl Dump<'_> {
    fn file(&mut self, path: &Path) -> Outcome {
        let bytes =
            std::fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("log") => self.log(path, &bytes),
            Some("index") => self.index(path, &bytes),
            Some("timeindex") => self.time_index(path, &bytes),
            _ if path.file_name().is_some_and(|name| name == "leader-epoch-checkpoint") => {
                self.text(path, &bytes)
            }
            _ => {
                self.output.note(format!(
                    "{}: {} bytes, not a kind of file this prints",
                    path.display(),
                    bytes.len()
                ));
                Ok(())
            }
        }
    }

    fn say(&self, text: impl FnOnce() -> String, value: impl FnOnce() -> Value) -> Outcome {
        match (self.quiet, self.output.is_json()) {
            (true, _) => Ok(()),
            (false, true) => self.output.value(&value()),
            (false, false) => self.output.line(text()),
        }
    }

    fn fault(&mut self, path: &Path, what: &str) -> Outcome {
        self.faults += 1;
        let value = json!({ "file": path.display().to_string(), "fault": what });
        self.output.either(format!("FAULT {}: {what}", path.display()), &value)
    }

    fn log(&mut self, path: &Path, bytes: &[u8]) -> Outcome {
        let (mut batches, mut records, mut next) = (0u64, 0i64, i64::MIN);
        for batch in Batches::new(bytes) {
            let batch = match batch {
                Ok(batch) => batch,
                // A file allocated ahead ends in zeros.
                Err(broken)
                    if bytes
                        .get(broken.position..)
                        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0)) =>
                {
                    break;
                }
                Err(broken) => {
                    self.fault(path, &broken.to_string())?;
                    break;
                }
            };
            batches += 1;
            records += i64::from(batch.header.records_count);
            self.batch(path, &batch)?;
            if batch.header.base_offset.get() < next {
                self.fault(
                    path,
                    &format!(
                        "offset {} at byte {} does not lie behind the batch before",
                        batch.header.base_offset, batch.position
                    ),
                )?;
            }
            next = batch.header.next_offset().get();
        }
        let text = format!("{}: {batches} batches, {records} records, {} bytes", path.display(), bytes.len());
        let value = json!({ "file": path.display().to_string(), "batches": batches, "records": records, "bytes": bytes.len() });
        self.output.either(text, &value)
    }

    fn batch(&mut self, path: &Path, batch: &Batch<'_>) -> Outcome {
        let header = batch.header;
        let codec = header.attributes.compression().map_or("unknown", records::CompressionType::name);
        let is_sound = batch.check_crc();
        self.say(
            || {
                let flags = [(header.attributes.is_transactional(), " transactional"), (header.attributes.is_control(), " control")];
                let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect();
                format!(
                    "{:>10}  offsets {}..{}  {} records  {} bytes  {codec}  epoch {}  producer {}/{}/{}  max {}{flags}",
                    batch.position, header.base_offset, header.last_offset(), header.records_count, header.size(),
                    header.partition_leader_epoch, header.producer_id, header.producer_epoch, header.base_sequence,
                    time::show(header.max_timestamp),
                )
            },
            || {
                json!({
                    "position": batch.position, "base_offset": header.base_offset.get(), "last_offset": header.last_offset().get(),
                    "records": header.records_count, "size": header.size(), "compression": codec,
                    "leader_epoch": header.partition_leader_epoch.get(), "producer_id": header.producer_id.get(),
                    "producer_epoch": header.producer_epoch, "base_sequence": header.base_sequence,
                    "max_timestamp": header.max_timestamp, "transactional": header.attributes.is_transactional(),
                    "control": header.attributes.is_control(), "crc": header.crc, "valid": is_sound.is_ok(),
                })
            },
        )?;
        if let Err(mismatch) = is_sound {
            self.fault(path, &format!("the batch at byte {}: {mismatch}", batch.position))?;
        }
        if self.records { self.batch_records(path, batch) } else { Ok(()) }
    }

    fn batch_records(&mut self, path: &Path, batch: &Batch<'_>) -> Outcome {
        let body = match batch.decompress(DECOMPRESSED_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return self.fault(path, &format!("the batch at byte {}: {error}", batch.position)),
        };
        for record in batch.records(&body) {
            let record = match record {
                Ok(record) => record,
                Err(malformed) => {
                    return self.fault(path, &format!("the batch at byte {}: {malformed}", batch.position));
                }
            };
            let headers = record
                .headers
                .map(|header| json!({ "key": lossy(Some(header.key)), "value": lossy(header.value) }));
            let headers: Vec<Value> = headers.collect();
            self.say(
                || {
                    format!(
                        "            {}  {}  key {}  value {}",
                        record.offset,
                        time::show(record.timestamp),
                        lossy(record.key),
                        lossy(record.value)
                    )
                },
                || {
                    json!({
                        "offset": record.offset.get(), "timestamp": record.timestamp,
                        "key": lossy(record.key), "value": lossy(record.value), "headers": headers,
                    })
                },
            )?;
        }
        Ok(())
    }

    /// Where batches of the log beside an index begin, by position.
    fn beside(path: &Path) -> BTreeMap<usize, (i64, i64, i64)> {
        let bytes = std::fs::read(path.with_extension("log")).unwrap_or_default();
        let of = |batch: Batch<'_>| {
            (
                batch.position,
                (
                    batch.header.base_offset.get(),
                    batch.header.last_offset().get(),
                    batch.header.max_timestamp,
                ),
            )
        };
        Batches::new(&bytes).map_while(Result::ok).map(of).collect()
    }

    fn index(&mut self, path: &Path, bytes: &[u8]) -> Outcome {
        let base = base_offset(path);
        let batches = Self::beside(path);
        for entry in used::<8>(bytes) {
            let (relative, position) = halves(entry);
            let offset = base + relative;
            self.say(
                || format!("offset {offset}  position {position}"),
                || json!({ "file": path.display().to_string(), "offset": offset, "position": position }),
            )?;
            let found = usize::try_from(position).ok().and_then(|position| batches.get(&position));
            if !found.is_some_and(|(first, last, _)| (*first..=*last).contains(&offset)) {
                self.fault(
                    path,
                    &format!("offset {offset} does not lie in a batch at byte {position} of the log"),
                )?;
            }
        }
        Ok(())
    }

    fn time_index(&mut self, path: &Path, bytes: &[u8]) -> Outcome {
        let base = base_offset(path);
        let batches = Self::beside(path);
        let mut before = i64::MIN;
        for entry in used::<12>(bytes) {
            let timestamp = entry.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
            let relative = entry
                .get(8..)
                .and_then(|rest| rest.first_chunk())
                .map_or(0, |bytes| i32::from_be_bytes(*bytes));
            let offset = base + i64::from(relative);
            self.say(
                || format!("timestamp {timestamp} ({})  offset {offset}", time::show(timestamp)),
                || json!({ "file": path.display().to_string(), "timestamp": timestamp, "offset": offset }),
            )?;
            let greatest =
                batches.values().filter(|(first, _, _)| *first <= offset).map(|(_, _, max)| *max).max();
            if timestamp < before || greatest.is_some_and(|greatest| greatest < timestamp) {
                self.fault(
                    path,
                    &format!("timestamp {timestamp} does not fit the log up to offset {offset}"),
                )?;
            }
            before = timestamp;
        }
        Ok(())
    }

    fn text(&self, path: &Path, bytes: &[u8]) -> Outcome {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().skip(2);
        for line in lines {
            let (epoch, start) = line.split_once(' ').unwrap_or((line, ""));
            self.say(
                || format!("epoch {epoch} begins at {start}"),
                || json!({ "file": path.display().to_string(), "epoch": epoch, "start_offset": start }),
            )?;
        }
        Ok(())
    }
}

/// The entries of an index up to the zeros of an allocation ahead; the first may be all zeros rightly.
fn used<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let entries = bytes.chunks_exact(N).enumerate();
    entries
        .take_while(|(place, entry)| *place == 0 && N == 8 || entry.iter().any(|byte| *byte != 0))
        .map(|(_, entry)| entry)
}

fn halves(entry: &[u8]) -> (i64, i64) {
    let number = |bytes: Option<&[u8]>| {
        bytes.and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| i64::from(i32::from_be_bytes(*bytes)))
    };
    (number(Some(entry)), number(entry.get(4..)))
}

/// The offset in a file's name.
fn base_offset(path: &Path) -> i64 {
    path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok()).unwrap_or(0)
}

fn lossy(bytes: Option<&[u8]>) -> String {
    match bytes.map(std::str::from_utf8) {
        None => "null".to_owned(),
        Some(Ok(text)) => text.to_owned(),
        Some(Err(_)) => format!("base64:{}", to_base64(bytes.unwrap_or_default())),
    }
}
