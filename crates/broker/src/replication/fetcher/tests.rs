//! What the configs set reaches what leaders are asked.

use metadata::MetadataImage;
use metadata::config::StaticConfigs;

use super::*;

#[test]
fn leaders_are_asked_as_the_configs_say() {
    let image = MetadataImage::default();
    let asked = [
        ("replica.socket.timeout.ms", "1001"),
        ("replica.fetch.wait.max.ms", "1002"),
        ("replica.fetch.min.bytes", "1003"),
        ("replica.fetch.response.max.bytes", "1004"),
        ("replica.fetch.max.bytes", "1005"),
        ("replica.fetch.backoff.ms", "30"),
    ];
    let statics: StaticConfigs =
        asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
    let bounds = bounds_of(&configs);
    assert_eq!(bounds.socket_timeout, Duration::from_millis(1001));
    let numbers =
        (bounds.wait_max_ms, bounds.min_bytes, bounds.response_max_bytes, bounds.partition_max_bytes);
    assert_eq!(numbers, (1002, 1003, 1004, 1005));
    let second = longer(BACKOFF, &configs);
    assert_eq!((second, longer(second, &configs)), (BACKOFF * 2, Duration::from_millis(30)));
}
