//! Opening a partition's folder: what is in it, where the log ends, what follows from its batches.
//!
//! After a clean stop only the youngest entries of the last segment are read; otherwise [`super::recover`] looks at what lies
//! behind the recovery point.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use base::{Offset, TopicIdPartition};

use super::append::note_in_index;
use super::recover::RecoveryReport;
use super::scan::{Bad, Scan};
use super::{Active, PartitionLog};
use crate::commit::Item;
use crate::config::LogConfig;
use crate::context::LogContext;
use crate::epochs::Epochs;
use crate::error::{Context, LogError, Result};
use crate::names::{self, Kind};
use crate::planted::{self, Bug};
use crate::producers::{Producers, marker_in, snapshot};
use crate::segment::{Place, Segment};
use crate::view::Shared;

/// What is known of a partition before its folder is opened.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The directory was stopped in order, so that its files may be believed.
    pub clean: bool,
    /// Below this everything is durable and sound in the segments.
    pub recovery_point: Offset,
    /// Below this everything was committed: what is bad below is rot, what is bad from here on a torn write.
    pub durable_end: Offset,
    /// The first offset that may be read.
    pub log_start: Offset,
    /// Whether `log_start` is known for certain, so that records must begin there.
    pub log_start_is_certain: bool,
    /// Whether truncations that a crash interrupted are finished: at the first opening after an unclean stop.
    pub finish_truncations: bool,
    /// Whether the commit log may hold frames of it, or the directory's bounds lie behind its recovery point: until the committer
    /// says otherwise no segment may be replaced.
    pub needs_commit_log: bool,
    /// The wall clock, in milliseconds.
    pub now_ms: i64,
}

impl Load {
    /// As after a clean stop, with nothing else known.
    #[must_use]
    pub const fn clean(now_ms: i64) -> Self {
        let zero = Offset(0);
        Self {
            clean: true,
            recovery_point: zero,
            durable_end: zero,
            log_start: zero,
            log_start_is_certain: false,
            finish_truncations: false,
            needs_commit_log: false,
            now_ms,
        }
    }

    /// As after a crash, with nothing else known.
    #[must_use]
    pub const fn unclean(now_ms: i64) -> Self {
        Self { clean: false, ..Self::clean(now_ms) }
    }
}

/// A partition that was opened.
#[derive(Debug)]
pub struct Loaded {
    /// The log.
    pub log: PartitionLog,
    /// What recovery found, for the shell to log; nothing after a clean stop.
    pub report: RecoveryReport,
}

impl PartitionLog {
    /// Opens the log in `dir`, which need not be there: the folder comes with the first append.
    pub fn open(
        context: &Arc<LogContext>,
        key: TopicIdPartition,
        dir: &Path,
        config: Arc<LogConfig>,
        load: &Load,
    ) -> Result<Loaded> {
        let mut log = Self {
            shared: Arc::new(Shared::new(key, &context.hot)),
            context: Arc::clone(context),
            config,
            place: Place::new(dir),
            has_dir: false,
            active: Active::new(load.now_ms, 0),
            staged: super::append::Staged::default(),
            producers: Producers::default(),
            epochs: Epochs::default(),
            deleting: Vec::new(),
            unsynced: super::relaxed::Unsynced::default(),
        };
        log.shared.set_log_start(load.log_start.0);
        log.shared.set_local_log_start(load.log_start.0);
        log.shared.set_log_end(load.log_start.0);
        let mut report = RecoveryReport::new(dir);
        if log.find_segments(dir, load.log_start.0)? {
            log.has_dir = true;
            let load = log.finish_truncations(load, &mut report)?;
            log.read_state(&load, &mut report)?;
            log.remove_stray_snapshots()?;
        }
        let (start, end) = (log.shared.log_start(), log.shared.log_end());
        log.shared.advance_durable(end, log.shared.truncations());
        log.shared.set_durable_log_start(start);
        // What was opened is durable now: a clean stop left it so, and recovery synced what it read. But a restart does not know
        // that yet: it would replay frames over a cleaned segment, or take the gaps in it for rot.
        if load.needs_commit_log {
            log.shared.advance_recovery_point(start);
            log.tell(|source| Item::Opened { source, end });
        } else {
            log.shared.advance_recovery_point(end);
        }
        log.unsynced = super::relaxed::Unsynced::from(end);
        Ok(Loaded { log, report })
    }

    /// Fills the list of segments; whether the folder is there.
    fn find_segments(&mut self, dir: &Path, log_start: i64) -> Result<bool> {
        let disk = Arc::clone(&self.context.disk);
        let mut entries = match disk.list(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other.during("list", dir)?,
        };
        if crate::cleaner::swap::finish(&*disk, dir, &entries)? {
            entries = disk.list(dir).during("list", dir)?;
        }
        let mut logs = BTreeMap::new();
        for entry in entries.iter().filter(|entry| !entry.is_dir) {
            let path = dir.join(&entry.name);
            match names::parse_segment_file(&entry.name) {
                Some((base, Kind::Log, "")) => {
                    logs.insert(base, disk.len(&path).during("look at", &path)?);
                }
                Some((_, _, names::DELETED)) => {
                    disk.remove(&path).during("remove", &path)?;
                }
                _ => {}
            }
        }
        let (place, files) = (&self.place, &self.context.files);
        let mut segments: Vec<_> =
            logs.iter().map(|(base, len)| Arc::new(Segment::load(place, *base, *len, files))).collect();
        // What lies before the log's start was deleted; a crash, or frames of the time before, brought the files back.
        let gone = segments.partition_point(|segment| segment.base_offset().0 <= log_start).saturating_sub(1);
        segments.drain(..gone).try_for_each(|segment| segment.remove_files())?;
        self.shared.segments.store(Arc::new(segments));
        Ok(true)
    }

    fn read_state(&mut self, load: &Load, report: &mut RecoveryReport) -> Result<()> {
        let dir = self.path();
        if !load.clean && load.log_start_is_certain {
            self.check_beginning(load, report)?;
        }
        let segments = self.segments();
        let Some(first) = segments.first() else { return Ok(()) };
        let start = load.log_start.0.max(first.base_offset().0);
        self.shared.set_log_start(start);
        self.shared.set_local_log_start(start);
        self.shared.set_log_end(start);
        self.epochs = match Epochs::load(&*self.context.disk, &dir) {
            Err(LogError::Corrupt { .. }) => Epochs::default(),
            other => other?,
        };
        if self.epochs.latest().is_none() {
            // What lies behind is not known to be sound; recovery notes its epochs as it reads it.
            let end = if load.clean { i64::MAX } else { load.recovery_point.0.max(start) };
            self.rebuild_epochs(&segments, end)?;
        }
        if load.clean {
            self.find_end()?;
            self.derive_anew()
        } else {
            self.recover(load, report)
        }
    }

    /// Reads the leader epochs off the batches: the file was lost in a crash.
    fn rebuild_epochs(&mut self, segments: &[Arc<Segment>], end: i64) -> Result<()> {
        for segment in segments {
            let mut scan = Scan::new(segment, 0)?;
            let mut next = segment.base_offset().0;
            while let Some((_, header)) = scan.next_below(end, &mut next)? {
                self.epochs.assign(header.partition_leader_epoch.0, header.base_offset.0);
            }
        }
        if self.epochs.latest().is_some() { self.store_epochs() } else { Ok(()) }
    }

    /// After a clean stop: the last segment's end, from its last index entry on.
    fn find_end(&mut self) -> Result<()> {
        let Some(segment) = self.active_segment() else { return Ok(()) };
        if !super::resume::last_entries_hold(&segment)? {
            // Trusting them would hide the segment's last batches, and the next append would take their offsets.
            segment.offsets.clear();
            segment.times.clear();
            segment.empty_indexes()?;
        }
        let mut scan = Scan::new(&segment, segment.position_for(i64::MAX)?)?;
        let mut end = segment.base_offset().0;
        loop {
            match scan.next_header()? {
                Ok(Some((position, header))) if header.base_offset.0 < end => {
                    return Err(segment.corrupt(position, end, "its offset was there before"));
                }
                Ok(Some((_, header))) => end = header.next_offset().0,
                Ok(None) => break,
                Err(Bad { position, reason }) => return Err(segment.corrupt(position, end, reason)),
            }
        }
        self.shared.set_log_end(end.max(self.shared.log_start()));
        Ok(())
    }

    /// Reads again from the files what follows from the batches up to the log's end: producers, epochs, the open indexes.
    pub(super) fn derive_anew(&mut self) -> Result<()> {
        let end = self.shared.log_end();
        self.epochs.truncate_end(end);
        self.epochs.truncate_start(self.shared.log_start());
        let segments = self.segments();
        if let Some(segment) = segments.last() {
            self.resume_indexes(segment, end)?;
        }
        self.producers = self.derive_producers(&segments, end)?;
        self.shared.set_open_transactions(self.producers.open_transactions());
        Ok(())
    }

    /// Cuts the written segment's indexes to `end`, and learns what its writer must know.
    fn resume_indexes(&mut self, segment: &Segment, end: i64) -> Result<()> {
        let relative = end - segment.base_offset().0;
        let (index, times) = (segment.path(Kind::Index), segment.path(Kind::TimeIndex));
        let beyond = |last: i32| i64::from(last) >= relative;
        segment
            .offsets
            .truncate(|entry| beyond(entry.relative), &|| segment.file(Kind::Index))
            .during("cut", &index)?;
        segment
            .times
            .truncate(|entry| beyond(entry.relative), &|| segment.file(Kind::TimeIndex))
            .during("cut", &times)?;
        let mut active = Active { jitter_ms: self.active.jitter_ms, ..Active::new(self.active.begun_ms, 0) };
        if let Some(last) = segment.times.last(&|| segment.file(Kind::TimeIndex)).during("read", &times)? {
            active.largest = (last.timestamp, segment.base_offset().0 + i64::from(last.relative));
        }
        let mut scan = Scan::new(segment, 0)?;
        active.first_timestamp = scan.next_header()?.ok().flatten().map(|(_, header)| header.max_timestamp);
        scan.seek(segment.position_for(i64::MAX)?);
        while let Ok(Some((position, header))) = scan.next_header()? {
            note_in_index(&mut active, segment, &header, position, self.config.index_interval_bytes)?;
        }
        self.active = active;
        Ok(())
    }

    /// The producers' state at `end`: the youngest sound snapshot and the batches behind it.
    pub(super) fn derive_producers(&self, segments: &[Arc<Segment>], end: i64) -> Result<Producers> {
        let (from, mut producers) = self.youngest_snapshot(end)?;
        let first = segments.partition_point(|segment| segment.base_offset().0 <= from).saturating_sub(1);
        for segment in segments.iter().skip(first).take_while(|segment| segment.base_offset().0 < end) {
            replay(segment, from, end, &mut producers)?;
        }
        Ok(producers)
    }

    fn youngest_snapshot(&self, end: i64) -> Result<(i64, Producers)> {
        let dir = self.path();
        let disk = &self.context.disk;
        let entries = disk.list(&dir).during("list", &dir)?;
        let bases = entries.iter().filter_map(|entry| names::parse_segment_file(&entry.name));
        let mut bases: Vec<_> = bases
            .filter(|(base, kind, suffix)| {
                *kind == Kind::Snapshot
                    && suffix.is_empty()
                    && (*base <= end || planted::has(Bug::StaleSnapshot))
            })
            .map(|(base, ..)| base)
            .collect();
        bases.sort_unstable();
        for base in bases.into_iter().rev() {
            let path = names::segment_file(&dir, base, Kind::Snapshot);
            // A bad snapshot is worth as much as none: an older one and more batches give the same.
            if let Ok(producers) = snapshot::decode(&disk.read(&path).during("read", &path)?) {
                return Ok((base, producers));
            }
        }
        Ok((self.shared.log_start(), Producers::default()))
    }
}

/// Updates the producers with a segment's batches in `from..end`.
fn replay(segment: &Segment, from: i64, end: i64, producers: &mut Producers) -> Result<()> {
    let mut scan = Scan::new(segment, segment.position_for(from)?)?;
    let mut next = segment.base_offset().0;
    // Rot below the end was reported by recovery; what it held is lost to the producers' state too.
    while let Some((position, header)) = scan.next_below(end, &mut next)? {
        if header.next_offset().0 <= from {
            continue;
        }
        let marker = if header.attributes.is_control() {
            marker_in(scan.bytes(position, header.size())?)
        } else {
            None
        };
        producers.update(&header, marker);
    }
    Ok(())
}
