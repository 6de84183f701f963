//! The file of the database. It waits for room where the disk has none.
//!
//! redb gives up for good after the first write that fails: from then on every call is refused, reads included, until
//! the process starts anew. A disk that is full is not broken, and somebody will make room. So a write that finds none
//! is tried again until it succeeds, and redb never learns of it. What has been committed can be read all the while.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::thread;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{BackendError, Database, DatabaseError, StorageBackend};

use super::error::is_full;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the database keeps in memory beside the jobs. Its own default is a gigabyte, which a long list of jobs fills.
const CACHE_BYTES: usize = 64 << 20;

/// Opens the database in this file, which is made where it is missing.
///
/// # Errors
/// What redb says; [`DatabaseError::DatabaseAlreadyOpen`] where another process has it.
pub fn open_database(path: &Path) -> Result<Database, DatabaseError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut database = Database::builder();
    database.set_cache_size(CACHE_BYTES);
    database.create_with_backend(Patient { file: FileBackend::new(file)?, pause: thread::sleep })
}

#[derive(Debug)]
struct Patient<F> {
    file: F,
    pause: fn(Duration),
}

impl<F> Patient<F> {
    fn patiently(&self, write: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            match write() {
                Err(error) if is_full(&error) => {
                    tracing::error!(%error, "the disk is full: the database waits for room");
                    (self.pause)(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }
}

impl<F: StorageBackend> StorageBackend for Patient<F> {
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.patiently(|| self.file.set_len(len))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.patiently(|| self.file.write(offset, data))
    }

    /// Not tried again: after a sync that failed, the next one may succeed and have lost pages.
    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;
    use redb::{ReadableDatabase, TableDefinition};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("table");
    static PAUSES: AtomicU64 = AtomicU64::new(0);

    /// A disk that can be full.
    #[derive(Debug)]
    struct Small {
        memory: InMemoryBackend,
        full: Arc<AtomicBool>,
    }

    impl Small {
        fn room(&self) -> io::Result<()> {
            if self.full.load(SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Small {
        fn len(&self) -> io::Result<u64> {
            self.memory.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.memory.read(offset, out)
        }
        /// What a file is lengthened by has no blocks before it is written.
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.memory.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.memory.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.room()?;
            self.memory.write(offset, data)
        }
    }

    fn put(database: &Database, key: u64, value: &[u8]) -> Result<(), redb::Error> {
        let change = database.begin_write()?;
        change.open_table(TABLE)?.insert(key, value)?;
        change.commit()?;
        Ok(())
    }

    fn has(database: &Database, key: u64) -> bool {
        let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
        table.get(key).unwrap().is_some()
    }

    #[test]
    fn a_write_that_finds_no_room_ends_when_there_is_some_and_reads_go_on() {
        let full = Arc::new(AtomicBool::new(false));
        let small = Small { memory: InMemoryBackend::new(), full: Arc::clone(&full) };
        let pause = |_| {
            PAUSES.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(1));
        };
        let database = Database::builder().create_with_backend(Patient { file: small, pause }).unwrap();
        let database = Arc::new(database);
        put(&database, 1, b"small").unwrap();

        full.store(true, SeqCst);
        let (done, end) = mpsc::channel();
        let writer = Arc::clone(&database);
        thread::spawn(move || done.send(put(&writer, 2, &[7; 1 << 20])).unwrap());
        let started = Instant::now();
        while PAUSES.load(SeqCst) < 3 {
            assert!(started.elapsed() < Duration::from_secs(30), "the write never met the full disk");
            thread::sleep(Duration::from_millis(1));
        }
        assert!(end.try_recv().is_err(), "the write still waits");
        let (read, answer) = mpsc::channel();
        let reader = Arc::clone(&database);
        thread::spawn(move || read.send((has(&reader, 1), has(&reader, 2))).unwrap());
        assert_eq!(answer.recv_timeout(Duration::from_secs(30)), Ok((true, false)));

        full.store(false, SeqCst);
        end.recv_timeout(Duration::from_secs(30)).unwrap().unwrap();
        assert!(has(&database, 2));
    }
}
