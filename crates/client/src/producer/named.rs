//! A producer's settings by Kafka's names.

use records::{Compression, CompressionType};

use super::builder::{Acks, ProducerBuilder};
use crate::setting::{Taker, count, flag, millis, other, unfit};

/// The codec and the levels, which Kafka keeps in settings of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Compressing {
    codec: Option<CompressionType>,
    levels: Vec<(CompressionType, i32)>,
}

impl Compressing {
    /// The codec at its level; `None` if no codec was named.
    pub(super) fn chosen(&self) -> Option<Compression> {
        let codec = self.codec?;
        let level = self.levels.iter().rev().find(|(of, _)| *of == codec).map(|(_, level)| *level);
        Some(
            level
                .and_then(|level| Compression::with_level(codec, level).ok())
                .unwrap_or(Compression::of(codec)),
        )
    }

    fn set_level(&mut self, codec: CompressionType, name: &str, value: &str) -> Result<(), String> {
        let level = value.trim().parse().map_err(|_| unfit(name, value, "a number"))?;
        Compression::with_level(codec, level).map_err(|error| unfit(name, value, &error.to_string()))?;
        self.levels.push((codec, level));
        Ok(())
    }
}

impl ProducerBuilder {
    /// A setting by Kafka's name, such as `option("linger.ms", "5")`. A name that changes nothing here is said in the log; unknown and
    /// unsupported ones, and values that cannot be, fail at [`ProducerBuilder::build`].
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if let Err(refused) = self.set(name, value) {
            self.refused.get_or_insert(refused);
        }
        self
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let settings = &mut self.settings;
        match name {
            "acks" => {
                self.acks = match value.trim() {
                    "all" | "-1" => Acks::All,
                    "1" => Acks::Leader,
                    "0" => Acks::None,
                    _ => return Err(unfit(name, value, "all, -1, 0 or 1")),
                }
            }
            "linger.ms" => settings.linger = millis(name, value)?,
            "batch.size" => settings.batch_size = count(name, value, 0)?.max(1),
            "compression.type" => {
                let codec = value.trim().parse();
                let allowed = "none, gzip, snappy, lz4 or zstd";
                self.compressing.codec = Some(codec.map_err(|_| unfit(name, value, allowed))?);
            }
            "compression.gzip.level" => self.compressing.set_level(CompressionType::Gzip, name, value)?,
            "compression.lz4.level" => self.compressing.set_level(CompressionType::Lz4, name, value)?,
            "compression.zstd.level" => self.compressing.set_level(CompressionType::Zstd, name, value)?,
            "enable.idempotence" => self.idempotence = Some(flag(name, value)?),
            "max.in.flight.requests.per.connection" => settings.in_flight_max = count(name, value, 1)?,
            "delivery.timeout.ms" => settings.delivery_timeout = millis(name, value)?,
            "retries" => settings.retries = u32::try_from(count(name, value, 0)?).unwrap_or(u32::MAX),
            "max.request.size" => settings.request_size_max = count(name, value, 0)?,
            "buffer.memory" => {
                let bytes = value.trim().parse().map_err(|_| unfit(name, value, "a number of bytes"))?;
                self.buffer_memory = bytes;
            }
            _ => return other(Taker::Producer, name, value),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::setting::{PRODUCER, samples};
    use crate::{ConnectError, ProducerBuilder};

    fn base(name: &str) -> ProducerBuilder {
        let codec = name.strip_prefix("compression.").and_then(|rest| rest.strip_suffix(".level"));
        let builder = ProducerBuilder::new(samples::cluster(), 1);
        match codec {
            Some(codec) => builder.option("compression.type", codec),
            None => builder,
        }
    }

    fn settled(builder: ProducerBuilder) -> Result<String, ConnectError> {
        let builder = builder.settled()?;
        Ok(format!("{:?} {:?} {}", builder.settings, builder.acks, builder.buffer_memory))
    }

    #[test]
    fn every_setting_has_its_effect() {
        for name in PRODUCER {
            let (good, bad) = samples::values_of(name);
            let changed = settled(base(name).option(name, good)).unwrap();
            assert_ne!(changed, settled(base(name)).unwrap(), "{name} changes nothing");
            let error = settled(base(name).option(name, bad)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}={bad}: ")), "{error}");
        }
    }

    #[test]
    fn idempotence_gives_way_where_it_was_not_asked_for() {
        for (name, value) in [("acks", "1"), ("max.in.flight.requests.per.connection", "6"), ("retries", "0")]
        {
            let silent = base("").option(name, value).settled().unwrap();
            assert!(!silent.settings.idempotent, "{name}");
            let asked = base("").option("enable.idempotence", "true").option(name, value).settled().err();
            assert!(
                matches!(asked, Some(ConnectError::Setting(text)) if text.contains("idempotent")),
                "{name}"
            );
        }
    }
}
