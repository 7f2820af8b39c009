//! `cargo xtask …`: what developers and CI run.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("usage: cargo xtask test | tidy | layers | bench");
    ExitCode::from(2)
}
