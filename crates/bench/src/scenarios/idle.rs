//! What a broker costs that does nothing: resident memory and CPU.

use super::{Stage, alternate, rows};
use crate::report::Row;
use crate::settings::Settings;

/// Runs it.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let windows = alternate(settings, stage, |_, window| {
        std::thread::sleep(window);
        Ok((1, 1))
    })?;
    let mut all = rows("idle CPU", "ms/s", &windows, |w| w.broker_cpu * 1e3 / w.seconds, [Some(0.1); 2]);
    let memory = |place: usize| -> Result<f64, String> {
        let subject = stage.subjects.get(place).ok_or("no such subject")?;
        Ok(subject.resident_bytes()? as f64 / (1024.0 * 1024.0))
    };
    for (place, mode) in ["durable", "relaxed"].into_iter().enumerate() {
        all.push(Row {
            what: "resident memory after the warm-up".into(),
            unit: "MiB",
            mode,
            ours: vec![memory(place)?],
            theirs: vec![memory(2)?],
            target: Some(0.10),
            at_least: false,
        });
    }
    Ok(all)
}
