//! Whether schemas are compatible, and what would make them so.

use schema_serde::{Reason, RegistryClient, VersionSpec};
use serde_json::{Value, json};

use ::schema::{Direction, Finding, Level, Policy, Previous, check};

use super::read::Source;
use crate::failure::{Failure, Outcome, reasons_as_text};
use crate::output::Output;

/// `mekong schema check`
#[derive(clap::Args)]
pub struct Check {
    /// The subject, such as users-value.
    subject: String,
    #[command(flatten)]
    source: Source,
    /// Against this version only [default: those that the subject's compatibility names]
    #[arg(long, value_name = "VERSION")]
    against: Option<String>,
}

impl Check {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let schema = self.source.schema(registry, &self.subject).await?;
        let wrong = |text: &String| Failure::new(format!("`{text}` is no version"));
        let version = self.against.as_ref().map(|text| VersionSpec::parse(text).ok_or_else(|| wrong(text)));
        let verdict =
            registry.check(&self.subject, version.transpose()?, &schema, self.source.normalize).await?;
        if verdict.is_compatible {
            let text = format!("{} would take the schema", self.subject);
            return output.either(text, &json!({ "subject": self.subject, "compatible": true }));
        }
        if output.is_json() {
            output.value(&json!({
                "subject": self.subject, "compatible": false, "reasons": verdict.reasons,
                "messages": verdict.messages,
            }))?;
        }
        let failure = Failure::new(format!("{} would refuse the schema as incompatible", self.subject));
        Err(match verdict.reasons.is_empty() {
            true => failure.advise(verdict.messages.join("\n  ")),
            false => failure.advise(reasons_as_text(&verdict.reasons)),
        })
    }
}

/// `mekong schema diff`
#[derive(clap::Args)]
pub struct Diff {
    /// The subject.
    subject: String,
    /// The earlier version [default: the one before the latest]
    from: Option<i32>,
    /// The later version [default: the latest]
    to: Option<i32>,
}

impl Diff {
    pub async fn run(self, registry: &RegistryClient, output: &Output) -> Outcome {
        let versions = registry.versions(&self.subject, false).await?;
        let to = self.to.or(versions.last().copied()).unwrap_or_default();
        let before = versions.iter().rev().find(|version| **version < to);
        let from = self.from.or(before.copied());
        let from =
            from.ok_or_else(|| Failure::new(format!("{} has no version before {to}", self.subject)))?;
        let old = registry.version(&self.subject, VersionSpec::Number(from)).await?;
        let new = registry.version(&self.subject, VersionSpec::Number(to)).await?;
        let (old, new) = (registry.resolved(&old).await?, registry.resolved(&new).await?);
        let previous = Previous { version: from, text: &old.registered.schema.text, schema: &old.parsed };
        let verdict = check(Level::Full, Policy::Strict, &new.parsed, &[previous]);
        let is_against = |direction: Direction| move |finding: &&Finding| finding.direction == direction;
        let sides = [
            ("backward", format!("version {to} reads what version {from} wrote"), Direction::NewReadsOld),
            ("forward", format!("version {from} reads what version {to} writes"), Direction::OldReadsNew),
        ];
        let findings =
            |direction| verdict.findings.iter().filter(is_against(direction)).map(reason).collect::<Vec<_>>();
        if output.is_json() {
            let mut told = json!({ "subject": self.subject, "from": from, "to": to });
            for (name, _, direction) in sides {
                let reasons = findings(direction);
                let side = json!({ "compatible": reasons.is_empty(), "reasons": reasons });
                told.as_object_mut().map(|told| told.insert(name.to_owned(), side));
            }
            return output.value(&told);
        }
        for line in changed_lines(&old.registered.schema.text, &new.registered.schema.text) {
            output.line(line)?;
        }
        for (name, what, direction) in sides {
            let reasons = findings(direction);
            match reasons.is_empty() {
                true => output.line(format!("{name}: compatible; {what}"))?,
                false => output.line(format!("{name}: incompatible\n  {}", reasons_as_text(&reasons)))?,
            }
        }
        Ok(())
    }
}

fn reason(finding: &Finding) -> Reason {
    Reason {
        error_type: finding.kind.unwrap_or("UNCOMPARABLE").to_owned(),
        path: finding.path.clone(),
        description: finding.description.clone(),
        remedy: finding.remedy.clone(),
    }
}

/// Longer texts are not compared line by line.
const LINES_MAX: usize = 2_000;

/// The lines that only one of the texts has, in order, with - and + in front.
fn changed_lines(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        return Vec::new();
    }
    // The lengths of the longest common subsequences of what is left of both.
    let width = new.len() + 1;
    let mut lengths = vec![0u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let longest = match a == b {
                true => at(&lengths, i + 1, j + 1) + 1,
                false => at(&lengths, i + 1, j).max(at(&lengths, i, j + 1)),
            };
            if let Some(slot) = lengths.get_mut(i * width + j) {
                *slot = longest;
            }
        }
    }
    let (mut i, mut j, mut changed) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => (i, j) = (i + 1, j + 1),
            (Some(a), b) if b.is_none() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) => {
                changed.push(format!("- {a}"));
                i += 1;
            }
            (_, Some(b)) => {
                changed.push(format!("+ {b}"));
                j += 1;
            }
            _ => return changed,
        }
    }
}

/// JSON is spread over lines first.
fn lines(text: &str) -> Vec<String> {
    let spread = serde_json::from_str::<Value>(text).and_then(|json| serde_json::to_string_pretty(&json));
    spread.unwrap_or_else(|_| text.to_owned()).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_are_shown() {
        assert_eq!(changed_lines("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert_eq!(changed_lines("{\"a\":1}", "{ \"a\": 1 }"), Vec::<String>::new());
        assert_eq!(changed_lines("a", ""), ["- a"]);
    }
}
