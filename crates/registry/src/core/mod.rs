//! Deciding: a request and the state in, records and an answer out. Nothing here changes the state or waits.

mod allowed;
mod compatibility;
mod configure;
mod delete;
mod kept;
mod lookup;
mod parse;
mod register;
mod tags;

use schema::json::Json;

use crate::error::RestError;
use crate::record::Record;

pub(crate) use allowed::{normalizes, strictness};
pub(crate) use compatibility::{CheckRequest, check_versions};
pub(crate) use configure::{delete_config, delete_mode, put_config, put_mode, shown as shown_config};
pub(crate) use delete::{delete_context, delete_subject, delete_version};
pub(crate) use lookup::{candidates, look_up};
pub(crate) use parse::{Draft, Parser, Prepared};
pub(crate) use register::{register, registered, superseded};
pub(crate) use tags::{found_tags, tag_request};

/// What a request comes to: records to append, and the answer once they count.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub records: Vec<Record>,
    pub answer: Json,
}

impl Decision {
    /// An answer that changes nothing.
    pub fn answer(answer: Json) -> Self {
        Self { records: Vec::new(), answer }
    }
}

pub(crate) type Decided = Result<Decision, RestError>;
