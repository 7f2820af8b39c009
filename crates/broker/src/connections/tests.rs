//! Who is let in, and who is shut out.

use super::*;
use crate::config::{Config, Origin, Properties};

fn table(key: &str, value: &str) -> Arc<Connections> {
    let mut properties = Properties::default();
    properties.set(key, value, Origin::Embedder);
    Connections::new(&Config::new(properties).unwrap().network, usize::MAX)
}

async fn stream() -> (Arc<TcpStream>, TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Arc::new(listener.accept().await.unwrap().0), far)
}

#[tokio::test]
async fn an_address_gets_no_more_than_its_share() {
    let table = table("max.connections.per.ip", "1");
    let (stream, _far) = stream().await;
    let slot = table.admit(&stream, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    assert!(
        table.admit(&stream, "[::ffff:127.0.0.1]:2".parse().unwrap(), false).is_none(),
        "the same address in IPv6 dress"
    );
    assert!(table.admit(&stream, "127.0.0.2:1".parse().unwrap(), false).is_some());
    drop(slot);
    assert!(table.admit(&stream, "127.0.0.1:3".parse().unwrap(), false).is_some());
}

#[tokio::test]
async fn there_are_no_more_than_descriptors_whatever_the_limit() {
    let network = Config::new(Properties::default()).unwrap().network;
    let table = Connections::new(&network, 1);
    let (stream, _far) = stream().await;
    assert!(table.has_room(), "max.connections is far above");
    let slot = table.admit(&stream, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    assert!(!table.has_room());
    drop(slot);
    tokio::time::timeout(Duration::from_secs(5), table.wait_for_room()).await.unwrap();
}

#[test]
fn connections_come_at_their_rate_after_a_first_burst() {
    let (mut pace, now) = (Pace::default(), Instant::now());
    let waits: Vec<_> = (0..6).map(|_| pace.next(4, now).as_millis()).collect();
    assert_eq!(waits, [0, 0, 0, 0, 250, 500]);
    let later = now + Duration::from_secs(10);
    assert_eq!(pace.next(4, later), Duration::ZERO);
}

#[tokio::test]
async fn other_limits_count_at_once() {
    let table = table("max.connections.per.ip", "1");
    let (stream, _far) = stream().await;
    let _slot = table.admit(&stream, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    assert!(table.admit(&stream, "127.0.0.1:2".parse().unwrap(), false).is_none());
    let limits = ConnectionLimits::clone(&table.limits.load());
    table.set_limits(ConnectionLimits { per_ip_max: 2, ..limits });
    assert!(table.admit(&stream, "127.0.0.1:2".parse().unwrap(), false).is_some());
}

#[tokio::test]
async fn the_idle_are_shut_and_the_active_are_not() {
    let table = table("connections.max.idle.ms", "40");
    let ((idle, _far), (active, _far_too)) = (stream().await, stream().await);
    let _idle_slot = table.admit(&idle, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    let slot = table.admit(&active, "127.0.0.1:2".parse().unwrap(), false).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    slot.touch(Instant::now());
    let wait = table.close_idle().unwrap();
    assert!(wait <= Duration::from_millis(40));
    assert_eq!(idle.try_read(&mut [0; 1]).unwrap_or(1), 0);
    assert_eq!(active.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn one_that_idled_and_does_not_read_is_ended_at_the_second_look() {
    let table = table("connections.max.idle.ms", "1");
    let (stream, far) = stream().await;
    let slot = table.admit(&stream, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    slot.writes(true);
    tokio::time::sleep(Duration::from_millis(20)).await;
    table.close_idle();
    assert_eq!(table.slots().len(), 1, "it is looked at again");
    stream.try_write(b"a").unwrap();
    assert!(slot.end_idle(50_000) > 50_000);
    assert_eq!(stream.try_write(b"b").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    far.readable().await.unwrap();
}

#[tokio::test]
async fn another_node_gets_in_where_clients_have_taken_all_room() {
    let network = Config::new(Properties::default()).unwrap().network;
    let table = Connections::new(&network, 2);
    let ((silent, mut far), (active, _far), (node, _node)) = (stream().await, stream().await, stream().await);
    let silent_slot = table.admit(&silent, "127.0.0.1:1".parse().unwrap(), false).unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let active_slot = table.admit(&active, "127.0.0.1:2".parse().unwrap(), false).unwrap();
    table.make_room().await;
    let node_slot = table.admit(&node, "127.0.0.1:3".parse().unwrap(), true).unwrap();
    assert_eq!(tokio::io::AsyncReadExt::read(&mut far, &mut [0; 1]).await.unwrap(), 0, "it was ended for it");
    assert_eq!(active.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(silent_slot);
    // No node is ended for another: where only nodes are left, the next waits.
    drop(active_slot);
    let _second = table.admit(&node, "127.0.0.1:4".parse().unwrap(), true).unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(100), table.make_room()).await;
    assert!(waited.is_err());
    drop(node_slot);
    tokio::time::timeout(Duration::from_secs(5), table.make_room()).await.unwrap();
}
