//! Numbers by their literal, with exact decimal arithmetic where a schema's meaning needs it.

use core::cmp::Ordering;

/// Literals longer than this are refused by the parser (the Java registry's own bound).
pub const LITERAL_LEN_MAX: usize = 1000;

/// Exponents beyond this are compared by magnitude only; exact remainders are not taken.
const EXACT_EXPONENT_MAX: i64 = 2000;
/// Digits of the dividend times those of the divisor: what a division may cost.
const DIVISION_DIGITS_MAX: usize = 250_000;

/// A number as it was written.
#[derive(Clone, Debug)]
pub struct Number {
    literal: Box<str>,
}

impl Number {
    /// A number of a literal that the JSON grammar accepts.
    pub(super) fn of_literal(literal: &str) -> Self {
        Self { literal: literal.into() }
    }

    /// The literal.
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// Whether the literal has neither fraction nor exponent.
    pub fn is_integral(&self) -> bool {
        !self.literal.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'))
    }

    /// The value, if the literal is integral and fits.
    pub fn as_i64(&self) -> Option<i64> {
        if self.is_integral() { self.literal.parse().ok() } else { None }
    }

    /// The nearest double; infinite where the literal is beyond its range.
    pub fn as_f64(&self) -> f64 {
        self.literal.parse().unwrap_or(f64::NAN)
    }

    /// A text that is the same for equal numbers only.
    pub(super) fn value_key(&self) -> String {
        let Decimal { negative, digits, exponent } = self.decimal();
        let digits: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        format!("{}{digits}e{exponent}", if negative { "-" } else { "" })
    }

    /// The exact value.
    pub fn decimal(&self) -> Decimal {
        Decimal::parse(&self.literal)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self { literal: value.to_string().into() }
    }
}

impl PartialEq for Number {
    /// By value: `1`, `1.0` and `1e0` are equal.
    fn eq(&self, other: &Self) -> bool {
        self.literal == other.literal || self.decimal().cmp(&other.decimal()) == Ordering::Equal
    }
}

/// `sign * digits * 10^exponent`, digits without leading or trailing zeros; zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(literal: &str) -> Self {
        let (mantissa, exponent) = match literal.find(['e', 'E']) {
            Some(at) => (literal.get(..at).unwrap_or(""), literal.get(at + 1..).unwrap_or("0")),
            None => (literal, "0"),
        };
        let mut exponent = saturating_exponent(exponent);
        let negative = mantissa.starts_with('-');
        let mut digits = Vec::new();
        let mut fraction = false;
        for b in mantissa.bytes() {
            match b {
                b'0'..=b'9' => {
                    digits.push(b - b'0');
                    exponent = exponent.saturating_sub(i64::from(fraction));
                }
                b'.' => fraction = true,
                _ => {}
            }
        }
        Self { negative, digits, exponent }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        let zeros = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..zeros);
        if self.digits.is_empty() {
            return Self { negative: false, digits: Vec::new(), exponent: 0 };
        }
        self
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the value has no fraction.
    pub fn is_integer(&self) -> bool {
        self.is_zero() || self.exponent >= 0
    }

    /// The value as an unsigned count, if it is a whole number that fits.
    pub fn as_u64(&self) -> Option<u64> {
        if self.is_zero() {
            return Some(0);
        }
        if self.negative || self.exponent < 0 || self.exponent > 20 {
            return None;
        }
        let mut value: u64 = 0;
        for digit in &self.digits {
            value = value.checked_mul(10)?.checked_add(u64::from(*digit))?;
        }
        for _ in 0..self.exponent {
            value = value.checked_mul(10)?;
        }
        Some(value)
    }

    /// Whether `self` is a whole multiple of `divisor`; `None` when the two are too far apart to divide in bounded time.
    pub fn is_multiple_of(&self, divisor: &Decimal) -> Option<bool> {
        if divisor.is_zero() {
            return Some(false);
        }
        if self.is_zero() {
            return Some(true);
        }
        let shift = self.exponent.saturating_sub(divisor.exponent);
        if shift.abs() > EXACT_EXPONENT_MAX {
            return None;
        }
        let mut dividend = self.digits.clone();
        let mut by = divisor.digits.clone();
        if shift >= 0 {
            dividend.resize(dividend.len() + shift as usize, 0);
        } else {
            by.resize(by.len() + shift.unsigned_abs() as usize, 0);
        }
        if dividend.len().saturating_mul(by.len()) > DIVISION_DIGITS_MAX {
            return None;
        }
        Some(remainder_is_zero(&dividend, &by))
    }

    /// The place of the leading digit: `123` has 3, `0.01` has -1.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(self.digits.len() as i64)
    }

    fn cmp_absolute(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

/// Exponents have no bound in the grammar; beyond what any comparison needs they saturate.
fn saturating_exponent(text: &str) -> i64 {
    let value: i64 = text.trim_start_matches('+').parse().unwrap_or(if text.starts_with('-') {
        i64::MIN / 4
    } else {
        i64::MAX / 4
    });
    value.clamp(i64::MIN / 4, i64::MAX / 4)
}

/// Schoolbook long division of big-endian decimal digits; only whether the remainder is zero is of interest.
fn remainder_is_zero(dividend: &[u8], divisor: &[u8]) -> bool {
    let mut rest: Vec<u8> = Vec::with_capacity(divisor.len() + 1);
    for digit in dividend {
        if !(rest.is_empty() && *digit == 0) {
            rest.push(*digit);
        }
        while at_least(&rest, divisor) {
            subtract(&mut rest, divisor);
        }
    }
    rest.is_empty()
}

fn at_least(a: &[u8], b: &[u8]) -> bool {
    a.len() > b.len() || (a.len() == b.len() && a >= b)
}

/// `a -= b`, where `a >= b`; leading zeros of the result are dropped.
fn subtract(a: &mut Vec<u8>, b: &[u8]) {
    let mut borrow = 0i16;
    let mut from = b.iter().rev();
    for digit in a.iter_mut().rev() {
        let mut value = i16::from(*digit) - borrow - from.next().map_or(0, |d| i16::from(*d));
        borrow = i16::from(value < 0);
        if value < 0 {
            value += 10;
        }
        *digit = value as u8;
    }
    let zeros = a.iter().take_while(|d| **d == 0).count();
    a.drain(..zeros);
}
