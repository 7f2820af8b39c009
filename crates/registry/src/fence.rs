//! Who may write to `_schemas`: the writer that stands behind the newest fence, and nobody else.
//!
//! A fence is the first record that an idempotent producer writes under an epoch (KIP-98). Every writer uses the producer id that the
//! fence before it named, under the next epoch; from the moment that the broker has the record it refuses what is of an epoch below, so
//! a writer that was stopped in the middle, for however long, and goes on afterwards, writes nothing. Two that choose the same epoch
//! at once are told apart by replay: the first of their records counts, and the other writer tries again.
//!
//! ```text
//! {"keytype":"NOOP","magic":0}   {"version":1,"producerId":p,"epoch":e,"writer":"16 hexadecimal digits"}
//! ```
//!
//! The key is the Java registry's for a record without effect, whose value it does not look at. The last epoch of an id only seals it:
//! behind it stands the first fence of a new id.

use schema::json::{Json, Number, parse};

use crate::json::{Members, int, member, text};
use crate::log::LogEntry;
use crate::record::{Key, Record};

/// Of the records' layout.
const VERSION: i32 = 1;

/// A writer's claim to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The producer id.
    pub producer: i64,
    /// Its epoch.
    pub epoch: i16,
    /// Tells writers apart that choose the same epoch.
    pub writer: u64,
}

impl Fence {
    /// The claim that follows on the one that stands; nothing where a producer id that nobody had is needed.
    pub fn after(standing: Option<Self>, writer: u64) -> Option<Self> {
        let standing = standing?;
        Some(Self { epoch: standing.epoch.checked_add(1)?, writer, ..standing })
    }

    /// Whether it takes the place of the one that stands.
    pub fn replaces(self, standing: Option<Self>) -> bool {
        match standing {
            None => true,
            Some(standing) if standing.producer == self.producer => self.epoch > standing.epoch,
            Some(standing) => standing.is_seal(),
        }
    }

    /// Whether it ends its producer id: nobody writes under it.
    pub const fn is_seal(self) -> bool {
        self.epoch == i16::MAX
    }

    /// What the log gets.
    pub fn record(self) -> Record {
        let value = Members::default()
            .int("version", VERSION)
            .int("producerId", self.producer)
            .int("epoch", self.epoch)
            .text("writer", &format!("{:016x}", self.writer))
            .build();
        Record { key: Key::Noop.to_bytes(), value: Some(value.to_text().into_bytes()) }
    }

    /// The fence that an entry of the log is.
    pub fn read(entry: &LogEntry) -> Option<Self> {
        let value = entry.value.as_deref()?;
        if Key::read(&entry.key)? != Key::Noop {
            return None;
        }
        let json = parse(core::str::from_utf8(value).ok()?).ok()?;
        if int(&json, "version")? != VERSION {
            return None;
        }
        Some(Self {
            producer: member(&json, "producerId")
                .and_then(Json::as_number)
                .and_then(Number::as_i64)
                .filter(|id| *id >= 0)?,
            epoch: int(&json, "epoch")
                .and_then(|epoch| i16::try_from(epoch).ok())
                .filter(|epoch| *epoch >= 0)?,
            writer: u64::from_str_radix(text(&json, "writer")?, 16).ok()?,
        })
    }
}
