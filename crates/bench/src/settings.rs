//! What to run, how long and against which binaries.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `mekong` binary.
    pub mekong: PathBuf,
    /// The folder with Apache Kafka's jars.
    pub kafka_libs: PathBuf,
    /// A folder for both brokers' data and logs.
    pub work: PathBuf,
    /// Where the table is written as Markdown, besides being printed.
    pub out: Option<PathBuf>,
    /// How long a window is.
    pub window: Duration,
    /// Windows of each subject.
    pub pairs: usize,
    /// How long Kafka is warmed before the first window.
    pub warm_up: Duration,
    /// How much shorter sizes are: 1 for all, more for `--quick`.
    pub divide: usize,
    /// Scenarios by name; all when empty.
    pub only: Vec<String>,
}

impl Settings {
    /// Reads `--name value` pairs, `--quick`, and scenarios' names.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().cloned().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--mekong" => settings.mekong = value()?.into(),
                "--kafka-libs" => settings.kafka_libs = value()?.into(),
                "--work" => settings.work = value()?.into(),
                "--out" => settings.out = Some(value()?.into()),
                "--seconds" => settings.window = Duration::from_secs_f64(number(&value()?)?),
                "--pairs" => settings.pairs = number::<usize>(&value()?)?.max(1),
                "--quick" => settings.quick(),
                name if name.starts_with("--") => return Err(format!("unknown option {name}")),
                name => settings.only.push(name.to_owned()),
            }
        }
        Ok(settings)
    }

    fn quick(&mut self) {
        self.window = Duration::from_secs(3);
        self.pairs = 2;
        self.warm_up = Duration::from_secs(5);
        self.divide = 8;
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mekong: "target/release/mekong".into(),
            kafka_libs: "target/interop/java/libs".into(),
            work: "target/bench".into(),
            out: None,
            window: Duration::from_secs(20),
            pairs: 6,
            warm_up: Duration::from_secs(30),
            divide: 1,
            only: Vec::new(),
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
}
