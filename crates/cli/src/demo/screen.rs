//! What the terminal shows while the play goes on.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::failure::Outcome;
use crate::output::{Output, thousands};

/// One consumer at one moment.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Readings it has worked on.
    pub done: u64,
    /// Its partitions.
    pub partitions: Vec<i32>,
    /// Whether it waits at the fence.
    pub waits: bool,
}

/// Everything at one moment.
pub struct Moment {
    /// What the play is about now.
    pub scene: String,
    /// Readings made by the devices.
    pub made: u64,
    /// Readings acknowledged.
    pub acknowledged: u64,
    /// Readings worked on.
    pub done: u64,
    /// The consumers.
    pub members: Vec<Member>,
}

impl Moment {
    fn lag(&self) -> u64 {
        self.acknowledged.saturating_sub(self.done)
    }
}

/// Draws moments one over the other on a terminal; prints a line a second elsewhere.
pub struct Screen {
    begin: Instant,
    last: Option<(Instant, Moment)>,
    lags: Vec<u64>,
    drawn_lines: usize,
    said: Option<Instant>,
    scene: String,
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HISTORY: usize = 60;

impl Screen {
    /// An empty screen.
    pub fn new() -> Self {
        Self {
            begin: Instant::now(),
            last: None,
            lags: Vec::new(),
            drawn_lines: 0,
            said: None,
            scene: String::new(),
        }
    }

    /// Shows a moment.
    pub fn show(&mut self, moment: Moment, output: &Output) -> Outcome {
        let now = Instant::now();
        let rate = |of: fn(&Moment) -> u64| {
            self.last.as_ref().map_or(0, |(then, last)| {
                let seconds = now.duration_since(*then).as_secs_f64().max(0.001);
                (of(&moment).saturating_sub(of(last)) as f64 / seconds) as u64
            })
        };
        let (rate_in, rate_out) = (rate(|moment| moment.acknowledged), rate(|moment| moment.done));
        let is_terminal = std::io::stdout().is_terminal() && !output.is_json();
        if is_terminal {
            self.lags.push(moment.lag());
            let text = self.panel(&moment, rate_in, rate_out, now);
            let up = if self.drawn_lines > 0 {
                format!("\x1b[{}A\x1b[J", self.drawn_lines)
            } else {
                String::new()
            };
            self.drawn_lines = text.lines().count();
            output.bytes(format!("{up}{text}").as_bytes())?;
        } else if self.said.is_none_or(|said| said.elapsed() >= Duration::from_secs(1))
            || self.scene != moment.scene
        {
            self.said = Some(now);
            self.line(&moment, rate_in, rate_out, output)?;
        } else {
            return Ok(());
        }
        self.scene.clone_from(&moment.scene);
        self.last = Some((now, moment));
        Ok(())
    }

    fn line(&self, moment: &Moment, rate_in: u64, rate_out: u64, output: &Output) -> Outcome {
        let seconds = self.begin.elapsed().as_secs_f64();
        let shares: Vec<String> = moment.members.iter().map(share).collect();
        let members = moment.members.iter().map(|member| {
            json!({ "name": member.name, "done": member.done, "partitions": member.partitions, "waits": member.waits })
        });
        let value = json!({
            "seconds": seconds, "scene": moment.scene, "made": moment.made, "acknowledged": moment.acknowledged,
            "worked_on": moment.done, "lag": moment.lag(), "rate_in": rate_in, "rate_out": rate_out,
            "members": members.collect::<Vec<_>>(),
        });
        let text = format!(
            "{seconds:6.1} s  in {:>7}/s  out {:>7}/s  lag {:>8}  {}  {}",
            thousands(rate_in as i64),
            thousands(rate_out as i64),
            thousands(moment.lag() as i64),
            shares.join(" "),
            moment.scene,
        );
        output.either(text, &value)
    }

    fn panel(&self, moment: &Moment, rate_in: u64, rate_out: u64, now: Instant) -> String {
        let mut text =
            format!("\x1b[1m{:6.1} s  {}\x1b[0m\n", self.begin.elapsed().as_secs_f64(), moment.scene);
        let _ = writeln!(
            text,
            "  devices    {:>8}/s   acknowledged {:>10}",
            thousands(rate_in as i64),
            thousands(moment.acknowledged as i64)
        );
        let _ = writeln!(
            text,
            "  consumers  {:>8}/s   worked on    {:>10}",
            thousands(rate_out as i64),
            thousands(moment.done as i64)
        );
        let _ = writeln!(text, "  lag        {:>8}     {}", thousands(moment.lag() as i64), bars(&self.lags));
        for member in &moment.members {
            let before = self.last.as_ref().and_then(|(then, last)| {
                let same = last.members.iter().find(|other| other.name == member.name)?;
                Some((now.duration_since(*then).as_secs_f64().max(0.001), same.done))
            });
            let rate = before
                .map_or(0, |(seconds, done)| (member.done.saturating_sub(done) as f64 / seconds) as i64);
            let _ = writeln!(text, "    {:<10} {:>8}/s   {}", member.name, thousands(rate), holdings(member));
        }
        text
    }
}

fn holdings(member: &Member) -> String {
    if member.partitions.is_empty() {
        return "no partition, nothing to do".to_owned();
    }
    let partitions: Vec<String> = member.partitions.iter().map(i32::to_string).collect();
    let waits = if member.waits { ", waits at the fence" } else { "" };
    format!("partition {}{waits}", partitions.join(", "))
}

fn share(member: &Member) -> String {
    let partitions: Vec<String> = member.partitions.iter().map(i32::to_string).collect();
    format!("{}[{}{}]", member.name, partitions.join(","), if member.waits { "…" } else { "" })
}

fn bars(lags: &[u64]) -> String {
    let recent = lags.iter().skip(lags.len().saturating_sub(HISTORY));
    let most = recent.clone().copied().max().unwrap_or(0).max(1);
    recent.map(|lag| BARS.get((lag * 7 / most) as usize).copied().unwrap_or(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_rise_with_the_lag() {
        assert_eq!(bars(&[0, 7, 14]), "▁▄█");
        assert_eq!(bars(&[0]), "▁");
        assert_eq!(bars(&vec![1; 100]).chars().count(), HISTORY);
    }
}
