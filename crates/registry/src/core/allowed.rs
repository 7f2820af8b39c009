//! What modes and configurations allow and ask of a registration.

use schema::Strictness;

use super::Draft;
use crate::config::{Config, Mode};
use crate::error::RestError;
use crate::settings::{Profile, Settings};
use crate::store::Store;
use crate::subject;

/// Whether a schema is normalized: asked for or configured, but never where it comes from another registry, which has to find here what
/// it has there.
pub(crate) fn normalizes(
    store: &Store,
    settings: &Settings,
    subject: &str,
    config: &Config,
    is_asked: bool,
) -> bool {
    let is_wanted = is_asked || config.flag("normalize").unwrap_or(settings.normalize);
    is_wanted && !store.mode_in_scope(subject).imports()
}

/// New schemas are held to more than stored ones, unless the configuration lets them off (`validateNewSchemas=false`).
pub(crate) fn strictness(config: &Config) -> Strictness {
    match config.flag("validateNewSchemas") {
        Some(false) => Strictness::Stored,
        _ => Strictness::New,
    }
}

/// The mode must allow it, and an id may be brought only by an import.
pub(super) fn permitted(profile: Profile, subject: &str, mode: Mode, draft: &Draft) -> Result<(), RestError> {
    let state = |what: &str| RestError::not_permitted(format!("{} is {what}", named(profile, subject)));
    match (mode, draft.id) {
        (mode, _) if mode.is_read_only() => Err(state("in read-only mode")),
        (Mode::Import, Some(_)) => Ok(()),
        (Mode::Forward, Some(_)) if profile.is_whole() => Ok(()),
        (_, Some(_)) => Err(state("not in import mode")),
        (Mode::ReadWrite, None) => Ok(()),
        _ => Err(state("not in read-write mode")),
    }
}

/// "Subject s", with its context since 8.0.
pub(crate) fn named(profile: Profile, subject: &str) -> String {
    if !profile.is_whole() {
        return format!("Subject {subject}");
    }
    let context = subject::context_of(subject);
    let context = if context == subject::DEFAULT_CONTEXT { "" } else { context };
    format!("Subject {subject} in context {context}")
}
