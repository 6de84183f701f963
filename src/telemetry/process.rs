//! What the system tells of this process. Linux tells it under `/proc`; others tell nothing.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Resident memory of this process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub resident_bytes: u64,
    /// The most there ever was.
    pub peak_bytes: u64,
}

/// How much memory this process holds; none where the system does not tell.
pub fn memory() -> Option<Memory> {
    memory_of(&fs::read_to_string("/proc/self/status").ok()?)
}

fn memory_of(status: &str) -> Option<Memory> {
    let bytes = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory { resident_bytes: bytes("VmRSS:")?, peak_bytes: bytes("VmHWM:")? })
}

/// The BLAS that was loaded: directory and file name, such as `openblas-serial/libopenblas-r0.3.29.so`. Both are a
/// distribution's way to tell version and threading. None where it is a part of the program, or the system does not
/// tell.
pub fn blas_library() -> Option<&'static str> {
    static LIBRARY: LazyLock<Option<String>> =
        LazyLock::new(|| blas_in(&fs::read_to_string("/proc/self/maps").ok()?));
    LIBRARY.as_deref()
}

fn blas_in(maps: &str) -> Option<String> {
    // The path is the last of six fields.
    let mut paths = maps.lines().filter_map(|line| Some(Path::new(&line[line.find('/')?..])));
    paths.find_map(|path| {
        let name = path.file_name()?.to_str().filter(|name| name.contains("blas"))?;
        let directory = path.parent()?.file_name()?.to_str()?;
        Some(format!("{directory}/{name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_kibibytes() {
        let status = "Name:\tfewer\nVmHWM:\t   20 kB\nVmRSS:\t   10 kB\n";
        assert_eq!(memory_of(status), Some(Memory { resident_bytes: 10_240, peak_bytes: 20_480 }));
        assert_eq!(memory_of("Name:\tfewer\n"), None);
    }

    #[test]
    fn the_library_is_named_by_the_file_that_was_mapped() {
        let maps = "7f00-7f01 r-xp 00000000 fe:00 15 /usr/lib/x/libm.so.6\n7f01-7f02 rw-p 00000000 00:00 0\n\
            7f02-7f03 r--p 00000000 fe:00 16                   /usr/lib/x/openblas-pthread/libopenblasp-r0.3.21.so\n";
        assert_eq!(blas_in(maps).as_deref(), Some("openblas-pthread/libopenblasp-r0.3.21.so"));
        assert_eq!(blas_in("7f01-7f02 rw-p 00000000 00:00 0\n"), None);
    }
}
