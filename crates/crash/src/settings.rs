//! What the command line says.

use std::path::PathBuf;

use crate::Failure;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The binary under test.
    pub mekong: PathBuf,
    /// Where data and progress go.
    pub work: PathBuf,
    /// How often the process is killed.
    pub cycles: u64,
    /// What chooses everything that is chosen.
    pub seed: u64,
    /// How long each phase of the hostile clients takes.
    pub seconds: u64,
}

impl Settings {
    /// Reads the arguments behind the command.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut settings = Self {
            mekong: "target/release/mekong".into(),
            work: "target/crash".into(),
            cycles: 20,
            seed: 1,
            seconds: 10,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--mekong" => settings.mekong = value.into(),
                "--work" => settings.work = value.into(),
                "--cycles" => settings.cycles = value.parse()?,
                "--seed" => settings.seed = value.parse()?,
                "--seconds" => settings.seconds = value.parse()?,
                _ => return Err(format!("unknown argument {name}").into()),
            }
        }
        std::fs::create_dir_all(&settings.work)?;
        Ok(settings)
    }
}
