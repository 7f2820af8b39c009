//! What the node does while it lives, one thing at a time.

use log::DeletedBecause;

use super::*;

impl World {
    pub(super) fn roll(&mut self, partition: i32) -> Result<(), LogError> {
        let log = self.log(partition);
        let is_due = log.size() > 0;
        log.roll(NOW)?;
        self.done.rolls += u64::from(is_due);
        Ok(())
    }

    /// Much for one segment and a little for the next, in one round.
    pub(super) fn burst(&mut self, partition: i32) -> Result<(), LogError> {
        for len in [2_000, 2_500] {
            self.append_one(partition, len)?;
        }
        self.log(partition).flush()?;
        self.roll(partition)?;
        self.append_one(partition, 20)?;
        self.log(partition).flush()?;
        self.commit()
    }

    pub(super) fn append(&mut self, partition: i32) -> Result<(), LogError> {
        let count = 1 + self.random.below(3);
        for _ in 0..count {
            let len =
                if self.random.below(5) == 0 { self.random.below(3_000) } else { self.random.below(60) };
            self.append_one(partition, len)?;
        }
        self.log(partition).flush()
    }

    pub(super) fn append_one(&mut self, partition: i32, len: u64) -> Result<(), LogError> {
        let idempotent = self.random.below(2) == 0;
        let model = self.models.get_mut(&partition).expect("a model");
        let producer = if idempotent {
            ProducerFields { id: 7.into(), epoch: 0, base_sequence: model.sequence }
        } else {
            ProducerFields::NONE
        };
        let batches = batch(&self.random, len as usize, producer);
        let covered: Bytes = batches.to_bytes().slice(21..);
        let records = batches.iter().map(|batch| batch.header().records_count).sum::<i32>();
        let leader_epoch = LeaderEpoch(model.epoch);
        let how = Append { leader_epoch, origin: Origin::Client, now_ms: self.now_ms };
        let node = self.node.as_mut().expect("a node");
        let log = node.logs.get_mut(&partition).expect("a log");
        let expected = log.log_end();
        // What was tried may be there after a crash, whether or not the call comes back.
        model.written.entry(expected.0).or_default().push(covered);
        let info = log.stage(batches, &how)?;
        assert_eq!(info.first_offset, expected);
        model.starts.insert(expected.0);
        if idempotent {
            model.sent_sequences.push((model.sequence, expected.0));
            model.sequence += records;
        }
        self.done.appends += 1;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<(), LogError> {
        let node = self.node.as_mut().expect("a node");
        let round = node.committer.commit_round(self.now_ms)?;
        for model in self.models.values_mut() {
            model.reopened = false;
            // Every truncation is durable now.
            model.doomed.clear();
        }
        for committed in round.committed {
            let model = self.models.get_mut(&committed.key.partition).expect("a model");
            if model.key != committed.key {
                continue;
            }
            let view = committed.reader.view();
            assert_eq!(view.durable_end, committed.durable_end);
            committed.reader.advance_high_watermark(committed.durable_end);
            model.acked_upto(committed.durable_end.0);
            model.acked_start = model.acked_start.max(view.durable_log_start.0);
        }
        Ok(())
    }

    pub(super) fn delete_records(&mut self, partition: i32) -> Result<(), LogError> {
        let view = self.log(partition).view();
        let span = (view.high_watermark.0 - view.log_start.0).max(0) as u64;
        let offset = Offset(view.log_start.0 + self.random.below(span / 2 + 1) as i64);
        let model = self.models.get_mut(&partition).expect("a model");
        model.asked_start = model.asked_start.max(offset.0);
        self.log(partition).advance_log_start(offset).map(|_| ())
    }

    /// `retention.bytes` and `retention.ms` of the moment.
    pub(super) fn retain(&mut self, partition: i32) -> Result<(), LogError> {
        let kept = self.random.below(10_000);
        let config = LogConfig { retention_bytes: kept as i64, ..(*self.config).clone() };
        let (now_ms, usual) = (self.now_ms, Arc::clone(&self.config));
        let end = self.log(partition).log_end().0;
        let model = self.models.get_mut(&partition).expect("a model");
        // Until the call comes back, any start may have been decided.
        let before = std::mem::replace(&mut model.asked_start, end);
        let log = self.log(partition);
        log.set_config(Arc::new(config))?;
        let deleted = log.delete_old_segments(now_ms)?;
        let by_size = deleted.iter().any(|gone| gone.because == DeletedBecause::Size);
        let by_age = deleted.iter().any(|gone| gone.because == DeletedBecause::Age);
        assert!(!by_size || by_age || log.size() >= kept, "{deleted:?} left {} bytes of {kept}", log.size());
        let start = log.log_start().0;
        log.set_config(usual)?;
        let model = self.models.get_mut(&partition).expect("a model");
        model.asked_start = start.max(before);
        // Often the files' delay is over before the start is durable.
        if self.random.below(2) == 0 { self.log(partition).on_tick(now_ms + 2_000) } else { Ok(()) }
    }

    /// A follower that diverged from its leader goes back, often beyond what was committed.
    pub(super) fn truncate(&mut self, partition: i32) -> Result<(), LogError> {
        let now_ms = self.now_ms;
        let view = self.log(partition).view();
        let model = self.models.get_mut(&partition).expect("a model");
        if model.reopened {
            return Ok(());
        }
        let cuts = model.cuts(view.log_start.0, view.log_end.0);
        let offset = cuts.get(self.random.below(cuts.len() as u64) as usize).copied().unwrap_or_default();
        model.will_be_cut(offset);
        let cut = self.log(partition).truncate_to(Offset(offset), now_ms);
        self.or_uncut(partition, cut)?;
        self.follow(partition);
        assert_eq!(self.log(partition).log_end(), Offset(offset));
        Ok(())
    }

    /// A follower whose leader no longer has what it would need begins further on.
    pub(super) fn begin_anew(&mut self, partition: i32) -> Result<(), LogError> {
        let (now_ms, ahead) = (self.now_ms, self.random.below(50) as i64);
        let offset = self.log(partition).log_end().0 + ahead;
        let model = self.models.get_mut(&partition).expect("a model");
        if model.reopened {
            return Ok(());
        }
        model.will_be_cut(0);
        model.asked_start = model.asked_start.max(offset);
        let cut = self.log(partition).truncate_fully(Offset(offset), now_ms);
        self.or_uncut(partition, cut)?;
        self.follow(partition);
        Ok(())
    }

    pub(super) fn or_uncut(&mut self, partition: i32, cut: Result<(), LogError>) -> Result<(), LogError> {
        if cut.is_err() {
            self.models.get_mut(&partition).expect("a model").was_not_cut();
        }
        cut
    }

    /// A truncated log goes on as its leader has it.
    pub(super) fn follow(&mut self, partition: i32) {
        let node = self.node.as_ref().expect("a node");
        let model = self.models.get_mut(&partition).expect("a model");
        model.resume(node.logs.get(&partition).expect("a log"));
    }

    /// The topic is deleted and created again under its name.
    pub(super) fn recreate(&mut self, partition: i32) -> Result<(), LogError> {
        self.topics = self.topics.wrapping_add(1);
        let model = Model::new(key(self.topics, partition));
        let new = model.key;
        self.models.insert(partition, model);
        let (config, now_ms) = (Arc::clone(&self.config), self.now_ms);
        let node = self.node.as_mut().expect("a node");
        let mut old = node.logs.remove(&partition).expect("a log");
        node.dir.delete_partition(&mut old)?;
        if self.random.below(2) == 0 {
            old.remove_dir()?;
        }
        let log = node.dir.open_partition("t", new, config, now_ms)?.log;
        node.logs.insert(partition, log);
        if self.random.below(3) == 0 {
            // This one too is gone before anything of it was durable.
            self.append(partition)?;
            return self.recreate(partition);
        }
        Ok(())
    }

    /// A partition is closed and opened again while the node runs.
    pub(super) fn reopen(&mut self, partition: i32) -> Result<(), LogError> {
        let view = self.log(partition).view();
        let start_waits = view.durable_log_start < view.log_start;
        if start_waits || self.models.get(&partition).is_some_and(|model| model.was_cut) {
            self.commit()?;
        }
        let (config, now_ms) = (Arc::clone(&self.config), self.now_ms);
        let node = self.node.as_mut().expect("a node");
        let mut log = node.logs.remove(&partition).expect("a log");
        let (key, view) = (log.key(), log.view());
        if self.random.below(2) == 0 {
            node.dir.close_partition(&mut log)?;
        } else {
            drop(log);
        }
        let loaded = node.dir.open_partition("t", key, config, now_ms)?;
        assert!(loaded.report.is_quiet(), "{:?}", loaded.report);
        assert_eq!(loaded.log.log_end(), view.log_end);
        loaded.log.advance_high_watermark(view.high_watermark);
        node.logs.insert(partition, loaded.log);
        let model = self.models.get_mut(&partition).expect("a model");
        model.reopened = true;
        if view.log_end > view.log_start && !model.was_cut {
            model.acked_upto(view.log_end.0);
        }
        Ok(())
    }

    /// The last acknowledged batch of each idempotent producer is recognised when it comes again, or its successor continues.
    pub(super) fn check_producers(&mut self) {
        let partitions: Vec<_> = self.models.keys().copied().collect();
        for partition in partitions {
            let model = self.models.get_mut(&partition).expect("a model");
            let node = self.node.as_mut().expect("a node");
            let log = node.logs.get_mut(&partition).expect("a log");
            let state = log.producers().find(|producer| producer.id == 7.into());
            if let Some((sequence, offset)) = model.last_acked_sequence
                && offset >= log.log_start().0
            {
                let state = state.expect("a producer with an acknowledged batch is known");
                assert!(state.last_sequence >= sequence, "{state:?} {model:?}");
            }
            if let Some(last) = model.last_sequence() {
                let found = state.map(|state| state.last_sequence);
                assert_eq!(found, Some(last), "{state:?} does not follow from {model:?}");
            }
            // Unacknowledged batches may have survived or not: the client asks and goes on behind what is there.
            model.sequence = state.map_or(0, |state| state.last_sequence + 1);
        }
    }
}
