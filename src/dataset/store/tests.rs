use std::sync::mpsc;
use std::thread;

use redb::backends::InMemoryBackend;
use tempfile::TempDir;

use super::*;
use crate::dataset::codec::{Format, Options};
use crate::dataset::column::{ColumnInfo, ColumnType};

const BODY: &[u8] = br#"{"vectors":[[1,2],[3,4]],"columns":{"name":["a","b"]}}"#;
const DIGEST: &str = "9b3e6caa3e5655ea17ee31086a2126629f5ed0f86349fc45fc890087ab07286b";

struct Home {
    dir: TempDir,
    database: Arc<Database>,
    store: DatasetStore,
}

fn home() -> Home {
    let dir = TempDir::new().unwrap();
    let database = Arc::new(Database::builder().create_with_backend(InMemoryBackend::new()).unwrap());
    let store =
        DatasetStore::open(dir.path(), database.clone(), Disk::probed(0, || Ok(u64::MAX)), 1 << 30).unwrap();
    Home { dir, database, store }
}

impl Home {
    fn reopen(&self, disk: Disk) -> DatasetStore {
        DatasetStore::open(self.dir.path(), self.database.clone(), disk, 1 << 30).unwrap()
    }

    fn put(
        &self,
        tenant: &str,
        body: &[u8],
        id: Option<&str>,
    ) -> Result<(DatasetRecord, bool), DatasetError> {
        let mut upload = self.store.begin(1 << 20);
        body.chunks(7).try_for_each(|chunk| upload.write(chunk))?;
        let options = Options { id: id.map(str::to_owned), ..Options::default() };
        upload.finish(tenant, Some("pets".into()), Format::Json, &options)
    }

    fn delete(&self, tenant: &str, id: &str) -> Result<(), DatasetError> {
        self.store.delete(tenant, id, |_| Ok(None))
    }

    /// Names of everything on disk.
    fn files(&self) -> Vec<String> {
        let entries = |name: &str| fs::read_dir(self.dir.path().join(name)).unwrap();
        let both = entries("datasets").chain(entries("uploads"));
        both.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn listed(&self, tenant: &str) -> usize {
        self.store.list(tenant, 100, None).unwrap().0.len()
    }
}

#[test]
fn uploads_and_sources_move_between_threads() {
    fn movable<T: Send + 'static>() {}
    fn shared<T: Send + Sync + 'static>() {}
    movable::<Upload>();
    shared::<Source>();
    shared::<DatasetStore>();
}

#[test]
fn an_upload_is_kept_under_its_digest_and_read_back() {
    let home = home();
    let (record, created) = home.put("t", BODY, None).unwrap();
    assert!(created && record.id.starts_with("ds_") && record.id.len() == 35, "{}", record.id);
    assert_eq!((record.rows, record.dim, record.bytes), (2, 2, BODY.len() as u64));
    assert_eq!(record.columns, [ColumnInfo { name: "name".into(), kind: ColumnType::String }]);
    assert_eq!(record.digest, format!("sha256:{DIGEST}"));
    assert_eq!(home.files(), [DIGEST]);
    assert_eq!(home.store.get("t", &record.id).unwrap(), record);
    assert_eq!(home.store.source(&record).unwrap().rows(), 2);
}

#[test]
fn the_same_bytes_read_the_same_way_are_the_same_dataset_of_a_tenant() {
    let home = home();
    let (first, _) = home.put("t", BODY, None).unwrap();
    assert_eq!(home.put("t", BODY, None).unwrap(), (first.clone(), false));
    let (named, created) = home.put("t", BODY, Some("name")).unwrap();
    let (other, other_created) = home.put("u", BODY, None).unwrap();
    assert!(created && other_created && named.id != first.id && other.id != first.id);
    assert_eq!((home.listed("t"), home.listed("u"), home.files().len()), (2, 1, 1));
    assert_eq!(home.store.get("u", &first.id).unwrap_err().code(), "dataset_not_found");
    // One file serves three records and goes with the last of them.
    home.delete("t", &first.id).unwrap();
    home.delete("u", &other.id).unwrap();
    assert_eq!(home.store.source(&named).unwrap().ids().unwrap().unwrap().row_of("b"), Some(1));
    home.delete("t", &named.id).unwrap();
    assert!(home.files().is_empty());
    assert_eq!(home.delete("t", &named.id).unwrap_err().code(), "dataset_not_found");
    let (again, created) = home.put("t", BODY, None).unwrap();
    assert!(created && again.id > named.id);
}

#[test]
fn a_refused_or_abandoned_upload_leaves_nothing() {
    let home = home();
    for (body, id, code) in [
        (&br#"{"vectors":[[1,2],[3]]}"#[..], None, "shape_mismatch"),
        (br#"{"vectors":[[1],[2]],"columns":{"name":["a","a"]}}"#, Some("name"), "duplicate_item"),
        (b"PAR1", None, "malformed_body"),
        (b"", None, "malformed_body"),
    ] {
        assert_eq!(home.put("t", body, id).unwrap_err().code(), code);
    }
    let mut small = home.store.begin(4);
    small.write(b"1234").unwrap();
    let error = small.write(b"5").unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("4 bytes")), ("payload_too_large", true));
    assert_eq!(home.files().len(), 1, "an upload that goes on has its file");
    drop(small);
    assert_eq!((home.files(), home.listed("t")), (Vec::new(), 0));
}

#[test]
fn an_upload_stops_where_it_would_cross_the_floor_and_leaves_nothing() {
    const FLOOR: u64 = 1 << 30;
    let home = home();
    let looks = std::sync::atomic::AtomicU64::new(0);
    let probe = move || Ok(FLOOR + 10 - 10 * looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let store = home.reopen(Disk::probed(FLOOR, probe));
    let mut upload = store.begin(1 << 20);
    upload.write(&BODY[..10]).unwrap();
    assert_eq!(upload.write(&BODY[10..11]).unwrap_err().code(), "insufficient_storage");
    drop(upload);
    assert!(home.files().is_empty());
}

#[test]
fn retention_removes_what_was_not_needed_since_and_an_upload_brings_it_back() {
    let home = home();
    let (first, _) = home.put("t", BODY, None).unwrap();
    let (named, _) = home.put("t", BODY, Some("name")).unwrap();
    let now = OffsetDateTime::now_utc();
    let seen = |id: &str| home.store.uses().unwrap().into_iter().find(|seen| seen.id == id).unwrap();
    let expire = |seen: &DatasetUse| home.store.expire(seen, now, |_| Ok(None)).unwrap();

    let stale = seen(&first.id);
    assert_eq!(home.put("t", BODY, None).unwrap(), (first.clone(), false));
    assert!(!expire(&stale), "it was uploaded again after the look");
    assert!(!home.store.expire(&seen(&first.id), now, |_| Ok(Some("job_1".into()))).unwrap());
    assert!(expire(&seen(&first.id)) && !expire(&stale));
    assert_eq!(home.store.get("t", &first.id).unwrap_err().code(), "dataset_expired");
    assert_eq!(home.delete("t", &first.id).unwrap_err().code(), "dataset_expired");
    assert_eq!(home.store.get("u", &first.id).unwrap_err().code(), "dataset_not_found");
    assert_eq!(home.files(), [DIGEST], "another record needs the file");
    assert!(expire(&seen(&named.id)));
    assert_eq!(home.files(), [""; 0]);

    let (again, created) = home.put("t", BODY, None).unwrap();
    assert!(created && again.id != first.id);
    home.store.forget_expired(now).unwrap();
    assert_eq!(home.store.get("t", &first.id).unwrap_err().code(), "dataset_expired");
    home.store.forget_expired(now + time::Duration::SECOND).unwrap();
    assert_eq!(home.store.get("t", &first.id).unwrap_err().code(), "dataset_not_found");
}

#[test]
fn records_of_before_there_was_retention_count_from_when_they_were_stored() {
    let home = home();
    let (record, _) = home.put("t", BODY, None).unwrap();
    let uses = home.store.uses().unwrap();
    let change = home.database.begin_write().unwrap();
    uses::forget(&change, "t", &record.id).unwrap();
    change.commit().unwrap();
    assert_eq!(home.store.uses().unwrap(), []);
    assert_eq!(home.reopen(Disk::probed(0, || Ok(u64::MAX))).uses().unwrap(), uses);
}

#[test]
fn pages_go_from_newest_to_oldest_without_gap_or_repeat() {
    let home = home();
    let mut ids: Vec<String> = (0..5)
        .map(|i| home.put("t", format!("{{\"vectors\":[[{i}]]}}").as_bytes(), None).unwrap().0.id)
        .collect();
    home.put("u", BODY, None).unwrap();
    ids.reverse();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let (page, more) = home.store.list("t", 2, after.as_deref()).unwrap();
        seen.extend(page.into_iter().map(|record| record.id));
        after = seen.last().cloned();
        if !more {
            break;
        }
    }
    assert_eq!(seen, ids);
}

#[test]
fn a_dataset_in_use_stays_and_an_open_one_outlives_its_deletion() {
    let home = home();
    let (record, _) = home.put("t", BODY, None).unwrap();
    let refused = home.store.delete("t", &record.id, |_| Ok(Some("job_1".into()))).unwrap_err();
    assert_eq!(refused.code(), "dataset_in_use");
    let bytes = npy();
    let mut upload = home.store.begin(1 << 20);
    upload.write(&bytes).unwrap();
    let (record, _) = upload.finish("t", None, Format::Npy, &Options::default()).unwrap();
    let open = home.store.source(&record).unwrap();
    home.delete("t", &record.id).unwrap();
    assert_eq!(home.files(), [DIGEST]);
    let mut sum = 0.0;
    open.for_each_row::<DatasetError>(&mut |_, row| {
        sum += row[0];
        Ok(())
    })
    .unwrap();
    assert_eq!(sum, 3.0);
}

/// A 2 x 1 matrix of 1 and 2.
fn npy() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([1.0f32, 2.0].map(f32::to_le_bytes).concat());
    bytes
}

#[test]
fn a_job_stored_before_the_deletion_asks_is_seen_by_it() {
    let home = home();
    let (record, _) = home.put("t", BODY, None).unwrap();
    let jobs: TableDefinition<&str, &str> = TableDefinition::new("jobs");
    let submit = home.database.begin_write().unwrap();
    DatasetStore::get_within(&submit, "t", &record.id).unwrap();
    let (asked, asks) = mpsc::channel();
    let (store, id) = (home.store.clone(), record.id.clone());
    let deletion = thread::spawn(move || {
        asked.send(()).unwrap();
        store.delete("t", &id, |change| {
            let jobs = change.open_table(jobs).map_err(DatasetError::database)?;
            let job = jobs.get(id.as_str()).map_err(DatasetError::database)?;
            Ok(job.map(|job| job.value().to_owned()))
        })
    });
    asks.recv().unwrap();
    submit.open_table(jobs).unwrap().insert(record.id.as_str(), "job_1").unwrap();
    submit.commit().unwrap();
    assert_eq!(deletion.join().unwrap().unwrap_err().code(), "dataset_in_use");
}

#[test]
fn a_file_that_changed_length_is_called_damaged_until_it_is_uploaded_again() {
    let home = home();
    let (record, _) = home.put("t", BODY, None).unwrap();
    let path = home.dir.path().join("datasets").join(DIGEST);
    fs::write(&path, &BODY[..10]).unwrap();
    let error = home.store.source(&record).unwrap_err();
    assert!(matches!(error, DatasetError::Damaged { expected: 54, found: 10, .. }), "{error}");
    fs::remove_file(&path).unwrap();
    assert_eq!(home.store.source(&record).unwrap_err().code(), "internal");
    home.put("t", BODY, None).unwrap();
    assert_eq!(home.store.source(&record).unwrap().rows(), 2);
}

#[test]
fn a_restart_clears_what_a_kill_left_and_keeps_the_rest() {
    let home = home();
    let (record, _) = home.put("t", BODY, None).unwrap();
    fs::write(home.dir.path().join("uploads/half"), b"half").unwrap();
    fs::write(home.dir.path().join("datasets").join("0".repeat(64)), b"no record").unwrap();
    fs::write(home.dir.path().join("datasets/README"), b"not ours").unwrap();
    let store = home.reopen(Disk::probed(0, || Ok(u64::MAX)));
    let mut files = home.files();
    files.sort();
    assert_eq!(files, [DIGEST, "README"]);
    assert_eq!(store.get("t", &record.id).unwrap(), record);
}

#[test]
fn a_record_that_cannot_be_read_hides_no_other() {
    let home = home();
    let ids = [BODY, br#"{"vectors":[[1]]}"#, br#"{"vectors":[[2]]}"#]
        .map(|body| home.put("t", body, None).unwrap().0.id);
    let change = home.database.begin_write().unwrap();
    change.open_table(RECORDS).unwrap().insert(("t", ids[1].as_str()), b"{}".as_slice()).unwrap();
    change.commit().unwrap();
    let (found, more) = home.store.list("t", 2, None).unwrap();
    let found: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
    assert_eq!((found, more), (vec![ids[2].as_str(), ids[0].as_str()], false));
    assert_eq!(home.store.get("t", &ids[1]).unwrap_err().code(), "internal");

    // Its bytes come again as a dataset of their own; both can be deleted, and the file goes with the last.
    let (again, created) = home.put("t", br#"{"vectors":[[1]]}"#, None).unwrap();
    assert!(created && again.id != ids[1]);
    assert_eq!(home.files().len(), 3);
    let in_use = home.store.delete("t", &ids[1], |_| Ok(Some("job_1".into()))).unwrap_err();
    assert_eq!(in_use.code(), "dataset_in_use");
    home.delete("t", &ids[1]).unwrap();
    assert_eq!(home.delete("t", &ids[1]).unwrap_err().code(), "dataset_not_found");
    assert_eq!((home.store.get("t", &again.id).unwrap(), home.files().len()), (again.clone(), 3));
    home.delete("t", &again.id).unwrap();
    assert_eq!(home.files().len(), 2);
}
