//! `cargo xtask bench`: Mekong beside Apache Kafka.

/// Refuses: the side-by-side benchmark is not built yet.
pub fn run(_: &[String]) -> Result<(), String> {
    Err("the side-by-side benchmark is not built yet".into())
}
