//! MD5 (RFC 1321), because the registry's identities are made of it. Not for anything that must resist forgery.

use std::sync::LazyLock;

/// A digest being made.
pub struct Md5 {
    state: [u32; 4],
    pending: Vec<u8>,
    bytes: u64,
}

const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The constants are the sines of the integers.
static SINES: LazyLock<[u32; 64]> =
    LazyLock::new(|| core::array::from_fn(|i| ((i as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32));

impl Default for Md5 {
    fn default() -> Self {
        Self::new()
    }
}

impl Md5 {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476], pending: Vec::new(), bytes: 0 }
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.wrapping_add(bytes.len() as u64);
        self.pending.extend_from_slice(bytes);
        let whole = self.pending.len() - self.pending.len() % 64;
        let rest = self.pending.split_off(whole);
        let blocks = core::mem::replace(&mut self.pending, rest);
        let sines = &*SINES;
        for block in blocks.chunks_exact(64) {
            self.block(block, sines);
        }
    }

    /// The digest of all.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.bytes.wrapping_mul(8);
        let mut padding = vec![0x80];
        while (self.pending.len() + padding.len()) % 64 != 56 {
            padding.push(0);
        }
        padding.extend_from_slice(&bits.to_le_bytes());
        self.update(&padding);
        let mut out = [0; 16];
        for (slot, word) in out.chunks_exact_mut(4).zip(self.state) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    #[expect(clippy::indexing_slicing, reason = "every index is taken modulo the array's length")]
    fn block(&mut self, block: &[u8], sines: &[u32; 64]) {
        let words: [u32; 16] = core::array::from_fn(|i| {
            let at = i * 4;
            u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        });
        let [mut a, mut b, mut c, mut d] = self.state;
        for i in 0..64 {
            let (mixed, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let sum = a.wrapping_add(mixed).wrapping_add(sines[i]).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(ROTATIONS[i / 16][i % 4]));
        }
        for (slot, value) in self.state.iter_mut().zip([a, b, c, d]) {
            *slot = slot.wrapping_add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        let table = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (text, expected) in table {
            let mut md5 = Md5::new();
            let (head, tail) = text.split_at(text.len() / 3);
            md5.update(head.as_bytes());
            md5.update(tail.as_bytes());
            let hex: String = md5.finish().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, expected, "{text}");
        }
    }
}
