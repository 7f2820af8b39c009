//! `mekong demo iot` ends with its proof.

use std::process::Command;

#[test]
fn the_play_is_proved() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mekong"));
    command
        .args(["--json", "demo", "iot", "--scene-seconds", "0.7"])
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(output.status.success(), "{last} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(last["proved"], true);
    assert!(last["acknowledged"].as_u64().unwrap() > 5000);
    let scenes = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let shares: Vec<u64> =
        scenes.filter_map(|scene| scene["members"].as_array().map(|members| members.len() as u64)).collect();
    assert!(shares.contains(&1) && shares.contains(&4), "one consumer first, four at the end");
}
