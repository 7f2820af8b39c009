//! Applying records.

use std::sync::Arc;

use super::{Context, Entry, Store, Version};
use crate::config::{Config, Mode};
use crate::json::int;
use crate::log::LogEntry;
use crate::record::{Key, Record, SchemaValue};
use crate::subject;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It counts.
    Done,
    /// It claimed an id or a version that something else has: it does not count.
    Lost,
    /// It says nothing to this registry.
    Nothing,
}

impl Store {
    /// The offset after the last record applied.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Applies the record at its offset.
    pub fn apply(&mut self, entry: &LogEntry) -> Applied {
        self.next_offset = self.next_offset.max(entry.offset + 1);
        self.apply_record(&entry.key, entry.value.as_deref(), entry.timestamp)
    }

    /// Applies a record that is not in the log yet, as the writer that decides on more before it is.
    pub fn apply_ahead(&mut self, record: &Record, timestamp: i64) -> Applied {
        self.apply_record(&record.key, record.value.as_deref(), timestamp)
    }

    fn apply_record(&mut self, key_bytes: &[u8], value: Option<&[u8]>, timestamp: i64) -> Applied {
        let Some(key) = Key::read(key_bytes) else { return Applied::Nothing };
        if value.is_some() && key.to_bytes() != key_bytes {
            self.other_layouts.entry(key.clone()).or_default().insert(key_bytes.to_vec());
        }
        match (key, value) {
            (Key::Schema { subject, version }, Some(value)) => match SchemaValue::read(value) {
                Some(value) => self.put_version(&subject, version, value, timestamp),
                None => Applied::Nothing,
            },
            (Key::Schema { subject, version }, None) => {
                self.remove_version(&subject, version);
                Applied::Done
            }
            (Key::Config { subject }, value) => {
                match value.and_then(Config::read) {
                    Some(config) => self.configs.insert(subject, config),
                    None => self.configs.remove(&subject),
                };
                Applied::Done
            }
            (Key::Mode { subject }, value) => {
                match value.and_then(Mode::read) {
                    Some(mode) => self.modes.insert(subject, mode),
                    None => self.modes.remove(&subject),
                };
                Applied::Done
            }
            (Key::DeleteSubject { subject }, Some(value)) => self.delete_subject(&subject, value),
            (Key::DeleteSubject { subject }, None) => {
                self.deleted_subjects.remove(&subject);
                Applied::Done
            }
            (Key::ClearSubject { subject }, Some(_)) => {
                self.clear_subject(&subject);
                Applied::Done
            }
            (Key::Context { context, .. }, Some(_)) => {
                self.contexts.entry(context).or_default();
                Applied::Done
            }
            (Key::Context { context, .. }, None) => {
                if self.contexts.get(&context).is_some_and(|c| c.ids.is_empty()) {
                    self.contexts.remove(&context);
                }
                Applied::Done
            }
            (Key::ClearSubject { .. } | Key::Noop, _) => Applied::Nothing,
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

    fn put_version(&mut self, subject: &str, version: i32, value: SchemaValue, timestamp: i64) -> Applied {
        let existing = self.subjects.get(subject).and_then(|versions| versions.get(&version));
        let importing = self.mode_in_scope(subject) == Mode::Import;
        if let Some(existing) = existing {
            let same = existing.id == value.id && existing.content.guid == value.content.guid;
            if !same && !importing {
                return Applied::Lost;
            }
            if !same && self.is_of_others(subject, version, &value) {
                // It must not take the version that stands down with it.
                return Applied::Lost;
            }
            if !same {
                self.remove_version(subject, version);
            }
        }
        let context = self.contexts.entry(subject::context_of(subject).to_owned()).or_default();
        if context.ids.get(&value.id).is_some_and(|entry| entry.content.guid != value.content.guid) {
            return Applied::Lost;
        }
        let subject: Arc<str> = match self.subjects.get_key_value(subject) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(subject),
        };
        let content = context.claim(&value, &subject, version);
        for reference in &content.references {
            let target = subject::inherited(&reference.subject, subject::context_of(&subject));
            self.referrers
                .entry((target, reference.version))
                .or_default()
                .insert((Arc::clone(&subject), version), ());
        }
        let stored = Version { id: value.id, content, deleted: value.deleted, timestamp };
        self.subjects.entry(subject).or_default().insert(version, stored);
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

    fn delete_subject(&mut self, subject: &str, value: &[u8]) -> Applied {
        let parsed = core::str::from_utf8(value).ok().and_then(|text| schema::json::parse(text).ok());
        let Some(last) = parsed.and_then(|json| int(&json, "version")) else { return Applied::Nothing };
        self.deleted_subjects.insert(subject.to_owned());
        if let Some(versions) = self.subjects.get_mut(subject) {
            versions.change_to(&last, |version| version.deleted = true);
        }
        Applied::Done
    }

    /// Drops soft-deleted versions: of a subject, or of all subjects of a context.
    fn clear_subject(&mut self, scope: &str) {
        let whole_context = subject::split(scope).1.is_empty();
        let named: Vec<(Arc<str>, i32)> = self
            .subjects
            .iter()
            .filter(|(name, _)| match whole_context {
                true => subject::context_of(name) == subject::context_of(scope),
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
    /// Notes that a version has an id; returns the content that all versions of the id share.
    fn claim(
        &mut self,
        value: &SchemaValue,
        subject: &Arc<str>,
        version: i32,
    ) -> Arc<crate::record::Content> {
        self.max_id = self.max_id.max(value.id);
        let entry = self.ids.entry(value.id).or_insert_with(|| Entry {
            content: Arc::new(value.content.clone()),
            uses: super::Users::default(),
        });
        entry.uses.insert((Arc::clone(subject), version), ());
        // A schema imported under several ids is found under the first.
        self.by_guid.entry(value.content.guid).or_insert(value.id);
        Arc::clone(&entry.content)
    }

    fn release(&mut self, id: i32, user: &(Arc<str>, i32)) {
        let Some(entry) = self.ids.get_mut(&id) else { return };
        entry.uses.remove(user);
        if !entry.uses.is_empty() {
            return;
        }
        let guid = entry.content.guid;
        self.ids.remove(&id);
        if self.by_guid.get(&guid) == Some(&id) {
            self.by_guid.remove(&guid);
            let other = self.ids.iter().find(|(_, entry)| entry.content.guid == guid).map(|(id, _)| *id);
            if let Some(other) = other {
                self.by_guid.insert(guid, other);
            }
        }
    }
}
