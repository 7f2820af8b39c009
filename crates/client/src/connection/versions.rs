//! Which versions a broker speaks, and which one both sides take.

use std::collections::BTreeMap;

use wire::messages::api_versions::ApiVersionsResponse;
use wire::schema::Versions;
use wire::{ApiKey, Request};

/// What a broker offers, by API key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered(BTreeMap<i16, Versions>);

impl Offered {
    pub(crate) fn new(response: &ApiVersionsResponse) -> Self {
        let range = |api: &wire::messages::api_versions::ApiVersion| {
            (api.api_key, Versions::new(api.min_version, api.max_version))
        };
        Self(response.api_keys.iter().map(range).collect())
    }

    /// The newest version of `R` that both speak.
    pub(crate) fn choose<R: Request>(&self) -> Option<i16> {
        let theirs = self.of(R::KEY)?;
        let version = newest_used(R::KEY).min(theirs.max);
        (version >= R::KEY.versions().min.max(theirs.min)).then_some(version)
    }

    /// The broker's versions of an API, if it has any.
    pub(crate) fn of(&self, key: ApiKey) -> Option<Versions> {
        self.0.get(&key.code()).copied().filter(|versions| !versions.is_empty())
    }

    /// All of them, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i16, Versions)> + '_ {
        self.0.iter().map(|(key, versions)| (*key, *versions))
    }
}

/// Our newest version of an API. From version 10 on, offsets are kept by topic id; this client asks by name, which also works for
/// topics that it has not seen and for those that are gone.
fn newest_used(key: ApiKey) -> i16 {
    match key {
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => 9,
        key => key.advertised().max,
    }
}
