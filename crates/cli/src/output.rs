//! What goes to stdout: tables for people, JSON for programs.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::failure::Outcome;

/// How to print.
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON or text.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) -> Outcome {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// A line of text.
    pub fn line(&self, text: impl AsRef<str>) -> Outcome {
        self.bytes(format!("{}\n", text.as_ref()).as_bytes())
    }

    /// One JSON object, on one line.
    pub fn value(&self, value: &Value) -> Outcome {
        self.line(value.to_string())
    }

    /// The text, or the value where JSON is wanted.
    pub fn either(&self, text: impl AsRef<str>, value: &Value) -> Outcome {
        if self.json { self.value(value) } else { self.line(text) }
    }

    /// Rows under headings, columns aligned; or one JSON object a line, by `objects`.
    pub fn table(
        &self,
        headings: &[&str],
        rows: &[Vec<String>],
        objects: impl IntoIterator<Item = Value>,
    ) -> Outcome {
        if self.json {
            let lines: Vec<String> = objects.into_iter().map(|object| format!("{object}\n")).collect();
            return self.bytes(lines.concat().as_bytes());
        }
        self.bytes(aligned(headings, rows).as_bytes())
    }

    /// A note for people, on stderr; nothing where programs read.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            eprintln!("{}", text.as_ref());
        }
    }

    /// A line on a terminal's stderr that the next one overwrites.
    pub fn progress(&self, text: impl AsRef<str>) {
        if !self.json && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K{}", text.as_ref());
        }
    }

    /// Clears the progress line.
    pub fn end_progress(&self) {
        self.progress("");
    }
}

/// Columns as wide as their widest cell; numbers to the right.
fn aligned(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let is_number = |column: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(column)).filter(|cell| *cell != "-").peekable();
        cells.peek().is_some()
            && cells.all(|cell| cell.chars().all(|c| c.is_ascii_digit() || "-.,%".contains(c)))
    };
    let numbers: Vec<bool> = (0..headings.len()).map(is_number).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).zip(&numbers).map(|((cell, width), is_number)| {
            if *is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let text: Vec<String> = padded.collect();
        format!("{}\n", text.join("  ").trim_end())
    };
    let mut text = line(headings.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in binary units.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        let rows = vec![vec!["a".into(), "10".into()], vec!["long".into(), "5".into()]];
        assert_eq!(aligned(&["NAME", "N"], &rows), "NAME   N\na     10\nlong   5\n");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(-12), "-12");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
    }
}
