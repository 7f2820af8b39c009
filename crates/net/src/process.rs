//! The limits of the process: descriptors and memory.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open descriptors to the hard one; returns the limit in force (`None`: unlimited).
pub fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_err() {
            return limit.current;
        }
    }
    limit.maximum
}

/// The memory this process may use: the tightest of its control groups' limits and the machine's memory.
pub fn memory_limit_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| machine_bytes(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = groups.lines().flat_map(limit_files).filter_map(|path| limit_in(&path)).min();
    machine.into_iter().chain(group).min().unwrap_or(1 << 30)
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The files that may hold the limit of one line of `/proc/self/cgroup` (`id:controllers:path`), from the group up to the root.
fn limit_files(line: &str) -> Vec<String> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        named if named.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let mut files = vec![format!("{root}/{file}")];
    let mut folder = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folder = format!("{folder}/{part}");
        files.push(format!("{folder}/{file}"));
    }
    files
}

fn limit_in(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_for_limits_from_the_root_to_the_group() {
        assert_eq!(
            limit_files("0::/a/b"),
            ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/a/b/memory.max"]
        );
        assert_eq!(
            limit_files("4:memory:/x"),
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"]
        );
        assert!(limit_files("5:cpu,cpuacct:/x").is_empty());
    }

    #[test]
    fn reads_the_machines_memory() {
        assert_eq!(machine_bytes("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
        assert!(memory_limit_bytes() > 1 << 20);
    }

    #[test]
    fn the_soft_limit_reaches_the_hard_one() {
        raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
