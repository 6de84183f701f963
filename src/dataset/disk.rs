//! The room that is left on the disk of the data directory, and how much of it is to stay.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::DatasetError;

/// Files change all the time; whoever asks in between gets an estimate.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// What a change of the database may write beside what is stored by it, so that no floor is below this.
const MARGIN_BYTES: u64 = 4 << 20;

/// What is to be free before the database is changed for a caller. Less than the least floor: what brought the disk to
/// that can still be deleted.
const CHANGE_BYTES: u64 = 1 << 20;

/// Free bytes of a file system that tells nothing of itself.
const UNTOLD: u64 = u64::MAX;

type Probe = Box<dyn Fn() -> io::Result<u64> + Send + Sync>;

/// A disk with a floor: below so many free bytes no new work is taken, so that the work which was taken can end.
pub struct Disk {
    floor_bytes: u64,
    probe: Probe,
    known: Mutex<Option<Known>>,
}

struct Known {
    free_bytes: u64,
    at: Instant,
}

impl Disk {
    /// The disk that holds `directory`.
    pub fn of(directory: &Path, floor_bytes: u64) -> Self {
        let directory = directory.to_owned();
        Self::probed(floor_bytes, move || {
            let found = rustix::fs::statvfs(&directory)?;
            if found.f_blocks == 0 {
                return Ok(UNTOLD);
            }
            // Blocks that are kept for the super user are not ours.
            Ok(found.f_bavail.saturating_mul(found.f_frsize))
        })
    }

    /// A disk that `probe` tells the free bytes of.
    pub fn probed(floor_bytes: u64, probe: impl Fn() -> io::Result<u64> + Send + Sync + 'static) -> Self {
        Self { floor_bytes: floor_bytes.max(MARGIN_BYTES), probe: Box::new(probe), known: Mutex::new(None) }
    }

    /// Free bytes, as they were at most a second ago; none where the file system tells nothing.
    ///
    /// # Errors
    /// What the file system says.
    pub fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.after(0, |_| true)?).filter(|bytes| *bytes != UNTOLD))
    }

    /// Takes a change of the database that a caller waits for. Where there is no room it would wait, and hold up every
    /// change behind it. A disk that cannot be asked is tried.
    ///
    /// # Errors
    /// [`DatasetError::DiskFull`].
    pub fn admit_change(&self) -> Result<(), DatasetError> {
        match (self.probe)() {
            Ok(left) if left < CHANGE_BYTES => Err(DatasetError::DiskFull { left, needed: CHANGE_BYTES }),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Takes new work that is about to write `bytes`. O(1), and without a look at the disk while the last one is
    /// young and leaves enough.
    ///
    /// # Errors
    /// [`DatasetError::DiskFloor`] where less than the floor would be left; [`DatasetError::Io`].
    pub fn admit(&self, bytes: u64) -> Result<(), DatasetError> {
        let floor_bytes = self.floor_bytes;
        let left = self.after(bytes, |left| left >= floor_bytes)?;
        if left >= floor_bytes { Ok(()) } else { Err(DatasetError::DiskFloor { left, floor_bytes }) }
    }

    /// Whether `bytes` of work that was taken before fit into the database. The floor is there for them.
    ///
    /// # Errors
    /// What the file system says.
    pub fn has_room(&self, bytes: u64) -> io::Result<bool> {
        // Pages of the database are powers of two.
        let needed = bytes.saturating_mul(2).saturating_add(MARGIN_BYTES);
        Ok((self.probe)()? >= needed)
    }

    /// Free bytes once `bytes` more are written, looked up again where the last look is old or is not `enough`.
    fn after(&self, bytes: u64, enough: impl Fn(u64) -> bool) -> io::Result<u64> {
        // A panic while this is held leaves a whole value behind.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |free_bytes: u64| match free_bytes {
            UNTOLD => UNTOLD,
            told => told.saturating_sub(bytes),
        };
        let young = known.take().filter(|known| known.at.elapsed() < KNOWN_FOR);
        let now = match young.filter(|known| enough(left(known.free_bytes))) {
            Some(now) => now,
            None => Known { free_bytes: (self.probe)()?, at: Instant::now() },
        };
        let left = left(now.free_bytes);
        *known = Some(Known { free_bytes: left, at: now.at });
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    fn disk(floor_bytes: u64, free_bytes: u64) -> (Disk, Arc<AtomicU64>, Arc<AtomicU64>) {
        let (free, looks) = (Arc::new(AtomicU64::new(free_bytes)), Arc::new(AtomicU64::new(0)));
        let (told, counted) = (Arc::clone(&free), Arc::clone(&looks));
        let probe = move || {
            counted.fetch_add(1, Relaxed);
            Ok(told.load(Relaxed))
        };
        (Disk::probed(floor_bytes, probe), free, looks)
    }

    #[test]
    fn work_is_counted_between_two_looks_and_refused_at_the_floor() {
        const FLOOR: u64 = 100 << 20;
        let (disk, free, looks) = disk(FLOOR, FLOOR + 900);
        for _ in 0..9 {
            disk.admit(100).unwrap();
        }
        assert_eq!(looks.load(Relaxed), 1, "nine writes need no nine looks");
        free.store(FLOOR, Relaxed);
        let error = disk.admit(1).unwrap_err();
        let DatasetError::DiskFloor { left, floor_bytes } = error else { panic!("{error}") };
        assert_eq!((left, floor_bytes, error.code()), (FLOOR - 1, FLOOR, "insufficient_storage"));
        free.store(FLOOR + 1, Relaxed);
        disk.admit(1).unwrap();
    }

    #[test]
    fn without_a_floor_what_the_database_needs_stays() {
        let (disk, ..) = disk(0, MARGIN_BYTES + 10);
        disk.admit(10).unwrap();
        assert_eq!(disk.free_bytes().unwrap(), Some(MARGIN_BYTES));
        assert!(disk.admit(11).is_err());
    }

    #[test]
    fn what_was_taken_before_may_go_below_the_floor_but_not_beyond_the_disk() {
        let (disk, ..) = disk(u64::MAX, 2 * MARGIN_BYTES);
        assert!(disk.admit(0).is_err());
        assert!(disk.has_room(MARGIN_BYTES / 2).unwrap());
        assert!(!disk.has_room(MARGIN_BYTES / 2 + 1).unwrap());
    }

    #[test]
    fn a_change_is_refused_with_its_numbers_only_where_it_would_wait() {
        let (disk, free, _) = disk(u64::MAX, CHANGE_BYTES);
        disk.admit_change().unwrap();
        free.store(CHANGE_BYTES - 1, Relaxed);
        let error = disk.admit_change().unwrap_err();
        let DatasetError::DiskFull { left, needed } = error else { panic!("{error}") };
        assert_eq!((left, needed, error.code()), (CHANGE_BYTES - 1, CHANGE_BYTES, "insufficient_storage"));
    }

    #[test]
    fn a_file_system_that_tells_nothing_has_no_number_and_room_for_everything() {
        let disk = Disk::probed(1 << 40, || Ok(UNTOLD));
        disk.admit(1 << 50).unwrap();
        disk.admit_change().unwrap();
        assert_eq!(disk.free_bytes().unwrap(), None);
    }

    #[test]
    fn the_disk_of_a_directory_has_room() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Disk::of(dir.path(), 0).free_bytes().unwrap() > Some(0));
        assert!(Disk::of(&dir.path().join("absent"), 0).free_bytes().is_err());
    }
}
