//! Kafka's 128-bit identifier, written as 22 characters of URL-safe base64 without padding.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A 128-bit identifier of a topic, a log directory, an incarnation or a client instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// All bits zero: "none" on the wire.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is [`Uuid::ZERO`].
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// A version 4 identifier (RFC 9562) of 16 random bytes, which the caller draws.
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let text: String = (0..22).map(|digit| sextet(bits, digit)).collect();
        f.write_str(&text)
    }
}

/// The character of the 6 bits at place `digit` of 22; the last place holds 2 bits and four zeros.
fn sextet(bits: u128, digit: u32) -> char {
    let value = if digit == 21 { (bits & 0b11) << 4 } else { (bits >> (122 - 6 * digit)) & 0x3f };
    ALPHABET.get(value as usize).map_or('A', |byte| char::from(*byte))
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 22 characters of URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAUuid;

impl fmt::Display for NotAUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier is 22 characters of URL-safe base64, such as 5L6g3nShT-eMCtK--X86sw")
    }
}

impl core::error::Error for NotAUuid {}

impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        let text = text.strip_suffix("==").unwrap_or(text);
        if text.len() != 22 {
            return Err(NotAUuid);
        }
        let mut bits = 0_u128;
        for (place, byte) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == byte).ok_or(NotAUuid)? as u128;
            bits = if place == 21 { (bits << 2) | (value >> 4) } else { (bits << 6) | value };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_what_it_writes() {
        for text in ["5L6g3nShT-eMCtK--X86sw", "AAAAAAAAAAAAAAAAAAAAAA", "_____________________w"] {
            assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_other_lengths_and_letters() {
        for text in ["", "short", "5L6g3nShT+eMCtK//X86sw", "5L6g3nShT-eMCtK--X86swAA"] {
            assert_eq!(text.parse::<Uuid>(), Err(NotAUuid), "{text}");
        }
    }

    #[test]
    fn random_ids_carry_version_and_variant() {
        let id = Uuid::from_random([0xff; 16]);
        assert_eq!((id.0[6] >> 4, id.0[8] >> 6), (4, 2));
    }
}
