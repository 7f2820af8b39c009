//! What a real process did to its files, read off `strace` and done again on a simulated disk that records it.
//!
//! A write counts from where it came back, a sync from where it began: so what a sync did not have to cover is never taken as
//! covered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use env::{Disk as _, Open, SimDisk, Trace};

use crate::Failure;

/// The calls that change files or make them durable.
pub const CALLS: &str = "trace=openat,write,pwrite64,pwritev,ftruncate,fdatasync,fsync,syncfs,rename,renameat,renameat2,unlink,\
                         unlinkat,rmdir,mkdir,mkdirat";

/// A trace, and when each place of it was reached.
pub struct Recorded {
    /// Every change and sync.
    pub trace: Trace,
    /// Seconds since 1970 and the steps done before.
    pub times: Vec<(f64, usize)>,
}

/// Reads what `strace -f -y -ttt -xx` wrote, as far as it is about files in `dir`.
pub fn read(text: &str, dir: &Path) -> Result<Recorded, Failure> {
    let disk = SimDisk::new();
    disk.record();
    disk.create_dir_all(dir)?;
    for above in dir.ancestors() {
        disk.sync_dir(above)?;
    }
    let mut replay = Replay { disk, dir: dir.to_owned(), begun: BTreeMap::new(), times: Vec::new() };
    for line in text.lines() {
        replay
            .line(line)
            .map_err(|error| format!("{error}: {}", line.get(..line.len().min(300)).unwrap_or(line)))?;
    }
    Ok(Recorded { trace: replay.disk.take_trace(), times: replay.times })
}

struct Replay {
    disk: SimDisk,
    dir: PathBuf,
    /// Calls that did not come back yet, by thread.
    begun: BTreeMap<String, String>,
    times: Vec<(f64, usize)>,
}

impl Replay {
    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let Some((thread, rest)) = line.split_once(' ') else { return Ok(()) };
        let Some((time, call)) = rest.trim_start().split_once(' ') else { return Ok(()) };
        let time: f64 = time.parse()?;
        self.times.push((time, self.disk.recorded()));
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            self.sync(begun)?;
            self.begun.insert(thread.to_owned(), begun.to_owned());
        } else if let Some(resumed) = call.strip_prefix("<... ") {
            let begun = self.begun.remove(thread).unwrap_or_default();
            let behind = resumed.split_once(" resumed>").map_or("", |(_, behind)| behind);
            self.change(&(begun + behind))?;
        } else {
            self.sync(call)?;
            self.change(call)?;
        }
        Ok(())
    }

    /// The path of a descriptor or an argument, if it is one of ours.
    fn ours(&self, path: &Path) -> bool {
        path.starts_with(&self.dir) && !path.to_string_lossy().ends_with(" (deleted)")
    }

    fn sync(&mut self, call: &str) -> Result<(), Failure> {
        let Some((name, arguments)) = call.split_once('(') else { return Ok(()) };
        if !matches!(name, "fdatasync" | "fsync" | "syncfs") {
            return Ok(());
        }
        let Some(path) = descriptor(arguments).filter(|path| self.ours(path)) else { return Ok(()) };
        match name {
            "syncfs" => self.disk.sync_filesystem(&path)?,
            _ if self.disk.list(&path).is_ok() => self.disk.sync_dir(&path)?,
            _ => self.disk.open(&path, Open::Write)?.sync_data()?,
        }
        Ok(())
    }

    fn change(&mut self, call: &str) -> Result<(), Failure> {
        let (Some((name, arguments)), Some((_, result))) = (call.split_once('('), call.rsplit_once(" = "))
        else {
            return Ok(());
        };
        if result.starts_with('-') || result.starts_with('?') {
            return Ok(());
        }
        match name {
            "openat" => self.opened(arguments, result),
            "write" | "pwrite64" | "pwritev" => self.written(name, arguments, result),
            "ftruncate" => match descriptor(arguments).filter(|path| self.ours(path)) {
                Some(path) => Ok(self.disk.open(&path, Open::Write)?.truncate(last_number(arguments)?)?),
                None => Ok(()),
            },
            "rename" | "renameat" | "renameat2" => match paths(arguments).as_slice() {
                [from, to] if self.ours(from) => Ok(self.disk.rename(from, to)?),
                _ => Ok(()),
            },
            "unlink" | "unlinkat" | "rmdir" => {
                self.each_ours(arguments, |disk, path| disk.remove_dir_all(path))
            }
            "mkdir" | "mkdirat" => self.each_ours(arguments, |disk, path| disk.create_dir_all(path)),
            _ => Ok(()),
        }
    }

    fn each_ours(
        &self,
        arguments: &str,
        act: impl Fn(&SimDisk, &Path) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        for path in paths(arguments).iter().filter(|path| self.ours(path)) {
            act(&self.disk, path)?;
        }
        Ok(())
    }

    fn opened(&self, arguments: &str, result: &str) -> Result<(), Failure> {
        let Some(path) = descriptor(result).filter(|path| self.ours(path)) else { return Ok(()) };
        if arguments.contains("O_CREAT") {
            self.disk.open(&path, Open::Create)?;
        }
        if arguments.contains("O_TRUNC") {
            self.disk.open(&path, Open::Truncate)?;
        }
        Ok(())
    }

    fn written(&self, name: &str, arguments: &str, result: &str) -> Result<(), Failure> {
        let Some(path) = descriptor(arguments).filter(|path| self.ours(path)) else { return Ok(()) };
        let file = self.disk.open(&path, Open::Write)?;
        // The only plain writes are to files that are written from their beginning to their end.
        let position = if name == "write" { file.len()? } else { last_number(arguments)? };
        let mut bytes: Vec<u8> = strings(arguments).concat();
        bytes.truncate(result.trim().parse()?);
        Ok(file.write_all_at(&bytes, position)?)
    }
}

/// The path of the first descriptor: `7<\x2f…>`.
fn descriptor(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    Some(PathBuf::from(String::from_utf8(unescape(path)).ok()?))
}

/// The paths that are arguments; a relative one lies in the folder of the descriptor before it.
fn paths(arguments: &str) -> Vec<PathBuf> {
    let folder = descriptor(arguments).unwrap_or_default();
    let names = strings(arguments).into_iter().filter_map(|bytes| String::from_utf8(bytes).ok());
    names.map(|name| folder.join(name)).collect()
}

/// Everything between quotes.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(unescape).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 + 1);
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..3).and_then(|hex| str::from_utf8(hex).ok()?.strip_prefix('x'));
        match hex.filter(|_| *first == b'\\').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

/// The last argument: a position or a length.
fn last_number(arguments: &str) -> Result<u64, Failure> {
    let inside = arguments.rsplit_once(')').map_or(arguments, |(inside, _)| inside);
    let last = inside.rsplit(", ").next().unwrap_or_default();
    Ok(last.trim().parse().map_err(|error| format!("{error} in `{last}`"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_steps() {
        let text = "\
7 1700000000.1 openat(AT_FDCWD<\\x2f>, \"\\x2f\\x64\\x2f\\x66\", O_RDWR|O_CREAT|O_CLOEXEC, 0666) = 9<\\x2f\\x64\\x2f\\x66>
7 1700000000.2 pwritev(9<\\x2f\\x64\\x2f\\x66>, [{iov_base=\"\\x61\\x62\", iov_len=2}, {iov_base=\"\\x63\", iov_len=1}], 2, 1) = 3
8 1700000000.3 fdatasync(9<\\x2f\\x64\\x2f\\x66> <unfinished ...>
7 1700000000.4 pwrite64(9<\\x2f\\x64\\x2f\\x66>, \"\\x7a\", 1, 0) = 1
8 1700000000.5 <... fdatasync resumed>) = 0
7 1700000000.6 fsync(8<\\x2f\\x64>) = 0
7 1700000000.7 rename(\"\\x2f\\x64\\x2f\\x66\", \"\\x2f\\x64\\x2f\\x67\") = 0
";
        let recorded = read(text, Path::new("/d")).expect("a trace");
        assert_eq!(recorded.times.len(), 7);
        let mut images = recorded.trace.images();
        images.advance_to(recorded.trace.len());
        let kept = (0..40).map(|seed| {
            let disk = images.image(seed);
            let there = disk.read("/d/g".as_ref()).or_else(|_| disk.read("/d/f".as_ref()));
            there.expect("the file's name is durable")
        });
        let kept: std::collections::BTreeSet<_> = kept.collect();
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), [b"\0abc".to_vec(), b"zabc".to_vec()]);
    }
}
