//! What a proof was of: a digest of all sources that it is built from.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A number that changes with any file of the crates, and with the lock file.
pub fn digest(root: &Path) -> Result<u64, String> {
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    collect(&root.join("crates"), &mut files)?;
    files.sort();
    // Of fixed keys, so that it is the same in the next process.
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(root).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let kind = entry.file_type().map_err(broken)?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_file_shows() {
        let root = std::env::temp_dir().join(format!("mekong-sources-{}", std::process::id()));
        fs::create_dir_all(root.join("crates/a/src")).unwrap();
        for file in ["Cargo.toml", "Cargo.lock", "crates/a/src/lib.rs"] {
            fs::write(root.join(file), "1").unwrap();
        }
        let first = digest(&root).unwrap();
        assert_eq!(digest(&root), Ok(first));
        fs::write(root.join("crates/a/src/lib.rs"), "2").unwrap();
        let changed = digest(&root).unwrap();
        fs::rename(root.join("crates/a/src/lib.rs"), root.join("crates/a/src/main.rs")).unwrap();
        let renamed = digest(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert!(first != changed && changed != renamed);
    }
}
