//! Requests that change something.

use std::sync::Arc;

use schema::json::Json;

use crate::core::{
    self, Draft, delete_config, delete_context, delete_mode, delete_subject, delete_version, put_config,
    put_mode, register, tag_request,
};
use crate::error::RestError;
use crate::service::Registry;
use crate::store::Live;
use crate::subject;

use super::answer::Answer;
use super::query::Query;
use super::route;

type Answered = Result<Answer, RestError>;

/// POST /subjects/{s}/versions
pub(super) async fn register_version(
    registry: &Arc<Registry>,
    name: String,
    body: &Json,
    query: &Query,
) -> Answered {
    let draft = Draft::read(body)?;
    let (normalize, force) = (query.flag("normalize"), query.flag("force"));
    // Producers register what is registered already, all the time: that needs no turn at writing.
    if let Some(answer) = known(registry, &name, &draft, normalize) {
        return Ok(answer.into());
    }
    let subject = name.clone();
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        let (parser, settings) = (registry.parser(), registry.settings());
        register(store, parser, settings, &name, &draft, normalize, force)
    };
    let answer = registry.write("Register", decide).await?;
    clear_superseded(registry, subject).await;
    Ok(answer.into())
}

/// Removes what a registration has made superfluous. It has won by then, and stays so if this fails.
async fn clear_superseded(registry: &Arc<Registry>, name: String) {
    if registry.read(|store| core::superseded(store, &name).is_empty()) {
        return;
    }
    let decide = move |_: &Registry, store: &crate::store::Store| {
        Ok(core::Decision { records: core::superseded(store, &name), answer: Json::Null })
    };
    if let Err(error) = registry.write("Clear", decide).await {
        tracing::warn!(error = %error.message, "versions that were registered again could not be removed");
    }
}

/// The answer to a registration of what is there already, if this registry knows it.
pub(super) fn already(registry: &Registry, name: &str, body: &Json, query: &Query) -> Option<Answer> {
    let draft = Draft::read(body).ok()?;
    known(registry, &meant(registry, name), &draft, query.flag("normalize")).map(Answer::from)
}

/// The answer to a registration that changes nothing.
fn known(registry: &Registry, name: &str, draft: &Draft, normalize: bool) -> Option<Json> {
    if draft.text.is_empty() {
        return None;
    }
    registry.read(|store| {
        if !store.has_subject(name, Live::Only) {
            return None;
        }
        let (parser, settings) = (registry.parser(), registry.settings());
        core::registered(store, parser, settings, name, draft, normalize)
    })
}

/// POST /subjects/{s}/versions/{v}/tags
pub(super) async fn tags(registry: &Arc<Registry>, name: String, number: &str, body: Json) -> Answered {
    let number = route::version(number)?;
    let subject = name.clone();
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        let (_, version) = store.version(&name, number, Live::Only).ok_or_else(|| {
            match store.has_subject(&name, Live::Only) {
                true => RestError::version_not_found(number),
                false => RestError::subject_not_found(&name),
            }
        })?;
        let before = |number| store.version(&name, number, Live::Only).map(|(_, version)| &*version.content);
        let draft = tag_request(&version.content, before, &body)?;
        let (parser, settings) = (registry.parser(), registry.settings());
        register(store, parser, settings, &name, &draft, false, false)
    };
    let answer = registry.write("Tag", decide).await?;
    clear_superseded(registry, subject).await;
    Ok(answer.into())
}

/// DELETE /subjects/{s}
pub(super) async fn subject(registry: &Arc<Registry>, name: String, query: &Query) -> Answered {
    let permanent = query.flag("permanent");
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        delete_subject(store, registry.settings(), &name, permanent)
    };
    registry.write("Delete subject", decide).await.map(Answer::from)
}

/// DELETE /subjects/{s}/versions/{v}
pub(super) async fn version(registry: &Arc<Registry>, name: String, number: &str, query: &Query) -> Answered {
    let number = route::version(number)?;
    let permanent = query.flag("permanent");
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        delete_version(store, registry.settings(), &name, number, permanent)
    };
    registry.write("Delete schema version", decide).await.map(Answer::from)
}

/// PUT /config, PUT /config/{s}
pub(super) async fn set_config(registry: &Arc<Registry>, scope: Option<String>, body: Json) -> Answered {
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        put_config(store, registry.settings(), scope.as_deref(), &body)
    };
    registry.write("Update config", decide).await.map(Answer::from)
}

/// DELETE /config, DELETE /config/{s}
pub(super) async fn unset_config(registry: &Arc<Registry>, scope: Option<String>) -> Answered {
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        delete_config(store, registry.settings(), scope.as_deref())
    };
    registry.write("Delete config", decide).await.map(Answer::from)
}

/// PUT /mode, PUT /mode/{s}
pub(super) async fn set_mode(
    registry: &Arc<Registry>,
    scope: Option<String>,
    body: Json,
    query: &Query,
) -> Answered {
    let force = query.flag("force");
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        put_mode(store, registry.settings(), scope.as_deref(), &body, force)
    };
    registry.write("Update mode", decide).await.map(Answer::from)
}

/// DELETE /mode, DELETE /mode/{s}
pub(super) async fn unset_mode(registry: &Arc<Registry>, scope: Option<String>, query: &Query) -> Answered {
    let recursive = query.flag("recursive");
    let decide = move |registry: &Registry, store: &crate::store::Store| {
        delete_mode(store, registry.settings(), scope.as_deref(), recursive)
    };
    registry.write("Delete mode", decide).await.map(Answer::from)
}

/// DELETE /contexts/{c}
pub(super) async fn context(registry: &Arc<Registry>, name: String) -> Answered {
    let decide = move |_: &Registry, store: &crate::store::Store| delete_context(store, &name);
    registry.write("Delete context", decide).await.map(|_| Answer::Empty)
}

/// The subject that a path means: aliases stand for the subject they name.
pub(super) fn meant(registry: &Registry, name: &str) -> String {
    let name = subject::canonical(name);
    registry.read(|store| store.unaliased(&name)).unwrap_or(name)
}
