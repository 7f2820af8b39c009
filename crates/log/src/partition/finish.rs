//! Finishing a truncation that a crash interrupted: nothing that it was to take away may stay, wherever it stopped.

use std::sync::Arc;

use base::Offset;

use super::recover::RecoveryReport;
use super::scan::Scan;
use super::{Load, PartitionLog};
use crate::error::{Context, Result};
use crate::intent;
use crate::names::Kind;
use crate::segment::Segment;

impl PartitionLog {
    /// Cuts the log as was intended, durably; what is to be believed of it from here on. The intents stay: they go when the
    /// partition is open.
    pub(super) fn finish_truncations(&mut self, load: &Load, report: &mut RecoveryReport) -> Result<Load> {
        if !load.finish_truncations {
            return Ok(*load);
        }
        let intents = intent::all(&*self.context.disk, &self.path())?;
        let restart = intents.iter().filter(|intent| intent.restart).map(|intent| intent.offset).max();
        let cut = intents.iter().filter(|intent| !intent.restart).map(|intent| intent.offset).min();
        let (end, load) = match (restart, cut) {
            (Some(start), _) => (start, self.empty_at(start, load)?),
            (None, Some(end)) => (end, self.cut_at(end, load)?),
            (None, None) => return Ok(*load),
        };
        report.truncated = Some(Offset(end));
        self.sync_names()?;
        Ok(load)
    }

    fn empty_at(&mut self, start: i64, load: &Load) -> Result<Load> {
        self.segments().iter().try_for_each(|segment| segment.remove_files())?;
        self.shared.segments.store(Arc::new(Vec::new()));
        self.remove_snapshots_beyond(-1)?;
        self.shared.set_log_start(start);
        self.shared.set_local_log_start(start);
        self.shared.set_log_end(start);
        let start = Offset(start);
        Ok(Load { recovery_point: start, durable_end: start, log_start: start, ..*load })
    }

    fn cut_at(&mut self, end: i64, load: &Load) -> Result<Load> {
        let segments = self.segments();
        let kept = segments.partition_point(|segment| segment.base_offset().0 < end).max(1);
        let (kept, gone) = segments.split_at_checked(kept).unwrap_or_default();
        gone.iter().try_for_each(|segment| segment.remove_files())?;
        self.shared.segments.store(Arc::new(kept.to_vec()));
        self.remove_snapshots_beyond(end)?;
        if let Some(last) = kept.last() {
            let position = first_at_or_behind(last, end)?;
            last.log()?.truncate(position).during("truncate", (last, Kind::Log))?;
            last.set_len(position);
            last.sync()?;
        }
        let least = |offset: Offset| offset.min(Offset(end));
        Ok(Load { recovery_point: least(load.recovery_point), durable_end: least(load.durable_end), ..*load })
    }

    fn sync_names(&self) -> Result<()> {
        let dir = self.path();
        self.context.disk.sync_dir(&dir).during("sync", &dir)
    }
}

/// Where the first batch begins that ends behind `end`; rot on the way is for recovery to report.
fn first_at_or_behind(segment: &Segment, end: i64) -> Result<u64> {
    let mut scan = Scan::new(segment, 0)?;
    loop {
        match scan.next_header()? {
            Ok(Some((position, header))) if header.next_offset().0 > end => return Ok(position),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(segment.size()),
            Err(bad) => match scan.find_sound(bad.position + 1, segment.base_offset().0)? {
                Some(position) => scan.seek(position),
                None => return Ok(segment.size()),
            },
        }
    }
}
