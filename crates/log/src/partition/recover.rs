//! Recovery after a crash: what lies behind the recovery point is read, checked, and indexed anew.
//!
//! Where no sound batch begins:
//! - at or behind the durable end it is a torn write, which nobody was told of: the log is cut there;
//! - below it is rot: the place is reported and stays refused on reading, and what is sound behind it is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Offset;

use super::append::note_in_index;
use super::scan::{Bad, Scan};
use super::{Load, PartitionLog};
use crate::error::{Context, Result};
use crate::index::txn::AbortedTxn;
use crate::names::Kind;
use crate::planted::{self, Bug};
use crate::producers::{Change, Producers, marker_in};
use crate::segment::Segment;

/// What recovery did to one partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecoveryReport {
    /// The partition's folder.
    pub dir: PathBuf,
    /// Segments that were read.
    pub segments_read: usize,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// The torn tail that was cut off, if there was one.
    pub cut: Option<Cut>,
    /// Where the log ends after a truncation that a crash had interrupted, and that was finished.
    pub truncated: Option<Offset>,
    /// A folder under this partition's name that may have been that of a deleted namesake, and where it is now.
    pub set_aside: Option<PathBuf>,
    /// Places that had been sound once and are not any more.
    pub rot: Vec<Rot>,
}

impl RecoveryReport {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..Self::default() }
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.cut.is_none() && self.truncated.is_none() && self.set_aside.is_none() && self.rot.is_empty()
    }
}

/// A torn tail that was cut off: written, but never acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The file that was cut.
    pub path: PathBuf,
    /// Its length now.
    pub position: u64,
    /// The offset of the next append.
    pub offset: Offset,
    /// How many bytes went, later segments included.
    pub bytes: u64,
    /// What is wrong with what was there.
    pub reason: &'static str,
}

/// Bytes that were durable and are not a sound batch any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rot {
    /// The file.
    pub path: PathBuf,
    /// The first bad byte.
    pub position: u64,
    /// How many bytes up to the next sound batch.
    pub bytes: u64,
    /// The first offset that is lost.
    pub offset: Offset,
    /// The next offset that is there.
    pub next_offset: Offset,
    /// What is wrong.
    pub reason: &'static str,
}

const ENDS_EARLY: &str = "the file ends early";

/// The state that travels over the segments.
struct Walk {
    producers: Producers,
    next: i64,
    trusted_below: i64,
    durable_end: i64,
}

impl PartitionLog {
    pub(super) fn recover(&mut self, load: &Load, report: &mut RecoveryReport) -> Result<()> {
        let segments = self.segments();
        let trusted = load.recovery_point.0.max(self.shared.log_start());
        let first = segments.partition_point(|segment| segment.base_offset().0 <= trusted).saturating_sub(1);
        let Some(start) = segments.get(first).map(|segment| segment.base_offset().0) else { return Ok(()) };
        let trusted = trusted.max(start);
        self.epochs.truncate_end(trusted);
        let mut walk = Walk {
            producers: self.derive_producers(&segments, trusted)?,
            next: start,
            trusted_below: trusted,
            durable_end: load.durable_end.0.max(trusted),
        };
        let mut kept = segments.len();
        for (place, segment) in segments.iter().enumerate().skip(first) {
            let limit = segments.get(place + 1).map_or(i64::MAX, |next| next.base_offset().0);
            let cut = self.recover_segment(segment, limit, &mut walk, report)?;
            if cut {
                kept = place + 1;
                break;
            }
        }
        self.drop_behind(&segments, kept, report)?;
        // What is missing before the log's start was deleted, and nobody's any more.
        let read = walk.next.max(self.shared.log_start());
        if let Some(last) = self.active_segment().filter(|_| read < walk.durable_end) {
            report.rot.push(missing(&last, walk.next, walk.durable_end));
        }
        self.settle(first, walk, report.cut.is_some())
    }

    /// Whether the first segment is the one it should be. Where nothing was committed yet, the first one's name may be lost, and
    /// what follows it is a torn tail as a whole.
    pub(super) fn check_beginning(&mut self, load: &Load, report: &mut RecoveryReport) -> Result<()> {
        let segments = self.segments();
        let Some(first) = segments.first().filter(|first| first.base_offset() > load.log_start) else {
            return Ok(());
        };
        if load.durable_end.max(load.recovery_point) > load.log_start {
            report.rot.push(missing(first, load.log_start.0, first.base_offset().0));
            return Ok(());
        }
        let bytes = segments.iter().map(|segment| segment.size()).sum();
        let (path, reason) = (first.path(Kind::Log), "the segment before it is not there");
        report.cut = Some(Cut { path, position: 0, offset: load.log_start, bytes, reason });
        segments.iter().try_for_each(|segment| segment.remove_files())?;
        self.shared.segments.store(Arc::new(Vec::new()));
        self.remove_snapshots_beyond(-1)
    }

    /// Reads one segment; whether the log was cut in it.
    fn recover_segment(
        &mut self,
        segment: &Segment,
        limit: i64,
        walk: &mut Walk,
        report: &mut RecoveryReport,
    ) -> Result<bool> {
        let (position, first_offset) = self.resume(segment, walk.trusted_below)?;
        let mut aborted = segment.aborted()?;
        aborted.retain(|txn| txn.last_offset.0 < walk.trusted_below);
        walk.next = walk.next.max(first_offset);
        let mut scan = Scan::new(segment, position)?;
        report.segments_read += 1;
        report.bytes_read += segment.size() - position;
        let mut cut = false;
        loop {
            match self.next_sound(&mut scan, segment, limit, walk, &mut aborted)? {
                Ok(true) => {}
                Ok(false) => break,
                Err(bad) if bad.reason == ENDS_EARLY && walk.next < walk.durable_end => {
                    report.rot.push(missing(segment, walk.next, limit));
                    walk.next = limit;
                }
                Err(bad) if walk.next >= walk.durable_end => {
                    report.cut = Some(cut_at(segment, bad, walk.next)?);
                    cut = true;
                    break;
                }
                Err(bad) => report.rot.push(step_over(&mut scan, segment, bad, limit, walk)?),
            }
        }
        segment.set_aborted(aborted)?;
        super::append::note_largest(&self.active, segment)?;
        segment.close_indexes()?;
        Ok(cut)
    }

    /// Takes in the next batch; `Ok(false)` at the segment's end.
    fn next_sound(
        &mut self,
        scan: &mut Scan<'_>,
        segment: &Segment,
        limit: i64,
        walk: &mut Walk,
        aborted: &mut Vec<AbortedTxn>,
    ) -> Result<Result<bool, Bad>> {
        let (position, header) = match scan.next_header()? {
            Ok(Some(found)) => found,
            // Segments follow each other without a gap, also cleaned ones.
            Ok(None) if limit < i64::MAX && walk.next < limit && !planted::has(Bug::GapsAllowed) => {
                return Ok(Err(Bad { position: segment.size(), reason: ENDS_EARLY }));
            }
            Ok(None) => return Ok(Ok(false)),
            Err(bad) => return Ok(Err(bad)),
        };
        if header.base_offset.0 < walk.next {
            return Ok(Err(Bad { position, reason: "its offset was there before" }));
        }
        if header.next_offset().0 > limit {
            return Ok(Err(Bad { position, reason: "its offset belongs to the next segment" }));
        }
        let mut marker = None;
        if header.next_offset().0 > walk.trusted_below || header.attributes.is_control() {
            let bytes = scan.bytes(position, header.size())?;
            if let Err(reason) = crate::batch::whole(bytes)
                && !planted::has(Bug::TailTrusted)
            {
                return Ok(Err(Bad { position, reason }));
            }
            marker = header.attributes.is_control().then(|| marker_in(bytes)).flatten();
            if self.is_durable() && header.base_offset.0 >= walk.durable_end {
                // A start whose sync failed leaves this in the cache, clean and not on disk: only what is written is synced.
                let path = segment.path(Kind::Log);
                segment.log()?.write_all_at(bytes, position).during("write", &path)?;
            }
        }
        note_in_index(&mut self.active, segment, &header, position, self.config.index_interval_bytes)?;
        self.epochs.assign(header.partition_leader_epoch.0, header.base_offset.0);
        if header.base_offset.0 >= walk.trusted_below
            && let Change::Ended(ended) = walk.producers.update(&header, marker)
            && !ended.commit
        {
            aborted.push(AbortedTxn {
                producer: ended.producer,
                first_offset: Offset(ended.first_offset),
                last_offset: Offset(ended.marker_offset),
                last_stable_offset: Offset(
                    walk.producers.open_transactions().min().unwrap_or(ended.marker_offset + 1),
                ),
            });
        }
        walk.next = header.next_offset().0;
        Ok(Ok(true))
    }

    /// Removes the segments from `kept` on, which lie behind a cut.
    fn drop_behind(&self, segments: &[Arc<Segment>], kept: usize, report: &mut RecoveryReport) -> Result<()> {
        let gone = segments.get(kept..).unwrap_or_default();
        for segment in gone {
            if let Some(cut) = &mut report.cut {
                cut.bytes += segment.size();
            }
            segment.remove_files()?;
        }
        self.shared.segments.store(Arc::new(segments.get(..kept).unwrap_or_default().to_vec()));
        Ok(())
    }

    /// Makes what was found durable, and takes it as the log's state.
    fn settle(&mut self, first: usize, walk: Walk, cut: bool) -> Result<()> {
        let dir = self.path();
        let end = walk.next.max(self.shared.log_start());
        self.producers = walk.producers;
        self.shared.set_log_end(end);
        self.shared.set_open_transactions(self.producers.open_transactions());
        if end == walk.trusted_below && !cut {
            // Also here: one of a tail that is gone would be taken for the state of what will be written there.
            if !planted::has(Bug::StaleSnapshot) {
                self.remove_snapshots_beyond(end)?;
            }
            // A segment that was begun and never synced: a kill leaves its name, the power may yet take it.
            if let Some(last) =
                self.active_segment().filter(|last| last.base_offset().0 >= walk.trusted_below)
            {
                last.distrust_name();
            }
            return Ok(());
        }
        // A snapshot from before the crash may be of a log that was truncated since: only what was read now is believed.
        if !planted::has(Bug::StaleSnapshot) {
            self.remove_snapshots_beyond(walk.trusted_below)?;
        }
        self.write_snapshot(end)?;
        self.epochs.truncate_start(self.shared.log_start());
        self.epochs.store(&*self.context.disk, &dir)?;
        let start = self.segments().get(first).map_or(end, |segment| segment.base_offset().0);
        self.sync_behind(start)?;
        if end < walk.durable_end {
            // Rot took the tail: its offsets were given out and must never be given again.
            self.shared.set_log_end(walk.durable_end);
            self.roll(self.active.begun_ms)?;
        }
        Ok(())
    }
}

/// What is missing behind a segment's last batch.
fn missing(segment: &Segment, next: i64, upto: i64) -> Rot {
    Rot {
        path: segment.path(Kind::Log),
        position: segment.size(),
        bytes: 0,
        offset: Offset(next),
        next_offset: Offset(upto),
        reason: ENDS_EARLY,
    }
}

fn cut_at(segment: &Segment, bad: Bad, offset: i64) -> Result<Cut> {
    let path = segment.path(Kind::Log);
    let bytes = segment.size() - bad.position;
    segment.log()?.truncate(bad.position).during("cut", &path)?;
    segment.set_len(bad.position);
    Ok(Cut { path, position: bad.position, offset: Offset(offset), bytes, reason: bad.reason })
}

/// Finds where sound batches begin again behind a bad place and goes on there.
fn step_over(scan: &mut Scan<'_>, segment: &Segment, bad: Bad, limit: i64, walk: &mut Walk) -> Result<Rot> {
    let offset = walk.next;
    let sound = scan.find_sound(bad.position + 1, offset)?;
    let position = sound.unwrap_or(segment.size());
    scan.seek(position);
    let next = match scan.next_header()? {
        Ok(Some((_, header))) => header.base_offset.0,
        _ if limit == i64::MAX => offset,
        _ => limit,
    };
    scan.seek(position);
    walk.next = next;
    Ok(Rot {
        path: segment.path(Kind::Log),
        position: bad.position,
        bytes: position - bad.position,
        offset: Offset(offset),
        next_offset: Offset(next),
        reason: bad.reason,
    })
}
