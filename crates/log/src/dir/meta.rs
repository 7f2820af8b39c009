//! `meta.properties`: whose directory it is. Kafka's format and keys (version 1), and one key that says that it is Mekong's.
//!
//! ```text
//! cluster.id=5L6g3nShT-eMCtK--X86sw
//! directory.id=…
//! mekong.version=1
//! node.id=1
//! version=1
//! ```

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use base::{BrokerId, Uuid};
use env::Disk;

use crate::error::LogError;

const NAME: &str = "meta.properties";
/// The layout of everything in a directory that is not Kafka's.
const MEKONG_VERSION: u32 = 1;

/// Whose a directory is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetaProperties {
    /// The cluster's id, as Kafka writes it; empty while it is not known.
    pub cluster_id: String,
    /// The node's id.
    pub node_id: BrokerId,
    /// The directory's own id (KIP-858).
    pub directory_id: Uuid,
    /// Whether it was written just now.
    pub is_new: bool,
}

/// Why a directory is not taken. It was left as it was found.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// Another process holds it.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// Apache Kafka (or something like it) wrote it.
    #[error("{} was written by Apache Kafka, not by Mekong; give Mekong a folder of its own", path.display())]
    WrittenByKafka {
        /// The directory.
        path: PathBuf,
    },
    /// It belongs to another cluster.
    #[error("{} belongs to cluster {found}, and this node to cluster {expected}", path.display())]
    OtherCluster {
        /// The directory.
        path: PathBuf,
        /// Its cluster.
        found: String,
        /// The node's cluster.
        expected: String,
    },
    /// It belongs to another node.
    #[error("{} belongs to node {found}, and this is node {expected}", path.display())]
    OtherNode {
        /// The directory.
        path: PathBuf,
        /// Its node.
        found: BrokerId,
        /// This node.
        expected: BrokerId,
    },
    /// A later version of Mekong wrote it.
    #[error("{} was written by a later Mekong (layout {version}, this one knows {MEKONG_VERSION})", path.display())]
    FromTheFuture {
        /// The directory.
        path: PathBuf,
        /// Its layout.
        version: u32,
    },
    /// It holds something, but nothing that says whose it is.
    #[error("{} holds {name:?} but no {NAME}: it is not empty and not a data folder", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// One of the things in it.
        name: String,
    },
    /// Nothing can be written there.
    #[error("{} cannot be written to: {source}", path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its `meta.properties` cannot be understood.
    #[error("{}: {reason}", path.display())]
    BadMeta {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Something failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl DirError {
    pub(super) fn from_io(path: &Path, action: &'static str, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                Self::ReadOnly { path: path.to_owned(), source }
            }
            _ => Self::Log(LogError::io(action, path, source)),
        }
    }
}

/// Whose a directory is, without touching it; `None` when it is empty or not there.
pub fn inspect(disk: &dyn Disk, path: &Path) -> Result<Option<MetaProperties>, DirError> {
    let entries = match disk.list(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| DirError::from_io(path, "list", error))?,
    };
    if entries.iter().any(|entry| entry.name == NAME) {
        let file = path.join(NAME);
        let bytes = disk.read(&file).map_err(|error| DirError::from_io(&file, "read", error))?;
        return parse(path, &String::from_utf8_lossy(&bytes)).map(Some);
    }
    // What a file system or a first start that did not get far leaves behind is nobody's.
    let foreign = entries.into_iter().find(|entry| !entry.name.starts_with('.') && !harmless(&entry.name));
    match foreign {
        Some(entry) => Err(DirError::NotEmpty { path: path.to_owned(), name: entry.name }),
        None => Ok(None),
    }
}

fn harmless(name: &str) -> bool {
    name == "lost+found" || name.strip_suffix(".tmp") == Some(NAME)
}

fn parse(path: &Path, text: &str) -> Result<MetaProperties, DirError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!']));
    let properties: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim().replace('\\', "")))
        .collect();
    let Some(version) = properties.get("mekong.version") else {
        return Err(DirError::WrittenByKafka { path: path.to_owned() });
    };
    let bad = |key: &str| DirError::BadMeta {
        path: path.join(NAME),
        reason: format!("{key} is missing or malformed"),
    };
    let version: u32 = version.parse().map_err(|_| bad("mekong.version"))?;
    if version > MEKONG_VERSION {
        return Err(DirError::FromTheFuture { path: path.to_owned(), version });
    }
    let node_id: Option<i32> = properties.get("node.id").and_then(|value| value.parse().ok());
    let directory_id = properties.get("directory.id").and_then(|value| value.parse().ok());
    Ok(MetaProperties {
        cluster_id: properties.get("cluster.id").cloned().ok_or_else(|| bad("cluster.id"))?,
        node_id: node_id.map(BrokerId).ok_or_else(|| bad("node.id"))?,
        directory_id: directory_id.ok_or_else(|| bad("directory.id"))?,
        is_new: false,
    })
}

impl MetaProperties {
    /// Refuses a directory of another cluster or node.
    pub(super) fn check_same_node(&self, path: &Path, found: &Self) -> Result<(), DirError> {
        let path = path.to_owned();
        let are_known = !found.cluster_id.is_empty() && !self.cluster_id.is_empty();
        if are_known && found.cluster_id != self.cluster_id {
            let (found, expected) = (found.cluster_id.clone(), self.cluster_id.clone());
            return Err(DirError::OtherCluster { path, found, expected });
        }
        if found.node_id != self.node_id {
            return Err(DirError::OtherNode { path, found: found.node_id, expected: self.node_id });
        }
        Ok(())
    }

    /// What `found` says, with the cluster's id where it did not know it.
    pub(super) fn adopt(&self, disk: &dyn Disk, path: &Path, found: Self) -> Result<Self, DirError> {
        if found.cluster_id == self.cluster_id || self.cluster_id.is_empty() {
            return Ok(found);
        }
        self.check_same_node(path, &found)?;
        let is_new = found.is_new;
        let adopted = Self { cluster_id: self.cluster_id.clone(), ..found }.write(disk, path)?;
        Ok(Self { is_new, ..adopted })
    }

    /// Writes the file into a new directory, durably.
    pub(super) fn write(&self, disk: &dyn Disk, path: &Path) -> Result<Self, DirError> {
        let text = format!(
            "#\ncluster.id={}\ndirectory.id={}\nmekong.version={MEKONG_VERSION}\nnode.id={}\nversion=1\n",
            self.cluster_id, self.directory_id, self.node_id
        );
        let file = path.join(NAME);
        disk.replace(&file, text.as_bytes()).map_err(|error| DirError::from_io(&file, "write", error))?;
        Ok(Self { is_new: true, ..self.clone() })
    }
}
