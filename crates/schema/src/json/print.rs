//! Compact printing, in the escapes and number spellings of the Java registry.

use super::{Json, Number, java_double};

/// How numbers with a fraction or an exponent are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As they were written.
    Literal,
    /// As Java prints doubles (Avro's defaults and properties pass through one).
    Double,
    /// The same for equal values only, for comparing.
    Value,
    /// As Java prints exact decimals (JSON Schema): `1e3` becomes `1E+3`, trailing zeros stay.
    BigDecimal,
}

impl Json {
    /// Compact text, numbers as written.
    pub fn to_text(&self) -> String {
        self.spelled(Spelling::Literal)
    }

    /// Compact text with a choice of number spelling.
    pub fn spelled(&self, spelling: Spelling) -> String {
        let mut out = String::new();
        self.print(&mut out, spelling);
        out
    }

    /// Appends compact text.
    pub fn print(&self, out: &mut String, spelling: Spelling) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Number(number) => print_number(number, out, spelling),
            Json::String(text) => escape_into(text, out),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.print(out, spelling);
                }
                out.push(']');
            }
            Json::Object(object) => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    escape_into(key, out);
                    out.push(':');
                    value.print(out, spelling);
                }
                out.push('}');
            }
        }
    }
}

fn print_number(number: &Number, out: &mut String, spelling: Spelling) {
    let literal = number.literal();
    match spelling {
        Spelling::Literal => out.push_str(literal),
        Spelling::Value => out.push_str(&number.value_key()),
        // Java has no negative zero among its integers.
        _ if number.is_integral() => out.push_str(if literal == "-0" { "0" } else { literal }),
        Spelling::Double => {
            let value = number.as_f64();
            if value.is_finite() {
                out.push_str(&java_double(value));
            } else {
                escape_into(if value < 0.0 { "-Infinity" } else { "Infinity" }, out);
            }
        }
        Spelling::BigDecimal => out.push_str(&big_decimal(literal)),
    }
}

/// Java's `BigDecimal.toString` of a literal: plain while the scale is not negative and the value not tiny.
fn big_decimal(literal: &str) -> String {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.trim_start_matches('+').parse::<i32>() else {
        return literal.to_owned();
    };
    let unscaled = format!("{whole}{fraction}");
    let unscaled = match unscaled.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let sign = if unscaled == "0" { "" } else { sign };
    let scale = fraction.len() as i64 - i64::from(exponent);
    let adjusted = unscaled.len() as i64 - 1 - scale;
    if scale == 0 {
        return format!("{sign}{unscaled}");
    }
    if scale > 0 && adjusted >= -6 {
        let places = scale as usize;
        let padded = format!("{unscaled:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        return format!("{sign}{whole}.{fraction}");
    }
    let (lead, tail) = unscaled.split_at(1);
    let dot = if tail.is_empty() { "" } else { "." };
    let plus = if adjusted > 0 { "+" } else { "" };
    if adjusted == 0 {
        return format!("{sign}{lead}{dot}{tail}");
    }
    format!("{sign}{lead}{dot}{tail}E{plus}{adjusted}")
}

/// Appends a string in quotes: short escapes where JSON has them, `\u00XX` for other control characters.
pub fn escape_into(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    // All that is escaped is a byte of its own; what lies between is copied whole.
    for (at, byte) in
        text.bytes().enumerate().filter(|(_, byte)| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
    {
        out.push_str(text.get(written..at).unwrap_or_default());
        written = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x8 => out.push_str("\\b"),
            0xc => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => out.push_str(&format!("\\u{control:04X}")),
        }
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.push('"');
}
