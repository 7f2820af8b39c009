//! Applying records.

use std::sync::Arc;

use schema::Guid;

use super::{Context, Entry, Store, Version};
use crate::config::Mode;
use crate::log::LogEntry;
use crate::record::{Change, Content, Key, SchemaValue, What};
use crate::subject;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It counts.
    Done,
    /// It claimed a version that something else has: it does not count.
    Lost,
    /// It claimed an id that something else has, for a version that nothing has: it does not count.
    LostId,
    /// It says nothing to this registry.
    Nothing,
}

impl Applied {
    /// Whether it does not count since something else was first.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Lost | Self::LostId)
    }
}

impl Store {
    /// The offset after the last record applied.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Applies the record at its offset.
    pub fn apply(&mut self, entry: &LogEntry) -> Applied {
        self.seen(entry.offset);
        match Change::read(&entry.key, entry.value.as_deref()) {
            Some(change) => self.change(&change, entry.timestamp),
            None => Applied::Nothing,
        }
    }

    /// Notes that the record at an offset was met.
    pub(crate) fn seen(&mut self, offset: i64) {
        self.next_offset = self.next_offset.max(offset + 1);
    }

    /// Applies what a record says, be it in the log already or on its way there.
    pub(crate) fn change(&mut self, change: &Change, timestamp: i64) -> Applied {
        if let Some(layout) = &change.layout
            && let Some(layouts) = self.other_layouts.of(change.key.clone())
        {
            layouts.insert(layout.clone());
        }
        match (&change.key, &change.what) {
            (Key::Schema { subject, version }, What::Schema(value)) => {
                return self.put_version(subject, *version, value, timestamp);
            }
            (Key::Schema { subject, version }, What::Opaque(id)) => {
                self.put_opaque(subject, *version, *id);
                return Applied::Nothing;
            }
            (Key::Schema { subject, version }, What::Gone) => self.remove_version(subject, *version),
            (Key::Config { subject }, What::Config(config)) => {
                self.configs.insert(subject.clone(), config.clone());
            }
            (Key::Config { subject }, _) => {
                self.configs.remove(subject);
            }
            (Key::Mode { subject }, What::Mode(mode)) => self.modes.insert(subject.clone(), *mode),
            (Key::Mode { subject }, _) => {
                self.modes.remove(subject);
            }
            (Key::DeleteSubject { subject }, What::Deleted(last)) => self.delete_subject(subject, *last),
            (Key::DeleteSubject { subject }, What::Gone) => {
                self.deleted_subjects.remove(subject);
            }
            (Key::ClearSubject { subject }, What::Other) => self.clear_subject(subject),
            (Key::Context { context, .. }, What::Other) => {
                self.contexts.of(context.clone());
            }
            (Key::Context { context, .. }, What::Gone) => {
                if self.contexts.get(context).is_some_and(|context| context.ids.is_empty()) {
                    self.contexts.remove(context);
                }
            }
            _ => return Applied::Nothing,
        }
        Applied::Done
    }

    /// A version that cannot be read has its number and its id all the same.
    fn put_opaque(&mut self, subject: &str, version: i32, id: i32) {
        if let Some(context) = self.contexts.of(subject::context_of(subject).to_owned()) {
            context.max_id = context.max_id.max(id);
        }
        if let Some(last) = self.opaque.of(subject.to_owned()) {
            *last = version.max(*last);
        }
    }

    /// Whether the id names another schema that a version beside this one has.
    fn is_of_others(&self, subject: &str, version: i32, value: &SchemaValue) -> bool {
        let entry = self.contexts.get(subject::context_of(subject)).and_then(|c| c.ids.get(&value.id));
        let Some(entry) = entry.filter(|entry| entry.content.guid != value.content.guid) else {
            return false;
        };
        entry.uses.iter().any(|((user, number), ())| (&**user, *number) != (subject, version))
    }

    fn put_version(&mut self, subject: &str, version: i32, value: &SchemaValue, timestamp: i64) -> Applied {
        let existing = self.subjects.get(subject).and_then(|versions| versions.get(&version));
        let importing = self.mode_in_scope(subject) == Mode::Import;
        if let Some(existing) = existing {
            let same = existing.id == value.id
                && existing.content.guid == value.content.guid
                && existing.content.language == value.content.language;
            if !same && !importing {
                return Applied::Lost;
            }
            if !same && self.is_of_others(subject, version, value) {
                // It must not take the version that stands down with it.
                return Applied::Lost;
            }
            if !same {
                self.remove_version(subject, version);
            }
        }
        let Some(context) = self.contexts.of(subject::context_of(subject).to_owned()) else {
            return Applied::Nothing;
        };
        if context.ids.get(&value.id).is_some_and(|entry| entry.content.guid != value.content.guid) {
            return Applied::LostId;
        }
        let subject: Arc<str> = match self.subjects.get_key_value(subject) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(subject),
        };
        let content = context.claim(value, &subject, version);
        for reference in &content.references {
            let target = subject::inherited(&reference.subject, subject::context_of(&subject));
            if let Some(users) = self.referrers.of((target, reference.version)) {
                users.insert((Arc::clone(&subject), version), ());
            }
        }
        let stored = Version { id: value.id, content, deleted: value.deleted, timestamp };
        if let Some(versions) = self.subjects.of(subject) {
            versions.insert(version, stored);
        }
        Applied::Done
    }

    fn remove_version(&mut self, name: &str, version: i32) {
        let Some(versions) = self.subjects.get_mut(name) else { return };
        let Some(removed) = versions.remove(&version) else { return };
        if versions.is_empty() {
            self.subjects.remove(name);
        }
        let user: (Arc<str>, i32) = (Arc::from(name), version);
        for reference in &removed.content.references {
            let target =
                (subject::inherited(&reference.subject, subject::context_of(name)), reference.version);
            if let Some(users) = self.referrers.get_mut(&target) {
                users.remove(&user);
                if users.is_empty() {
                    self.referrers.remove(&target);
                }
            }
        }
        if let Some(context) = self.contexts.get_mut(subject::context_of(name)) {
            context.release(removed.id, &user);
        }
        self.other_layouts.remove(&Key::Schema { subject: name.to_owned(), version });
    }

    fn delete_subject(&mut self, subject: &str, last: i32) {
        self.deleted_subjects.insert(subject.to_owned(), ());
        if let Some(versions) = self.subjects.get_mut(subject) {
            versions.change_to(&last, |version| version.deleted = true);
        }
    }

    /// Drops soft-deleted versions: of a subject, of all subjects of a context, or of all contexts.
    fn clear_subject(&mut self, scope: &str) {
        let whole_context = subject::split(scope).1.is_empty();
        let named: Vec<(Arc<str>, i32)> = self
            .subjects
            .iter()
            .filter(|(name, _)| match whole_context {
                true => {
                    scope == subject::ALL_CONTEXTS || subject::context_of(name) == subject::context_of(scope)
                }
                false => name.as_ref() == scope,
            })
            .flat_map(|(name, versions)| {
                versions.iter().map(move |(number, version)| (name, *number, version))
            })
            .filter(|(_, _, version)| version.deleted)
            .map(|(name, number, _)| (Arc::clone(name), number))
            .collect();
        for (name, number) in named {
            self.remove_version(&name, number);
        }
    }
}

impl Context {
    /// Notes that a version has an id; returns its content, which all versions of the id share that are of one language. The
    /// identity does not cover the language, so that one id may have several.
    fn claim(&mut self, value: &SchemaValue, subject: &Arc<str>, version: i32) -> Arc<Content> {
        self.max_id = self.max_id.max(value.id);
        if !self.ids.contains_key(&value.id) {
            let entry = Entry { content: Arc::clone(&value.content), uses: super::Users::default() };
            self.ids.insert(value.id, entry);
            self.find_by_guid(value.content.guid, value.id);
        }
        match self.ids.get_mut(&value.id) {
            Some(entry) => {
                entry.uses.insert((Arc::clone(subject), version), ());
                if entry.content.language != value.content.language {
                    let text = Arc::clone(&entry.content.text);
                    return Arc::new(Content { text, ..(*value.content).clone() });
                }
                Arc::clone(&entry.content)
            }
            None => Arc::clone(&value.content),
        }
    }

    /// A schema imported under several ids is found under the first.
    fn find_by_guid(&mut self, guid: Guid, id: i32) {
        if !self.by_guid.contains_key(&guid) {
            self.by_guid.insert(guid, id);
        } else if let Some(more) = self.more_ids.of(guid) {
            more.insert(id, ());
        }
    }

    fn release(&mut self, id: i32, user: &(Arc<str>, i32)) {
        let Some(entry) = self.ids.get_mut(&id) else { return };
        entry.uses.remove(user);
        if !entry.uses.is_empty() {
            return;
        }
        let guid = entry.content.guid;
        self.ids.remove(&id);
        let others = self.more_ids.get(&guid).into_iter().flat_map(|more| more.iter());
        let Some(next) = others.map(|(id, ())| *id).next() else {
            self.by_guid.remove(&guid);
            return;
        };
        let first = self.by_guid.get(&guid) == Some(&id);
        if first {
            self.by_guid.insert(guid, next);
        }
        let is_empty = self.more_ids.get_mut(&guid).is_some_and(|more| {
            more.remove(if first { &next } else { &id });
            more.is_empty()
        });
        if is_empty {
            self.more_ids.remove(&guid);
        }
    }
}
