//! Latencies counted in buckets that grow with the value: exact below 64 µs, within 1.6 % above.

use std::time::Duration;

const SUB_BITS: u32 = 6;

/// Counts durations.
#[derive(Clone, Debug, Default)]
pub struct Quantiles {
    counts: Vec<u64>,
    total: u64,
    sum_micros: u128,
    max: Duration,
}

fn bucket(micros: u64) -> usize {
    let shift = (64 - micros.leading_zeros()).saturating_sub(SUB_BITS + 1);
    ((shift as usize) << SUB_BITS) + (micros >> shift) as usize
}

fn value(bucket: usize) -> u64 {
    let shift = (bucket >> SUB_BITS).saturating_sub(1);
    ((bucket - (shift << SUB_BITS)) as u64) << shift
}

impl Quantiles {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.total += 1;
        self.sum_micros += u128::from(micros);
        self.max = self.max.max(duration);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        self.sum_micros as f64 / 1000.0 / self.total.max(1) as f64
    }

    /// The greatest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.max.as_secs_f64() * 1000.0
    }

    /// The duration that `share` of all do not exceed, in milliseconds.
    pub fn at_ms(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return value(bucket) as f64 / 1000.0;
            }
        }
        0.0
    }

    /// Mean, median, 95 %, 99 %, 99.9 % and maximum, for people.
    pub fn text(&self) -> String {
        format!(
            "mean {:.2} ms, p50 {:.2}, p95 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.2} ms",
            self.mean_ms(),
            self.at_ms(0.5),
            self.at_ms(0.95),
            self.at_ms(0.99),
            self.at_ms(0.999),
            self.max_ms()
        )
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "mean_ms": self.mean_ms(), "p50_ms": self.at_ms(0.5), "p95_ms": self.at_ms(0.95), "p99_ms": self.at_ms(0.99),
            "p999_ms": self.at_ms(0.999), "max_ms": self.max_ms(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_their_precision() {
        for micros in [0, 1, 63, 64, 127, 128, 1000, 12_345, 1_000_000, 987_654_321] {
            let low = value(bucket(micros));
            assert!(low <= micros && micros - low <= micros / 64, "{micros}: {low}");
        }
    }

    #[test]
    fn quantiles_of_a_hundred() {
        let mut quantiles = Quantiles::default();
        (1..=100).for_each(|millis| quantiles.add(Duration::from_millis(millis)));
        assert!((49.0..=50.0).contains(&quantiles.at_ms(0.5)));
        assert!((98.0..=99.0).contains(&quantiles.at_ms(0.99)));
        assert_eq!(quantiles.max_ms(), 100.0);
    }
}
