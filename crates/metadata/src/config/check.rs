//! Whether a text is a valid value of a config, and what it says.
//!
//! Messages are Kafka's, since tools and people look for them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Config, Kind, Valid};

/// A value in the type of its config.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A boolean.
    Boolean(bool),
    /// A short, int or long.
    Number(i64),
    /// A double.
    Fraction(f64),
    /// A string, class or password.
    Text(String),
    /// A list.
    List(Vec<String>),
}

impl Value {
    /// The boolean, `false` for any other type.
    pub fn as_bool(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    /// The number; of a fraction its whole part, of anything else 0.
    pub fn as_i64(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Fraction(fraction) => *fraction as i64,
            _ => 0,
        }
    }

    /// The fraction, or the number as one.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Fraction(fraction) => *fraction,
            other => other.as_i64() as f64,
        }
    }

    /// The text, empty for any other type.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The list, empty for any other type.
    pub fn as_list(&self) -> &[String] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// Why a value is not valid, in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// Reads `text` as a value of this config.
    pub fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        let value = self.read(text).map_err(|why| self.invalid(text, &why))?;
        self.check(&value)?;
        Ok(value)
    }

    fn invalid(&self, value: &str, why: &str) -> ConfigError {
        let shown = if self.is_sensitive() { "[hidden]" } else { value };
        ConfigError(format!("Invalid value {shown} for configuration {}: {why}", self.name))
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        let trimmed = text.trim();
        match self.kind {
            Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            Kind::Boolean => Err("Expected value to be either true or false".to_string()),
            Kind::Short => self.number(trimmed.parse::<i16>()),
            Kind::Int => self.number(trimmed.parse::<i32>()),
            Kind::Long => self.number(trimmed.parse::<i64>()),
            Kind::Double => trimmed.parse().map(Value::Fraction).map_err(|_| self.not_a_number()),
            Kind::String | Kind::Class => Ok(Value::Text(trimmed.into())),
            Kind::Password => Ok(Value::Text(text.into())),
            Kind::List => Ok(Value::List(split_list(trimmed))),
        }
    }

    fn number<N: Into<i64>, E>(&self, parsed: Result<N, E>) -> Result<Value, String> {
        parsed.map(|number| Value::Number(number.into())).map_err(|_| self.not_a_number())
    }

    fn not_a_number(&self) -> String {
        format!("Not a number of type {}", self.kind.name())
    }

    fn check(&self, value: &Value) -> Result<(), ConfigError> {
        match self.valid {
            Valid::Any => Ok(()),
            Valid::AtLeast(min) => self.check_range(value.as_i64(), min, i64::MAX),
            Valid::Between(min, max) => self.check_range(value.as_i64(), min, max),
            Valid::GzipLevel if value.as_i64() == -1 => Ok(()),
            Valid::GzipLevel => self.check_gzip(value.as_i64()),
            Valid::Fraction(min, max) => self.check_fraction(value.as_f64(), min, max),
            Valid::OneOf(allowed) => self.check_one_of(value.as_str(), allowed),
            Valid::OneOfAnyCase(allowed) => self.check_any_case(value.as_str(), allowed),
            Valid::NonEmpty if value.as_str().is_empty() => Err(self.invalid("", "String must be non-empty")),
            Valid::NonEmpty => Ok(()),
            Valid::ListOf(allowed) => self.check_list(value.as_list(), allowed, true),
            Valid::SomeOf(allowed) => self.check_list(value.as_list(), allowed, false),
            Valid::Distinct => self.check_list(value.as_list(), &[], true),
            Valid::DistinctSome => self.check_list(value.as_list(), &[], false),
            Valid::ThrottledReplicas => self.check_throttled(value.as_list()),
            Valid::OffsetReset => self.check_offset_reset(value.as_str()),
        }
    }

    fn check_range(&self, number: i64, min: i64, max: i64) -> Result<(), ConfigError> {
        let why = if number < min {
            format!("Value must be at least {min}")
        } else if number > max {
            format!("Value must be no more than {max}")
        } else {
            return Ok(());
        };
        Err(self.invalid(&number.to_string(), &why))
    }

    fn check_gzip(&self, level: i64) -> Result<(), ConfigError> {
        if (1..=9).contains(&level) {
            return Ok(());
        }
        Err(self.invalid(&level.to_string(), "Value must be between 1 and 9 or equal to -1"))
    }

    fn check_fraction(&self, fraction: f64, min: f64, max: f64) -> Result<(), ConfigError> {
        let why = if fraction < min {
            format!("Value must be at least {min}")
        } else if fraction > max {
            format!("Value must be no more than {max}")
        } else {
            return Ok(());
        };
        Err(self.invalid(&format!("{fraction:?}"), &why))
    }

    fn check_one_of(&self, text: &str, allowed: &[&str]) -> Result<(), ConfigError> {
        if allowed.contains(&text) {
            return Ok(());
        }
        Err(self.invalid(text, &format!("String must be one of: {}", allowed.join(", "))))
    }

    fn check_any_case(&self, text: &str, allowed: &[&str]) -> Result<(), ConfigError> {
        if allowed.iter().any(|one| one.eq_ignore_ascii_case(text)) {
            return Ok(());
        }
        let why = format!("String must be one of (case insensitive): {}", allowed.join(", "));
        Err(self.invalid(text, &why))
    }

    fn check_list(&self, items: &[String], allowed: &[&str], may_be_empty: bool) -> Result<(), ConfigError> {
        if items.is_empty() && !may_be_empty {
            let message = format!("Configuration '{}' must not be empty.", self.name);
            return Err(ConfigError(format!("{message} Valid values include: [{}]", allowed.join(", "))));
        }
        if items.iter().enumerate().any(|(place, item)| items.iter().take(place).any(|before| before == item))
        {
            return Err(ConfigError(format!("Configuration '{}' values must not be duplicated.", self.name)));
        }
        if items.len() == 1 && items.iter().any(String::is_empty) {
            return Err(ConfigError(format!("Configuration '{}' values must not be empty.", self.name)));
        }
        items.iter().filter(|_| !allowed.is_empty()).try_for_each(|item| self.check_one_of(item, allowed))
    }

    fn check_throttled(&self, items: &[String]) -> Result<(), ConfigError> {
        let is_star = matches!(items, [one] if one == "*");
        if is_star || items.iter().all(|item| is_replica(item)) {
            return Ok(());
        }
        let why = format!(
            "{} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            self.name
        );
        Err(self.invalid(&items.join(","), &why))
    }

    fn check_offset_reset(&self, text: &str) -> Result<(), ConfigError> {
        let is_duration = text.strip_prefix("by_duration:").is_some_and(is_iso_duration);
        if is_duration || matches!(text, "latest" | "earliest") {
            return Ok(());
        }
        let why = format!(
            "Invalid value `{text}` for configuration {}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
            self.name
        );
        Err(self.invalid(text, &why))
    }
}

/// The items between commas, without the spaces around them; an empty text has none.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().into()).collect()
}

/// Whether the text is `partition:broker`, each a number without a sign.
fn is_replica(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
}

/// Whether the text is a duration that is not negative, such as `P1DT2H3M4.5S`.
fn is_iso_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['P', 'p']) else { return false };
    let (days, time) = match rest.split_once(['T', 't']) {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    let days_fit = days.is_empty() || are_units(days, "D");
    days_fit && time.map_or(!days.is_empty(), |time| !time.is_empty() && are_units(time, "HMS"))
}

/// Whether the text is numbers, each followed by one of `units`, in their order and at most once each.
fn are_units(text: &str, units: &str) -> bool {
    let (mut left, mut digits) = (units, 0);
    for letter in text.chars() {
        if letter.is_ascii_digit() || (letter == '.' && digits > 0) {
            digits += 1;
        } else if let Some(place) = left.find(letter.to_ascii_uppercase()).filter(|_| digits > 0) {
            left = left.get(place + 1..).unwrap_or_default();
            digits = 0;
        } else {
            return false;
        }
    }
    digits == 0
}
