//! How much memory this process may have.

use std::fs;
use std::path::Path;

/// The least of what the machine has and what its control group (version 1 or 2) allows, in bytes; 4 GiB where
/// neither can be read.
pub(super) fn allowed_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| {
        let own = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
        // Every level above can be the one that limits.
        Path::new("/sys/fs/cgroup")
            .join(own)
            .ancestors()
            .filter_map(|dir| limit_in(&dir.join("memory.max")))
            .min()
    });
    let old_group = limit_in(Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let root_group = limit_in(Path::new("/sys/fs/cgroup/memory.max"));
    [machine, group, root_group, old_group].into_iter().flatten().min().unwrap_or(4 << 30)
}

/// `max` is no limit, and is no number either.
fn limit_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::total_of;

    #[test]
    fn the_total_is_read_in_kibibytes() {
        assert_eq!(total_of("MemTotal:       24689848 kB\nMemFree:        1 kB\n"), Some(24_689_848 * 1024));
        assert_eq!(total_of("nothing"), None);
    }
}
