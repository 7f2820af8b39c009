//! Deleting: softly first, then for good.

use schema::json::Json;

use super::allowed::named;
use super::{Decided, Decision};
use crate::error::RestError;
use crate::json::numbers;
use crate::record::{self, Key, Record, SchemaValue};
use crate::settings::Settings;
use crate::store::{Live, Store};
use crate::subject;

fn writable(store: &Store, settings: &Settings, name: &str) -> Result<(), RestError> {
    if store.mode_in_scope(name).is_read_only() {
        let what = named(settings.profile, name);
        return Err(RestError::not_permitted(format!("{what} is in read-only mode")));
    }
    Ok(())
}

/// What refers to a version keeps it; since 8.0 what is deleted softly keeps it from going for good. Versions that go `along`
/// with their whole subject keep nothing of it.
fn unreferenced(
    store: &Store,
    settings: &Settings,
    (name, version): (&str, i32),
    permanent: bool,
    along: bool,
) -> Result<(), RestError> {
    let live = if permanent && settings.profile.is_whole() { Live::WithDeleted } else { Live::Only };
    let referrers = store.referrers(name, version, live);
    if referrers.iter().any(|(referrer, _, _)| !along || *referrer != name) {
        return Err(RestError::referenced(name, version));
    }
    Ok(())
}

fn tombstones(store: &Store, key: &Key) -> impl Iterator<Item = Record> + use<> {
    store.layouts(key).into_iter().map(|key| Record { key, value: None })
}

fn version_key(name: &str, version: i32) -> Key {
    Key::Schema { subject: name.to_owned(), version }
}

/// A subject that goes takes its configuration and its mode along: when its versions are deleted softly, since 8.0 for good.
fn forget_scope(store: &Store, name: &str) -> Vec<Record> {
    let mut records = Vec::new();
    if store.mode(Some(name)).is_some() {
        records.extend(tombstones(store, &Key::Mode { subject: Some(name.to_owned()) }));
    }
    if store.config(Some(name)).is_some() {
        records.extend(tombstones(store, &Key::Config { subject: Some(name.to_owned()) }));
    }
    records
}

/// Deletes every version of a subject.
pub(crate) fn delete_subject(store: &Store, settings: &Settings, name: &str, permanent: bool) -> Decided {
    if !store.has_subject(name, Live::WithDeleted) {
        return Err(RestError::subject_not_found(name));
    }
    if !permanent && !store.has_subject(name, Live::Only) {
        return Err(RestError::subject_soft_deleted(name));
    }
    writable(store, settings, name)?;
    let live = if permanent { Live::WithDeleted } else { Live::Only };
    let mut deleted = Vec::new();
    for (number, version) in store.versions(name, live) {
        unreferenced(store, settings, (name, number), permanent, true)?;
        if permanent && !version.deleted {
            return Err(RestError::subject_not_soft_deleted(name));
        }
        deleted.push(number);
    }
    let mut records: Vec<Record> = Vec::new();
    if permanent {
        records.extend(deleted.iter().flat_map(|number| tombstones(store, &version_key(name, *number))));
        if store.has_delete_record(name) {
            records.extend(tombstones(store, &Key::DeleteSubject { subject: name.to_owned() }));
        }
    } else {
        records.push(record::delete_subject(name, deleted.last().copied().unwrap_or(0)));
    }
    if permanent == settings.profile.is_whole() {
        records.extend(forget_scope(store, name));
    }
    Ok(Decision { records, answer: numbers(deleted) })
}

/// Deletes one version; -1 is the latest.
pub(crate) fn delete_version(
    store: &Store,
    settings: &Settings,
    name: &str,
    number: i32,
    permanent: bool,
) -> Decided {
    if !store.has_subject(name, Live::WithDeleted) {
        return Err(RestError::subject_not_found(name));
    }
    // The latest is never one that is deleted.
    let live = if permanent && number != -1 { Live::WithDeleted } else { Live::Only };
    let Some((version, found)) = store.version(name, number, live) else {
        return Err(match store.version(name, number, Live::OnlyDeleted) {
            Some((version, _)) if number != -1 => RestError::version_soft_deleted(name, version),
            _ => RestError::version_not_found(number),
        });
    };
    writable(store, settings, name)?;
    unreferenced(store, settings, (name, version), permanent, false)?;
    if permanent && !found.deleted {
        return Err(RestError::version_not_soft_deleted(name, version));
    }
    let mut records: Vec<Record> = Vec::new();
    if permanent {
        records.extend(tombstones(store, &version_key(name, version)));
        let last = store.versions(name, Live::WithDeleted).count() == 1;
        if last && store.has_delete_record(name) {
            records.extend(tombstones(store, &Key::DeleteSubject { subject: name.to_owned() }));
        }
    } else {
        let value =
            SchemaValue { id: found.id, content: std::sync::Arc::clone(&found.content), deleted: true };
        records.push(value.record(name, version));
    }
    // A subject's settings go with its last version that lives; since 8.0 with the last that is there at all.
    let left = if permanent { Live::WithDeleted } else { Live::Only };
    let others = store.versions(name, left).any(|(number, _)| number != version);
    if !others && permanent == settings.profile.is_whole() {
        records.extend(forget_scope(store, name));
    }
    Ok(Decision { records, answer: Json::Number(i64::from(version).into()) })
}

/// Deletes a context that holds nothing.
pub(crate) fn delete_context(store: &Store, context: &str) -> Decided {
    let prefix = subject::qualified(context, "");
    let holds = store.subjects_in(context, Live::WithDeleted).next().is_some();
    if holds || context == subject::DEFAULT_CONTEXT {
        return Err(RestError::context_not_empty(context));
    }
    let mut records = forget_scope(store, &prefix);
    if store.has_context(context) {
        let key = Key::Context { tenant: "default".to_owned(), context: context.to_owned() };
        records.extend(tombstones(store, &key));
    }
    Ok(Decision { records, answer: Json::Null })
}
