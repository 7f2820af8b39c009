//! `cargo xtask chaos`: real brokers, clients that others wrote, faults, by `crates/chaos`.

use crate::runtimes::{self, GO, JAVA, MAVEN, PYTHON, Runtime};
use crate::shell::{cargo, command, run, target};
use crate::suite::Volume;

/// Languages of the clients.
pub fn needs() -> Vec<Runtime> {
    vec![PYTHON, JAVA, MAVEN, GO, runtimes::IP, runtimes::TC]
}

/// Prepares the clients and runs what the arguments choose: `--runs N --seed S --seconds 60`.
pub fn run_chaos(arguments: &[String]) -> Result<(), String> {
    runtimes::check(&needs())?;
    run(command(&cargo(), &["build", "--quiet", "--release", "--bin", "mekong", "--bin", "mekong-chaos"]))?;
    let work = target().join("chaos");
    let (drivers, release) = (work.join("drivers"), target().join("release"));
    std::fs::create_dir_all(&drivers).map_err(|error| format!("{}: {error}", drivers.display()))?;
    let mut prepare = command("bash", &["interop/chaos/prepare.sh"]);
    prepare.env("WORK", &drivers);
    run(prepare)?;
    let mut chaos = command(&release.join("mekong-chaos").to_string_lossy(), &[]);
    chaos.arg("--mekong").arg(release.join("mekong")).arg("--drivers").arg(&drivers);
    if !arguments.iter().any(|argument| argument == "--out") {
        chaos.arg("--out").arg(work.join("runs"));
    }
    chaos.args(arguments);
    run(chaos)
}

/// The tests' share: some runs from the first seed on, in a folder that is new each time.
pub fn step(volume: Volume, seed: u64) -> Result<(), String> {
    if !is_root() {
        return Err(
            "network namespaces and mounts need root: run this step as root, or leave it out by name".into(),
        );
    }
    let runs = if volume == Volume::Full { 20 } else { 3 };
    let out = target().join("chaos").join(format!("step-{seed}"));
    std::fs::remove_dir_all(&out).ok();
    let seconds = if volume == Volume::Full { 60 } else { 30 };
    let arguments = [
        ("--runs", runs.to_string()),
        ("--seed", seed.to_string()),
        ("--seconds", seconds.to_string()),
        ("--out", out.display().to_string()),
    ];
    let arguments: Vec<String> =
        arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    run_chaos(&arguments)
}

fn is_root() -> bool {
    let owner = std::fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta));
    owner.is_ok_and(|owner| owner == 0)
}
