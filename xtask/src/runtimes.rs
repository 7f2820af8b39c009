//! The languages that suites written by others need, looked for before anything starts.

use std::process::{Command, Stdio};

/// A program that a step needs, how to ask it whether it works, and how to get it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Runtime {
    program: &'static str,
    probe: &'static [&'static str],
    version: Option<Version>,
    get: &'static str,
}

/// The oldest version that will do, and how to ask which is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Version {
    ask: &'static [&'static str],
    least: (u32, u32),
}

macro_rules! runtime {
    ($name:ident, $program:literal, [$($probe:literal),*], $(from $major:literal $minor:literal by $ask:expr,)? $get:literal) => {
        #[doc = concat!("`", $program, "`")]
        pub const $name: Runtime = Runtime {
            program: $program,
            probe: &[$($probe),*],
            version: runtime!(@version $($major $minor $ask)?),
            get: $get,
        };
    };
    (@version) => { None };
    (@version $major:literal $minor:literal $ask:expr) => { Some(Version { ask: &$ask, least: ($major, $minor) }) };
}

runtime!(
    JAVA,
    "java",
    ["-version"],
    from 17 0 by ["java", "-version"],
    "a JDK of version 17 or later (Debian: apt install openjdk-17-jdk-headless)"
);
runtime!(MAVEN, "mvn", ["-version"], "Apache Maven (Debian: apt install maven)");
runtime!(
    PYTHON,
    "python3",
    ["-m", "venv", "--help"],
    from 3 9 by ["python3", "--version"],
    "Python 3.9 or later with venv (Debian: apt install python3-venv)"
);
runtime!(
    NODE,
    "npm",
    ["--version"],
    from 20 0 by ["node", "--version"],
    "Node.js 20 or later with npm (Debian: apt install nodejs npm)"
);
runtime!(GO, "go", ["version"], from 1 24 by ["go", "version"], "Go 1.24 or later (https://go.dev/dl)");
runtime!(CC, "cc", ["--version"], "a C compiler and make (Debian: apt install build-essential)");

runtime!(KCAT, "kcat", ["-V"], "kcat (Debian: apt install kcat)");
runtime!(VALGRIND, "valgrind", ["--version"], "Valgrind (Debian: apt install valgrind)");
runtime!(IP, "ip", ["-V"], "ip, of iproute2 (Debian: apt install iproute2)");
runtime!(TC, "tc", ["-V"], "tc, of iproute2 (Debian: apt install iproute2)");
runtime!(STRACE, "strace", ["-V"], "strace (Debian: apt install strace)");

impl Runtime {
    /// What is wrong with it on this machine, if anything is.
    fn problem(self) -> Option<String> {
        let status =
            Command::new(self.program).args(self.probe).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            return Some(String::new());
        }
        let version = self.version?;
        let (program, args) = version.ask.split_first()?;
        // Java tells by the other stream.
        let said =
            Command::new(program).args(args).output().map(|output| [output.stdout, output.stderr].concat());
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
        match version_in(&said) {
            Some(found) if found >= version.least => None,
            Some((major, minor)) => Some(format!("; {major}.{minor} is there")),
            None => Some("; which version is there, it does not say".to_owned()),
        }
    }
}

/// The first two numbers of what a program says of its version; the second is 0 where there is none.
fn version_in(said: &str) -> Option<(u32, u32)> {
    let begin = said.find(|letter: char| letter.is_ascii_digit())?;
    let rest = said.get(begin..)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let mut numbers = rest.get(..end)?.split('.');
    let major = numbers.next()?.parse().ok()?;
    Some((major, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or_default()))
}

/// Names in one list all of `wanted` that this machine lacks, or has too old.
pub fn check(wanted: &[Runtime]) -> Result<(), String> {
    let mut missing = Vec::new();
    for (place, runtime) in wanted.iter().enumerate() {
        let first = wanted.iter().take(place).all(|earlier| earlier != runtime);
        if first && let Some(problem) = runtime.problem() {
            missing.push(format!("  {:<8} {}{problem}", runtime.program, runtime.get));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("the tests run programs of others; this machine lacks:\n{}", missing.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_their_programs_tell_them() {
        for (said, version) in [
            ("openjdk version \"17.0.12\" 2024-07-16", Some((17, 0))),
            ("java version \"1.8.0_392\"", Some((1, 8))),
            ("openjdk version \"21\" 2023-09-19", Some((21, 0))),
            ("Python 3.11.2\n", Some((3, 11))),
            ("v20.19.2", Some((20, 19))),
            ("go version go1.24.4 linux/amd64", Some((1, 24))),
            ("go version devel", None),
        ] {
            assert_eq!(version_in(said), version, "{said}");
        }
    }

    #[test]
    fn what_is_too_old_is_named_with_what_is_there() {
        let old = Runtime {
            version: Some(Version { ask: &["echo", "v1.2"], least: (20, 0) }),
            program: "true",
            ..NODE
        };
        assert_eq!(old.problem().as_deref(), Some("; 1.2 is there"));
        let new = Runtime { version: Some(Version { ask: &["echo", "v20.0"], least: (20, 0) }), ..old };
        assert_eq!(new.problem(), None);
        let said = check(&[new, old, old]).unwrap_err();
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}
