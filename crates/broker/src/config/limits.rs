//! The limits on connections, which may change while the broker runs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use metadata::config::BrokerConfigs;

/// How many connections there may be, and how fast they may come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// `max.connections`.
    pub max: usize,
    /// `max.connections.per.ip`.
    pub per_ip_max: usize,
    /// `max.connections.per.ip.overrides`.
    pub per_ip_overrides: BTreeMap<IpAddr, usize>,
    /// `max.connection.creation.rate`, in connections per second; `None` for no limit.
    pub creation_rate: Option<u32>,
}

impl ConnectionLimits {
    /// The limits as the configs have them; the error is an override that is not address:count.
    pub fn of(configs: &BrokerConfigs<'_>) -> Result<Self, String> {
        let count = |name: &str| usize::try_from(configs.number(name)).unwrap_or_default();
        let rate = configs.number("max.connection.creation.rate");
        let overrides = configs.text("max.connections.per.ip.overrides").unwrap_or_default();
        Ok(Self {
            max: count("max.connections"),
            per_ip_max: count("max.connections.per.ip"),
            per_ip_overrides: per_ip(&overrides)?,
            creation_rate: u32::try_from(rate).ok().filter(|rate| *rate < i32::MAX as u32),
        })
    }

    /// How many connections this address may have.
    pub fn of_address(&self, ip: IpAddr) -> usize {
        self.per_ip_overrides.get(&ip).copied().unwrap_or(self.per_ip_max)
    }
}

fn per_ip(text: &str) -> Result<BTreeMap<IpAddr, usize>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let parsed =
                entry.rsplit_once(':').and_then(|(ip, max)| Some((ip.parse().ok()?, max.parse().ok()?)));
            parsed.ok_or_else(|| format!("'{entry}' is not address:count"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use metadata::MetadataImage;
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn limits_are_as_they_are_set() {
        let mut statics = StaticConfigs::default();
        let image = MetadataImage::default();
        let limits =
            |statics: &_| ConnectionLimits::of(&BrokerConfigs { node_id: 1, statics, image: &image });
        assert_eq!(limits(&statics).unwrap().creation_rate, None);
        for (name, value) in [
            ("max.connections", "11"),
            ("max.connections.per.ip", "7"),
            ("max.connections.per.ip.overrides", "10.0.0.1:3, ::1:5"),
            ("max.connection.creation.rate", "13"),
        ] {
            statics.insert(name.to_owned(), value.to_owned());
        }
        let limits = limits(&statics).unwrap();
        assert_eq!((limits.max, limits.per_ip_max, limits.creation_rate), (11, 7, Some(13)));
        let of_address = |text: &str| limits.of_address(text.parse().unwrap());
        assert_eq!((of_address("10.0.0.1"), of_address("::1"), of_address("10.0.0.2")), (3, 5, 7));
    }
}
