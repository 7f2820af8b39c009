//! Passwords as Jetty's property files hold them: plain, `OBF:` (hidden from a glance, not from anybody who wants to know)
//! or `MD5:` (a digest).

use std::fmt;

use schema::Md5;

/// A password, or its digest.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Password {
    Plain(Vec<u8>),
    Md5([u8; 16]),
}

impl fmt::Debug for Password {
    /// Says nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Password {
    /// Reads one; nothing for schemes that are not supported.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(hidden) = text.strip_prefix("OBF:") {
            return revealed(hidden).map(Self::Plain);
        }
        if let Some(hex) = text.strip_prefix("MD5:") {
            let digest = u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 32)?;
            return Some(Self::Md5(digest.to_be_bytes()));
        }
        (!text.starts_with("CRYPT:") && !text.is_empty()).then(|| Self::Plain(text.as_bytes().to_vec()))
    }

    /// Whether it is this one. Takes as long whatever the difference is.
    pub fn is(&self, given: &[u8]) -> bool {
        match self {
            Self::Plain(own) => digest(own) == digest(given) && own == given,
            Self::Md5(own) => *own == digest(given),
        }
    }
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(bytes);
    md5.finish()
}

/// Jetty's `OBF:`: every byte as four digits to base 36, mixed with its mirror; `U` announces one that is not mixed.
fn revealed(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, digits) = match rest.strip_prefix('U') {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let number = u32::from_str_radix(digits.get(..4)?, 36).ok()?;
        let byte = if plain { number >> 8 } else { (number / 256 + number % 256).checked_sub(254)? / 2 };
        bytes.push(u8::try_from(byte).ok()?);
        rest = digits.get(4..)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_knows_its_password() {
        let table = [
            ("secret", "secret", true),
            ("secret", "secreT", false),
            ("MD5:5ebe2294ecd0e0f08eab7690d2a6ee69", "secret", true),
            ("MD5:5ebe2294ecd0e0f08eab7690d2a6ee69", "", false),
            // From Jetty's documentation of its password tool.
            ("OBF:1fmk1w261z0f1w1c1xmq", "not it", false),
        ];
        for (stored, given, same) in table {
            assert_eq!(Password::parse(stored).unwrap().is(given.as_bytes()), same, "{stored} {given}");
        }
        for bad in ["", "CRYPT:ab", "MD5:12", "MD5:zz", "OBF:1", "OBF:****"] {
            assert_eq!(Password::parse(bad), None, "{bad}");
        }
        assert!(!format!("{:?}", Password::parse("secret")).contains("secret"));
    }

    /// Jetty's own way of hiding, to reveal again.
    fn hidden(text: &str) -> String {
        let bytes = text.as_bytes();
        let mixed = bytes.iter().zip(bytes.iter().rev()).map(|(byte, mirror)| {
            let (sum, difference) =
                (127 + i32::from(*byte) + i32::from(*mirror), 127 + i32::from(*byte) - i32::from(*mirror));
            let mut number = sum * 256 + difference;
            let mut digits = [b'0'; 4];
            for digit in digits.iter_mut().rev() {
                *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
                number /= 36;
            }
            String::from_utf8(digits.to_vec()).unwrap()
        });
        mixed.collect()
    }

    #[test]
    fn what_jetty_hides_is_revealed() {
        for password in ["a", "secret", "Tr0ub4dor&3"] {
            let stored = format!("OBF:{}", hidden(password));
            assert!(Password::parse(&stored).unwrap().is(password.as_bytes()), "{stored}");
        }
    }
}
