//! Configuration and modes.

use schema::Level;
use schema::json::Json;

use super::allowed::named;
use super::{Decided, Decision};
use crate::config::{Config, Mode};
use crate::error::RestError;
use crate::json::{Members, member, scalar, text};
use crate::record::{self, Key, Record};
use crate::settings::Settings;
use crate::store::{Live, Store};
use crate::subject::{self, GLOBAL_SCOPE};

/// The scope a request names: nothing is the default context as a whole.
fn valid(scope: Option<&str>) -> Result<(), RestError> {
    match scope {
        Some(scope) if !subject::is_valid(scope, true) => Err(RestError::invalid_subject(scope)),
        _ => Ok(()),
    }
}

fn writable(store: &Store, settings: &Settings, scope: Option<&str>) -> Result<(), RestError> {
    if store.mode_in_scope(scope.unwrap_or("")).is_read_only() {
        let what = named(settings.profile, scope.unwrap_or("null"));
        return Err(RestError::not_permitted(format!("{what} is in read-only mode")));
    }
    Ok(())
}

/// Changes a configuration; the answer is the request.
pub(crate) fn put_config(store: &Store, settings: &Settings, scope: Option<&str>, request: &Json) -> Decided {
    let request = Config::request(request)?;
    if let Some(level) = member(&request, "compatibility").or_else(|| member(&request, "compatibilityLevel"))
        && level.as_str().and_then(Level::of_name).is_none()
    {
        return Err(RestError::invalid_level());
    }
    if let Some(policy) = text(&request, "compatibilityPolicy")
        && !matches!(policy, "STRICT" | "LENIENT")
    {
        return Err(RestError::unprocessable(format!("Invalid compatibility policy {policy}")));
    }
    for key in ["defaultRuleSet", "overrideRuleSet"] {
        if let Some(rules) = member(&request, key) {
            let rules = schema::RuleSet::read(rules).map_err(|_| RestError::wrong_type(key))?;
            rules.check().map_err(|error| RestError::invalid_rule_set(error.reason()))?;
        }
    }
    valid(scope)?;
    writable(store, settings, scope)?;
    let before = store.config(scope).cloned().unwrap_or_default();
    let config = before.updated(&request);
    // Since 8.0 the answer is what holds now.
    let answer = if settings.profile.is_whole() { config.as_request() } else { request };
    Ok(Decision { records: vec![config.record(scope)], answer })
}

/// Takes a configuration back; the answer is what it was.
pub(crate) fn delete_config(store: &Store, settings: &Settings, scope: Option<&str>) -> Decided {
    valid(scope)?;
    let Some(old) = store.shown_config(scope) else {
        return Err(RestError::subject_not_found(scope.unwrap_or_default()));
    };
    writable(store, settings, scope)?;
    let key = Key::Config { subject: scope.map(str::to_owned) };
    let records = match store.config(scope) {
        Some(_) => store.layouts(&key).into_iter().map(|key| Record { key, value: None }).collect(),
        None => Vec::new(),
    };
    Ok(Decision { records, answer: shown(&old, settings) })
}

/// A configuration as a GET answers it: where it says no level, the server's holds.
pub(crate) fn shown(config: &Config, settings: &Settings) -> Json {
    if config.level().is_some() {
        return config.to_json();
    }
    let level = Members::default().text("compatibilityLevel", settings.level.name()).build();
    config.updated(&level).to_json()
}

const MODES: &str = "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.";

/// Sets a mode; the answer is the request.
pub(crate) fn put_mode(
    store: &Store,
    settings: &Settings,
    scope: Option<&str>,
    request: &Json,
    force: bool,
) -> Decided {
    RestError::object(request)?;
    let given = member(request, "mode").map(|mode| scalar(mode).ok_or_else(|| RestError::wrong_type("mode")));
    let given = given.transpose()?;
    valid(scope)?;
    let name = given.ok_or_else(|| RestError::invalid_mode(MODES))?;
    let mode = Mode::of_name(&name).ok_or_else(|| RestError::invalid_mode(MODES))?;
    if mode == Mode::Forward && scope.is_some_and(|scope| scope != GLOBAL_SCOPE) {
        return Err(RestError::invalid_mode("Forward mode only supported on global level"));
    }
    if !settings.mode_mutability {
        return Err(RestError::not_permitted("Mode changes are not allowed"));
    }
    let mut records = Vec::new();
    if mode == Mode::Import && store.mode_in_scope(scope.unwrap_or("")) != Mode::Import && !force {
        let prefix = scope.unwrap_or("");
        let whole = scope.is_none_or(|scope| subject::split(scope).1.is_empty());
        let context = subject::context_of(prefix);
        let lives = match whole {
            true => store.subjects_in(context, Live::Only).next().is_some(),
            false => store.has_subject(prefix, Live::Only),
        };
        if lives {
            return Err(RestError::not_permitted("Cannot import since found existing subjects"));
        }
        // What was deleted softly must not stand in the way of what is imported.
        let cleared: Vec<String> = match whole {
            true => store.subjects_in(context, Live::WithDeleted).map(str::to_owned).collect(),
            false if store.has_subject(prefix, Live::WithDeleted) => vec![prefix.to_owned()],
            false => Vec::new(),
        };
        for name in &cleared {
            for (number, _) in store.versions(name, Live::WithDeleted) {
                // What others refer to is not theirs to lose.
                let referrers = store.referrers(name, number, Live::WithDeleted);
                if referrers.iter().any(|(user, _, _)| !cleared.iter().any(|cleared| cleared == user)) {
                    return Err(RestError::referenced(name, number));
                }
                let key = Key::Schema { subject: name.clone(), version: number };
                records.extend(store.layouts(&key).into_iter().map(|key| Record { key, value: None }));
            }
            records.push(record::clear_subject(name));
        }
    }
    records.push(record::mode(scope, mode.name()));
    let answer = Members::default().text("mode", &name).build();
    Ok(Decision { records, answer })
}

/// Takes a mode back; the answer is what it was.
pub(crate) fn delete_mode(
    store: &Store,
    settings: &Settings,
    scope: Option<&str>,
    recursive: bool,
) -> Decided {
    valid(scope)?;
    if !settings.mode_mutability {
        return Err(RestError::not_permitted("Mode changes are not allowed"));
    }
    let old = match (store.shown_mode(scope), scope) {
        (None, Some(subject)) if !recursive => return Err(RestError::subject_not_found(subject)),
        (old, _) => old,
    };
    let mut scopes = vec![scope.map(str::to_owned)];
    let whole = scope.is_none_or(|scope| subject::split(scope).1.is_empty());
    if recursive && whole {
        let below = store.subjects_in(subject::context_of(scope.unwrap_or("")), Live::WithDeleted);
        scopes
            .extend(below.filter(|name| store.mode(Some(name)).is_some()).map(|name| Some(name.to_owned())));
    }
    let set = scopes.into_iter().filter(|scope| store.mode(scope.as_deref()).is_some());
    let keys = set.flat_map(|subject| store.layouts(&Key::Mode { subject }));
    let records = keys.map(|key| Record { key, value: None }).collect();
    let old = old.map(|mode| Json::from(mode.name()));
    Ok(Decision { records, answer: Members::default().some("mode", old).build() })
}
