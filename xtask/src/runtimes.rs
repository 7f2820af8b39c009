//! The languages that suites written by others need, looked for before anything starts.

use std::process::{Command, Stdio};

/// A program that a step needs, how to ask it whether it works, and how to get it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Runtime {
    program: &'static str,
    probe: &'static [&'static str],
    get: &'static str,
}

macro_rules! runtime {
    ($name:ident, $program:literal, [$($probe:literal),*], $get:literal) => {
        #[doc = concat!("`", $program, "`")]
        pub const $name: Runtime = Runtime { program: $program, probe: &[$($probe),*], get: $get };
    };
}

runtime!(
    JAVA,
    "java",
    ["-version"],
    "a JDK of version 17 or later (Debian: apt install openjdk-17-jdk-headless)"
);
runtime!(MAVEN, "mvn", ["-version"], "Apache Maven (Debian: apt install maven)");
runtime!(
    PYTHON,
    "python3",
    ["-m", "venv", "--help"],
    "Python 3.9 or later with venv (Debian: apt install python3-venv)"
);
runtime!(NODE, "npm", ["--version"], "Node.js 20 or later with npm (Debian: apt install nodejs npm)");
runtime!(GO, "go", ["version"], "Go 1.24 or later (https://go.dev/dl)");
runtime!(CC, "cc", ["--version"], "a C compiler and make (Debian: apt install build-essential)");

runtime!(VALGRIND, "valgrind", ["--version"], "Valgrind (Debian: apt install valgrind)");
runtime!(IP, "ip", ["-V"], "ip, of iproute2 (Debian: apt install iproute2)");
runtime!(TC, "tc", ["-V"], "tc, of iproute2 (Debian: apt install iproute2)");
runtime!(STRACE, "strace", ["-V"], "strace (Debian: apt install strace)");

impl Runtime {
    fn answers(self) -> bool {
        let status =
            Command::new(self.program).args(self.probe).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

/// Names in one list all of `wanted` that this machine lacks.
pub fn check(wanted: &[Runtime]) -> Result<(), String> {
    let mut missing = Vec::new();
    for (place, runtime) in wanted.iter().enumerate() {
        let first = wanted.iter().take(place).all(|earlier| earlier != runtime);
        if first && !runtime.answers() {
            missing.push(format!("  {:<8} {}", runtime.program, runtime.get));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("the tests run programs of others; this machine lacks:\n{}", missing.join("\n")))
}
