//! What a power loss leaves: of each sector, each length and each name some state that it had since its last sync.

use std::collections::BTreeMap;

use super::inode::{Change, Content, DirChange, Folder, Inode};
use crate::random::{Random, SeededRandom};

/// What a disk writes as one.
const SECTOR: usize = 512;

/// How much of what was not synced survives.
#[derive(Clone, Copy)]
enum Mercy {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// All up to one moment, per file and folder: a journal with ordered data.
    Prefix,
    /// Each sector and each name for itself.
    Parts,
}

pub(super) fn crash(inodes: &mut BTreeMap<u64, Inode>, seed: u64) {
    let random = SeededRandom::new(seed);
    let whole = mercy(&random, 8);
    for inode in inodes.values_mut() {
        // Mostly one rule for all, sometimes one for each.
        let mercy = whole.unwrap_or_else(|| mercy(&random, 4).unwrap_or(Mercy::Parts));
        match inode {
            Inode::File(content) => *content = Content::of(file(content, mercy, &random)),
            Inode::Folder(folder) => {
                let names = names(folder, mercy, &random);
                *folder = Folder { names: names.clone(), durable: names, pending: Vec::new() };
            }
        }
    }
    forget_unreachable(inodes);
}

fn mercy(random: &SeededRandom, of: u64) -> Option<Mercy> {
    match random.below(of) {
        0 => Some(Mercy::None),
        1 => Some(Mercy::All),
        2 => Some(Mercy::Prefix),
        3 => Some(Mercy::Parts),
        _ => None,
    }
}

fn file(content: &Content, mercy: Mercy, random: &SeededRandom) -> Vec<u8> {
    let pending = &content.pending;
    let upto = |count: usize| {
        let mut bytes = content.durable.clone();
        pending.iter().take(count).for_each(|change| change.apply(&mut bytes));
        bytes
    };
    match mercy {
        Mercy::None => content.durable.clone(),
        Mercy::All => upto(pending.len()),
        Mercy::Prefix => upto(random.below(pending.len() as u64 + 1) as usize),
        Mercy::Parts => parts(&content.durable, pending, random),
    }
}

/// A length that the file had, and in each sector a version that it had.
fn parts(durable: &[u8], pending: &[Change], random: &SeededRandom) -> Vec<u8> {
    let lens: Vec<u64> = pending
        .iter()
        .scan(durable.len() as u64, |len, change| {
            *len = change.len_after(*len);
            Some(*len)
        })
        .collect();
    let chosen = random.below(lens.len() as u64 + 1) as usize;
    let len =
        chosen.checked_sub(1).and_then(|place| lens.get(place).copied()).unwrap_or(durable.len() as u64);
    let mut bytes = durable.to_vec();
    bytes.resize(len as usize, 0);
    let touched = touched_sectors(pending);
    for sector in touched.into_iter().filter(|sector| sector * SECTOR < len as usize) {
        let count = random.below(pending.len() as u64 + 1) as usize;
        let from = sector * SECTOR;
        let version = sector_version(durable, pending.get(..count).unwrap_or_default(), from);
        let upto = (from + SECTOR).min(bytes.len());
        if let (Some(to), Some(version)) = (bytes.get_mut(from..upto), version.get(..upto - from)) {
            to.copy_from_slice(version);
        }
    }
    bytes
}

fn touched_sectors(pending: &[Change]) -> std::collections::BTreeSet<usize> {
    let sectors = |change: &Change| match change {
        Change::Write(position, bytes) if !bytes.is_empty() => {
            let from = *position as usize;
            from / SECTOR..(from + bytes.len()).div_ceil(SECTOR)
        }
        Change::Write(..) => 0..0,
        // What a cut removed may be there still, or be zero; the length decides whether it shows.
        Change::Truncate(len) => (*len as usize) / SECTOR..(*len as usize) / SECTOR + 1,
    };
    pending.iter().flat_map(sectors).collect()
}

fn sector_version(durable: &[u8], changes: &[Change], from: usize) -> Vec<u8> {
    let mut sector = vec![0; SECTOR];
    copy_overlap(&mut sector, from, durable, 0);
    for change in changes {
        match change {
            Change::Write(position, bytes) => copy_overlap(&mut sector, from, bytes, *position as usize),
            Change::Truncate(len) => {
                let keep = (*len as usize).saturating_sub(from).min(SECTOR);
                sector.iter_mut().skip(keep).for_each(|byte| *byte = 0);
            }
        }
    }
    sector
}

/// Copies into the sector at `from` what `bytes`, which lie at `position`, have of it.
fn copy_overlap(sector: &mut [u8], from: usize, bytes: &[u8], position: usize) {
    let start = from.max(position);
    let end = (from + sector.len()).min(position + bytes.len());
    if start < end
        && let (Some(to), Some(have)) =
            (sector.get_mut(start - from..end - from), bytes.get(start - position..end - position))
    {
        to.copy_from_slice(have);
    }
}

fn names(folder: &Folder, mercy: Mercy, random: &SeededRandom) -> BTreeMap<String, u64> {
    let pending = &folder.pending;
    let kept: Vec<&DirChange> = match mercy {
        Mercy::None => Vec::new(),
        Mercy::All => pending.iter().collect(),
        Mercy::Prefix => pending.iter().take(random.below(pending.len() as u64 + 1) as usize).collect(),
        Mercy::Parts => pending.iter().filter(|_| random.below(2) == 0).collect(),
    };
    let mut names = folder.durable.clone();
    kept.into_iter().for_each(|change| change.apply(&mut names));
    names
}

fn forget_unreachable(inodes: &mut BTreeMap<u64, Inode>) {
    let mut reachable = std::collections::BTreeSet::from([super::state::ROOT]);
    let mut next = vec![super::ROOT];
    while let Some(id) = next.pop() {
        if let Some(Inode::Folder(folder)) = inodes.get(&id) {
            next.extend(folder.names.values().copied().filter(|id| reachable.insert(*id)));
        }
    }
    inodes.retain(|id, _| reachable.contains(id));
}
