//! Reading the state.

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::Guid;

use super::{Store, Version};
use crate::config::{Config, Mode};
use crate::record::{Content, Key};
use crate::subject::{self, ALL_CONTEXTS, DEFAULT_CONTEXT, GLOBAL_SCOPE};

/// Which versions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// Those that are not deleted.
    #[default]
    Only,
    /// Soft-deleted ones too.
    WithDeleted,
    /// Only soft-deleted ones.
    OnlyDeleted,
}

impl Live {
    /// Whether a version counts.
    pub fn admits(self, version: &Version) -> bool {
        match self {
            Self::Only => !version.deleted,
            Self::WithDeleted => true,
            Self::OnlyDeleted => version.deleted,
        }
    }
}

/// A place in the state: subject, number and version.
type Search<'a> = (&'a str, i32, &'a Version);

impl Store {
    /// The versions of a subject that count, oldest first.
    pub fn versions(&self, subject: &str, live: Live) -> impl DoubleEndedIterator<Item = (i32, &Version)> {
        let versions = self.subjects.get(subject);
        let all = versions.into_iter().flat_map(|versions| versions.iter());
        all.map(|(number, version)| (*number, version)).filter(move |(_, version)| live.admits(version))
    }

    /// One version, or the latest where `number` is -1.
    pub fn version(&self, subject: &str, number: i32, live: Live) -> Option<(i32, &Version)> {
        if number == -1 {
            return self.versions(subject, live).next_back();
        }
        let version = self.subjects.get(subject)?.get(&number)?;
        live.admits(version).then_some((number, version))
    }

    /// The number that the next version gets: deleted ones count.
    pub fn next_version(&self, subject: &str) -> i32 {
        let last = self.versions(subject, Live::WithDeleted).next_back().map_or(0, |(number, _)| number);
        let opaque = self.opaque.get(subject).copied().unwrap_or(0);
        last.max(opaque).saturating_add(1)
    }

    /// Whether a subject has a version that counts.
    pub fn has_subject(&self, subject: &str, live: Live) -> bool {
        self.versions(subject, live).next().is_some()
    }

    /// Subjects whose names begin with `prefix` and that have a version that counts.
    ///
    /// [`has_prefix`] says what a prefix is.
    pub fn subjects_with<'a>(&'a self, prefix: &'a str, live: Live) -> impl Iterator<Item = &'a str> {
        self.subjects.iter().filter_map(move |(name, versions)| {
            (has_prefix(name, prefix) && counts(versions, live)).then_some(name.as_ref())
        })
    }

    /// The aliases that configurations give, each with the subject that it stands for.
    pub fn aliases(&self) -> Vec<(String, String)> {
        let scopes = self.configs.keys().filter_map(Option::as_deref);
        scopes.filter_map(|alias| Some((alias.to_owned(), self.unaliased(alias)?))).collect()
    }

    /// Every version of one subject, as [`Self::search`] gives them.
    pub fn versions_of(&self, name: &str, live: Live) -> impl Iterator<Item = Search<'_>> {
        let found = self.subjects.get_key_value(name).into_iter();
        found.flat_map(move |(name, _)| {
            self.versions(name, live).map(move |(number, version)| (name.as_ref(), number, version))
        })
    }

    /// The subjects of a context that have a version that counts.
    pub fn subjects_in<'a>(&'a self, context: &'a str, live: Live) -> impl Iterator<Item = &'a str> {
        self.subjects.iter().filter_map(move |(name, versions)| {
            (subject::context_of(name) == context && counts(versions, live)).then_some(name.as_ref())
        })
    }

    /// Every version of every subject under a prefix, by subject and number.
    pub fn search<'a>(&'a self, prefix: &'a str, live: Live) -> impl Iterator<Item = Search<'a>> {
        self.subjects_with(prefix, Live::WithDeleted).flat_map(move |name| {
            self.versions(name, live).map(move |(number, version)| (name, number, version))
        })
    }

    /// The schema of an id.
    pub fn by_id(&self, context: &str, id: i32) -> Option<&Arc<Content>> {
        self.contexts.get(context)?.ids.get(&id).map(|entry| &entry.content)
    }

    /// The id of an identity in a context.
    pub fn id_of(&self, context: &str, guid: &Guid) -> Option<i32> {
        self.contexts.get(context)?.by_guid.get(guid).copied()
    }

    /// Ids by context of a schema with that identity.
    pub fn by_guid(&self, guid: &Guid) -> Vec<(&str, i32, &Arc<Content>)> {
        let found = |(name, context): (&'_ String, &'_ super::Context)| {
            let id = *context.by_guid.get(guid)?;
            Some((name.clone(), id))
        };
        let places: Vec<(String, i32)> = self.contexts.iter().filter_map(found).collect();
        places
            .into_iter()
            .filter_map(|(name, id)| {
                let (name, context) = self.contexts.get_key_value(&name)?;
                Some((name.as_str(), id, &context.ids.get(&id)?.content))
            })
            .collect()
    }

    /// The largest id that a context has given out.
    pub fn max_id(&self, context: &str) -> i32 {
        self.contexts.get(context).map_or(0, |context| context.max_id)
    }

    /// The id that the next new schema of a context gets; nothing where all are taken.
    pub fn next_id(&self, context: &str) -> Option<i32> {
        let Some(context) = self.contexts.get(context) else { return Some(1) };
        if let Some(next) = context.max_id.checked_add(1) {
            return Some(next);
        }
        // The end of the range is taken: the last gap before it.
        let mut free = context.max_id;
        for (id, _) in context.ids.iter().rev() {
            if *id < free {
                break;
            }
            free = id.saturating_sub(1);
        }
        (free > 0).then_some(free)
    }

    /// The versions that have an id, by subject and number.
    pub fn uses(&self, context: &str, id: i32, live: Live) -> Vec<Search<'_>> {
        let entry = self.contexts.get(context).and_then(|context| context.ids.get(&id));
        let uses = entry.into_iter().flat_map(|entry| entry.uses.iter());
        uses.filter_map(|((name, number), ())| {
            let version = self.subjects.get(name)?.get(number)?;
            live.admits(version).then_some((name.as_ref(), *number, version))
        })
        .collect()
    }

    /// What an id is under a subject that has, or had, a version with it: the text is the id's, the language the subject's own.
    pub fn used_by(&self, context: &str, id: i32, subject: &str) -> Option<&Arc<Content>> {
        let entry = self.contexts.get(context)?.ids.get(&id)?;
        let (name, versions) = self.subjects.get_key_value(subject)?;
        let from = (Arc::clone(name), i32::MIN);
        let ((_, number), ()) = entry.uses.from(&from).next().filter(|((user, _), ())| user == name)?;
        versions.get(number).map(|version| &version.content)
    }

    /// The versions that refer to a version.
    pub fn referrers(&self, subject: &str, number: i32, live: Live) -> Vec<Search<'_>> {
        let users = self.referrers.get(&(subject.to_owned(), number));
        let users = users.into_iter().flat_map(|users| users.iter());
        users
            .filter_map(|((name, number), ())| {
                let version = self.subjects.get(name)?.get(number)?;
                live.admits(version).then_some((name.as_ref(), *number, version))
            })
            .collect()
    }

    /// The contexts, the default one first.
    pub fn contexts(&self) -> BTreeSet<&str> {
        core::iter::once(DEFAULT_CONTEXT).chain(self.contexts.keys().map(String::as_str)).collect()
    }

    /// Whether a context has been announced or used.
    pub fn has_context(&self, context: &str) -> bool {
        context == DEFAULT_CONTEXT || self.contexts.contains_key(context)
    }

    /// The configuration of exactly that scope.
    pub fn config(&self, subject: Option<&str>) -> Option<&Config> {
        self.configs.get(&subject.map(str::to_owned))
    }

    /// The scopes that a subject lies in, nearest first.
    fn scopes(subject: &str) -> [Option<String>; 3] {
        let context = subject::context_of(subject);
        let above = (context != DEFAULT_CONTEXT).then(|| subject::qualified(context, ""));
        [Some(subject.to_owned()), above, Some(GLOBAL_SCOPE.to_owned())]
    }

    /// The configuration that holds for a subject: its own, to which the whole registry's lends, or the nearest. The level is that
    /// configuration's, or else the server's.
    pub fn config_in_scope(&self, subject: &str) -> Config {
        let nearest = || Self::scopes(subject).iter().find_map(|scope| self.configs.get(scope));
        match (self.config(Some(subject)), self.config(None)) {
            (Some(own), Some(global)) => own.over(global),
            (Some(own), None) => own.clone(),
            (None, _) => nearest().cloned().unwrap_or_default(),
        }
    }

    /// The mode of exactly that scope.
    pub fn mode(&self, subject: Option<&str>) -> Option<Mode> {
        self.modes.get(&subject.map(str::to_owned)).copied()
    }

    /// The configuration of a scope as it is shown: the scope of all contexts is there without one.
    pub fn shown_config(&self, scope: Option<&str>) -> Option<Config> {
        self.config(scope).cloned().or_else(|| is_all(scope).then(Config::default))
    }

    /// The mode of a scope as it is shown, likewise.
    pub fn shown_mode(&self, scope: Option<&str>) -> Option<Mode> {
        self.mode(scope).or_else(|| is_all(scope).then(Mode::default))
    }

    /// The mode that holds for a subject. Read-only for all is not to be undone below.
    pub fn mode_in_scope(&self, subject: &str) -> Mode {
        let global = self.modes.get(&None).or_else(|| self.modes.get(&Some(GLOBAL_SCOPE.to_owned())));
        if global == Some(&Mode::ReadOnlyOverride) {
            return Mode::ReadOnlyOverride;
        }
        Self::scopes(subject).iter().find_map(|scope| self.modes.get(scope)).copied().unwrap_or_default()
    }

    /// Tombstones for every layout in which a key was written.
    pub fn layouts(&self, key: &Key) -> Vec<Vec<u8>> {
        let others = self.other_layouts.get(key).into_iter().flatten().cloned();
        core::iter::once(key.to_bytes()).chain(others).collect()
    }

    /// Whether a DELETE_SUBJECT record of the subject still stands.
    pub fn has_delete_record(&self, subject: &str) -> bool {
        self.deleted_subjects.contains_key(subject)
    }

    /// The subject that an alias of the configuration stands for.
    pub fn unaliased(&self, subject: &str) -> Option<String> {
        let alias = self.config(Some(subject))?.text("alias")?;
        Some(subject::inherited(alias, subject::context_of(subject)))
    }
}

/// The default context as a whole, or what lies in all contexts.
fn is_all(scope: Option<&str>) -> bool {
    let global = subject::context_of(GLOBAL_SCOPE);
    scope.is_none_or(|scope| subject::context_of(scope) == global)
}

/// Whether a subject stands in the prefix's context and its name there begins with the rest; after `:*:`, in any context.
pub(crate) fn has_prefix(name: &str, prefix: &str) -> bool {
    let (context, own) = subject::split(name);
    if let Some(rest) = prefix.strip_prefix(ALL_CONTEXTS) {
        return own.starts_with(rest);
    }
    let (wanted, rest) = subject::split(prefix);
    if wanted == DEFAULT_CONTEXT && rest.starts_with(":.") && !prefix.starts_with(":.:") {
        // A context's name that is not written to its end.
        return name.starts_with(prefix);
    }
    context == wanted && own.starts_with(rest)
}

/// A subject counts as deleted only when none of its versions lives.
fn counts(versions: &super::small::SmallMap<i32, Version>, live: Live) -> bool {
    match live {
        Live::OnlyDeleted => versions.iter().all(|(_, version)| version.deleted),
        live => versions.iter().any(|(_, version)| live.admits(version)),
    }
}
