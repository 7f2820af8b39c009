//! What everybody may do without an authorizer, as Kafka's brokers tell it.

use super::*;

#[test]
fn the_bits_of_all_operations_are_those_that_kafka_tells() {
    let anybody = Str::from_static("User:ANONYMOUS");
    let table = [
        (ResourceType::Topic, 0b1101_1111_1000),
        (ResourceType::Group, 0b1101_0100_1000),
        (ResourceType::Cluster, 0b1_1111_1010_0000),
        (ResourceType::TransactionalId, 0b1_0001_0000),
    ];
    for (on, bits) in table {
        assert_eq!(Authorizer::AllowAll.operations(&anybody, on, "x"), bits, "{on:?}");
    }
}
