//! What to run, how long and against which binaries.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::Runs;

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `mekong` binary.
    pub mekong: PathBuf,
    /// The folder with Apache Kafka's jars.
    pub kafka_libs: PathBuf,
    /// librdkafka's `rdkafka_performance`, if it was built.
    pub rdkafka: Option<PathBuf>,
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
    /// What scenarios whose rounds take Kafka minutes may take in all, beyond their first round.
    pub long: Duration,
    /// How much shorter sizes are: 1 for all, more for `--quick`.
    pub divide: usize,
    /// Count instructions and system calls instead: the file that keeps them, and whether to check against it.
    pub counts: Option<(PathBuf, bool)>,
    /// Measure clusters of three instead: how often.
    pub cluster: Option<Runs>,
    /// Leave Kafka out, to look at Mekong alone.
    pub alone: bool,
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
                "--rdkafka" => settings.rdkafka = Some(value()?.into()),
                "--work" => settings.work = value()?.into(),
                "--out" => settings.out = Some(value()?.into()),
                "--seconds" => settings.window = seconds(&value()?)?,
                "--warm" => settings.warm_up = seconds(&value()?)?,
                "--long" => settings.long = seconds(&value()?)?,
                "--pairs" => settings.pairs = number::<usize>(&value()?)?.max(1),
                "--divide" => settings.divide = number::<usize>(&value()?)?.max(1),
                "--check-counts" => settings.counts = Some((value()?.into(), true)),
                "--write-counts" => settings.counts = Some((value()?.into(), false)),
                "--cluster" => settings.cluster = Some(Runs::default()),
                "--runs" => settings.runs().ours = number(&value()?)?,
                "--kafka-runs" => settings.runs().theirs = number(&value()?)?,
                "--minutes" => settings.runs().minutes = number(&value()?)?,
                "--alone" => settings.alone = true,
                "--quick" => settings.quick(),
                name if name.starts_with("--") => return Err(format!("unknown option {name}")),
                name => settings.only.push(name.to_owned()),
            }
        }
        Ok(settings)
    }

    /// Whether the scenario of this name is to run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    fn runs(&mut self) -> &mut Runs {
        self.cluster.get_or_insert_default()
    }

    fn quick(&mut self) {
        self.window = Duration::from_secs(1);
        self.pairs = 2;
        self.warm_up = Duration::from_secs(4);
        self.long = Duration::from_secs(20);
        self.divide = 16;
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mekong: "target/release/mekong".into(),
            kafka_libs: "target/interop/java/libs".into(),
            rdkafka: None,
            work: "target/bench".into(),
            out: None,
            window: Duration::from_secs(20),
            pairs: 6,
            warm_up: Duration::from_secs(30),
            long: Duration::from_secs(480),
            divide: 1,
            counts: None,
            cluster: None,
            alone: false,
            only: Vec::new(),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    Ok(Duration::from_secs_f64(number(text)?))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
}
