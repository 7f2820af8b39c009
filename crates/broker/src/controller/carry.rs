//! How a node that was alone becomes the first voter of a quorum: its metadata found the quorum, then the old files are set aside.
//!
//! The old files stay until what they hold is committed by the quorum, so that a start that was cut short is made again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::RealDisk;
use metadata::{Delta, MetadataImage, Record};
use quorum::LogFile;

use super::start::{MetadataError, VOTER_FOLDER};

/// Where the files of the node that was alone go, inside the metadata's folder.
const ASIDE: &str = "alone";

/// The records that make the image of the node that was alone, if this folder has them.
pub(super) fn read(dir: &Path) -> Result<Option<Vec<Record>>, MetadataError> {
    if !quorum::holds_log(&RealDisk, dir)? {
        return Ok(None);
    }
    let (_, recovered) = LogFile::open(Arc::new(RealDisk), dir)?;
    let (mut image, mut delta) = (MetadataImage::default(), Delta::default());
    let snapshot = recovered.snapshot.into_iter().flat_map(|(_, records)| records);
    for record in snapshot.chain(recovered.batches.into_iter().flat_map(|batch| batch.records)) {
        image.replay(&record, &mut delta)?;
    }
    Ok(image.cluster_id().is_some().then(|| image.to_records()))
}

/// Whether the folder has a quorum's log already.
pub(super) fn has_begun(dir: &Path) -> Result<bool, MetadataError> {
    Ok(quorum::holds_log(&RealDisk, &dir.join(VOTER_FOLDER))?)
}

/// The quorum has the metadata: the files of the node that was alone are of no use any more.
pub(super) fn set_aside(dir: &Path) -> std::io::Result<()> {
    let files: Vec<PathBuf> = std::fs::read_dir(dir)?
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("log-") || name.starts_with("snapshot-")
        })
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let aside = dir.join(ASIDE);
    std::fs::create_dir_all(&aside)?;
    for file in files {
        if let Some(name) = file.file_name() {
            std::fs::rename(&file, aside.join(name))?;
        }
    }
    std::fs::File::open(&aside)?.sync_all()?;
    std::fs::File::open(dir)?.sync_all()
}
