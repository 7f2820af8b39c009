//! What a restart forgets about groups: for each one that has members, or is about to, its live state.
//!
//! Invariant: a classic group without live state is empty, and is what the log says.

use alloc::collections::{BTreeMap, BTreeSet};

use base::Str;

use super::classic::ClassicGroup;
use super::{Durable, Fx, Group, Settings, Timer};

/// The live state of a shard's groups, under the settings that hold.
#[derive(Debug)]
pub struct Live {
    pub(super) settings: Settings,
    pub(super) classic: BTreeMap<Str, ClassicGroup>,
}

impl Live {
    /// Nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, classic: BTreeMap::new() }
    }

    /// The live state of a classic group that has members, or is about to.
    pub fn classic(&self, group: &str) -> Option<&ClassicGroup> {
        self.classic.get(group)
    }

    /// Runs `change` on a group that has live state, and has it checked after the turn.
    pub(super) fn with(
        &mut self,
        id: &Str,
        fx: &mut Fx<'_>,
        change: impl FnOnce(&mut ClassicGroup, &Settings, &mut Fx<'_>),
    ) {
        if let Some(group) = self.classic.get_mut(id) {
            fx.touch(group.id());
            change(group, &self.settings, fx);
        }
    }

    /// The log is replayed: sessions begin anew, and groups that outgrew `group.max.size` are called to join again.
    pub(super) fn begin(&mut self, durable: &Durable, fx: &mut Fx<'_>) {
        for (id, Group::Classic(stored)) in durable.groups() {
            if stored.members.is_empty() {
                continue;
            }
            let mut group = ClassicGroup::restored(id.clone(), stored, fx.wall_ms);
            fx.touch(id);
            group.members().for_each(|member| group.extend_session(&member.id, fx));
            if group.members().count() > self.settings.group_max_size {
                group.prepare_rebalance(&self.settings, fx);
            }
            self.classic.insert(id.clone(), group);
        }
        fx.schedule(Timer::Expiry, self.settings.offsets_retention_check_interval_ms);
    }

    pub(super) fn end(&mut self, fx: &mut Fx<'_>) {
        for group in self.classic.values_mut() {
            group.abandon_all(fx);
        }
        self.classic.clear();
    }

    /// Checks what the turn touched, and lets go of groups that are no more than what the log says.
    pub(super) fn settle(&mut self, durable: &Durable, touched: &BTreeSet<Str>) {
        for id in touched {
            let Some(group) = self.classic.get(id) else { continue };
            group.check(durable.group(id).map(|Group::Classic(stored)| stored));
            if group.is_idle() {
                self.classic.remove(id);
            }
        }
    }
}
