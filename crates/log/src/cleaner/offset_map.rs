//! The last offset of each key, in bounded memory: 24 bytes per key, whatever its length.
//!
//! Keys are told apart by a keyed digest of 128 bits: two keys that meet would lose a record, which no one can bring about and which chance
//! does once in 10²⁴ rounds of a full default map (5 million keys). The table starts small and doubles up to its bound.

use super::siphash;

const FIRST_SLOTS: usize = 1024;
/// Bytes of a slot.
const SLOT_BYTES: usize = size_of::<Slot>();

#[derive(Clone, Copy)]
struct Slot {
    digest: [u64; 2],
    /// -1: free.
    offset: i64,
}

const FREE: Slot = Slot { digest: [0; 2], offset: -1 };

/// The map is as full as it may get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

pub(super) struct OffsetMap {
    key: [u64; 2],
    slots: Vec<Slot>,
    slots_max: usize,
    len: usize,
    len_max: usize,
    /// The last offset that was looked at.
    pub latest_offset: i64,
}

impl OffsetMap {
    /// Of at most `bytes` bytes, filled to `load` (0 to 1) at most; `key` is drawn by the caller.
    pub fn new(bytes: usize, load: f64, key: [u64; 2]) -> Self {
        let slots_max = (bytes / SLOT_BYTES).max(2);
        let len_max = ((slots_max as f64 * load) as usize).clamp(1, slots_max - 1);
        Self { key, slots: Vec::new(), slots_max, len: 0, len_max, latest_offset: -1 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// How full it is, 0 to 1.
    pub fn utilization(&self) -> f64 {
        self.len as f64 / self.len_max as f64
    }

    /// Forgets everything and gives the memory back.
    pub fn clear(&mut self) {
        self.slots = Vec::new();
        self.len = 0;
        self.latest_offset = -1;
    }

    /// Notes that `key` has a record at `offset`.
    pub fn put(&mut self, key: &[u8], offset: i64) -> Result<(), Full> {
        assert!(offset >= 0, "offsets count from 0");
        let digest = siphash::digest(self.key, key);
        if let Some(slot) = find(&mut self.slots, digest).filter(|slot| slot.offset >= 0) {
            slot.offset = offset;
            return Ok(());
        }
        if self.len == self.len_max {
            return Err(Full);
        }
        if (self.len + 1) * 10 > self.slots.len() * 7 {
            self.grow();
        }
        let Some(slot) = find(&mut self.slots, digest) else { return Err(Full) };
        *slot = Slot { digest, offset };
        self.len += 1;
        Ok(())
    }

    /// The last offset noted for `key`.
    pub fn get(&self, key: &[u8]) -> Option<i64> {
        let digest = siphash::digest(self.key, key);
        let place = probe(&self.slots, digest)?;
        self.slots.get(place).map(|slot| slot.offset).filter(|offset| *offset >= 0)
    }

    /// Twice the slots, up to the bound: there the map gets denser instead.
    fn grow(&mut self) {
        let wanted = (self.slots.len() * 2).max(FIRST_SLOTS).min(self.slots_max);
        if wanted == self.slots.len() {
            return;
        }
        let old = std::mem::replace(&mut self.slots, vec![FREE; wanted]);
        for slot in old.into_iter().filter(|slot| slot.offset >= 0) {
            if let Some(free) = find(&mut self.slots, slot.digest) {
                *free = slot;
            }
        }
    }
}

/// The slot of `digest`, or the free one where it belongs; `None` only while there are no slots.
fn find(slots: &mut [Slot], digest: [u64; 2]) -> Option<&mut Slot> {
    let place = probe(slots, digest)?;
    slots.get_mut(place)
}

fn probe(slots: &[Slot], digest: [u64; 2]) -> Option<usize> {
    let count = slots.len();
    let start = usize::try_from(digest[0] % (count.max(1) as u64)).ok()?;
    (start..count)
        .chain(0..start)
        .find(|place| slots.get(*place).is_some_and(|slot| slot.offset < 0 || slot.digest == digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_offset_counts() {
        let mut map = OffsetMap::new(1 << 20, 0.9, [1, 2]);
        for offset in 0..30_000_i64 {
            map.put(format!("key-{}", offset % 10_007).as_bytes(), offset).unwrap();
        }
        assert_eq!(map.len(), 10_007);
        for key in 0..10_007_i64 {
            let last = (0..30_000).rev().find(|offset| offset % 10_007 == key);
            assert_eq!(map.get(format!("key-{key}").as_bytes()), last);
        }
        assert_eq!(map.get(b"another"), None);
        map.clear();
        assert_eq!((map.len(), map.get(b"key-1")), (0, None));
    }

    #[test]
    fn it_stops_where_it_should() {
        let mut map = OffsetMap::new(2400, 0.9, [3, 4]);
        for offset in 0..90 {
            map.put(&[offset as u8], offset).unwrap();
        }
        assert_eq!(map.put(b"one more", 90), Err(Full));
        assert_eq!(map.put(&[5], 91), Ok(()));
        assert_eq!((map.get(&[5]), map.get(&[89]), map.len()), (Some(91), Some(89), 90));
        assert_eq!(map.slots.len() * SLOT_BYTES, 2400);
        assert!((map.utilization() - 1.0).abs() < 1e-9);
    }
}
