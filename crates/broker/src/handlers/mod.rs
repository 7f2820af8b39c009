//! One file per API; how to add one stands in [`crate::dispatch`].

pub(crate) mod api_versions;
