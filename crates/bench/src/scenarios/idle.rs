//! What a broker costs that does nothing: resident memory and CPU, before anything was asked of it. Mekong's schema registry is on.

use std::time::Instant;

use super::{Stage, Windows, at_most, both};
use crate::report::{Goal, Row};
use crate::settings::Settings;

/// One broker's idle window.
struct Idle {
    cpu_ms_per_second: f64,
    resident_mib: f64,
}

/// Runs it; all brokers idle at the same time.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let subjects = both(stage);
    let mut windows: Vec<Vec<Idle>> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..settings.pairs {
        let before = subjects.iter().map(|subject| subject.cpu_seconds()).collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        std::thread::sleep(settings.window);
        for ((subject, before), list) in subjects.iter().zip(before).zip(&mut windows) {
            let cpu_ms_per_second = (subject.cpu_seconds()? - before) * 1e3 / started.elapsed().as_secs_f64();
            let resident_mib = subject.resident_bytes()? as f64 / (1024.0 * 1024.0);
            list.push(Idle { cpu_ms_per_second, resident_mib });
        }
    }
    let measured = Windows { subjects, windows };
    let memory = |_| vec![Goal::Own(40.0, "")];
    let mut all = measured.rows("idle, resident memory", "MiB", |w| w.resident_mib, memory);
    all.extend(measured.rows("idle, CPU", "ms/s", |w| w.cpu_ms_per_second, at_most(0.1, 0.1)));
    Ok(all)
}
