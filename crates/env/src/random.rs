//! Chance: the machine's, or a sequence that a seed repeats.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes.
pub trait Random: Send + Sync + Debug {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// A number, all 64 bits random.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number below `bound`; 0 where `bound` is 0. The bias is below 2⁻³² for bounds that fit 32 bits.
    fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }
}

/// The machine's generator.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
                Ok(count) => done += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => panic!("the machine has no randomness to give: {errno}"),
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): every seed has its own sequence, repeated exactly.
#[derive(Debug)]
pub struct SeededRandom {
    state: AtomicU64,
}

impl SeededRandom {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    fn step(&self) -> u64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.state.fetch_add(GOLDEN, Ordering::SeqCst).wrapping_add(GOLDEN);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.step().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    fn next_u64(&self) -> u64 {
        self.step()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_sequence() {
        let (one, same, other) = (SeededRandom::new(7), SeededRandom::new(7), SeededRandom::new(8));
        let draw = |random: &SeededRandom| (0..16).map(|_| random.next_u64()).collect::<Vec<_>>();
        assert_eq!(draw(&one), draw(&same));
        assert_ne!(draw(&SeededRandom::new(7)), draw(&other));
    }

    #[test]
    fn the_machine_fills_every_length() {
        for len in [0, 1, 16, 1000] {
            let mut bytes = vec![0; len];
            OsRandom.fill(&mut bytes);
            assert!(len < 16 || bytes.iter().any(|byte| *byte != 0));
        }
    }
}
