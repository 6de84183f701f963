//! The real binary: killed, measured, and asked for what it cannot do.

use crate::service::{FEWER, Service};
use fewer::dataset::{Format, Options, Source};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// 10,000 vectors: every embedding of the sample five times, each a little moved.
fn ten_thousand(dir: &Path) -> PathBuf {
    let path = dir.join("vectors.npy");
    let sample = Path::new("tests/data/debian_2k.parquet");
    let source = Source::open(sample, Format::Parquet, &Options::default(), u64::MAX).unwrap();
    let mut bytes = header("<f4", 10_000, 384);
    let mut noise = 1_u32;
    for _ in 0..5 {
        source
            .for_each_row::<fewer::dataset::DatasetError>(&mut |_, row| {
                for x in row {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let moved = x + 0.02 * (noise as f32 / u32::MAX as f32 - 0.5);
                    bytes.extend_from_slice(&moved.to_le_bytes());
                }
                Ok(())
            })
            .unwrap();
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The header of a C-order `.npy` matrix, version 1.0.
fn header(dtype: &str, rows: usize, columns: usize) -> Vec<u8> {
    let mut text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

impl Service {
    fn submit(&self, dataset: &Value, k: u32) -> String {
        let body = json!({
            "kind": "selection", "dataset": dataset, "objective": {"name": "facility_location"},
            "constraints": {"k": k}, "optimizer": {"name": "lazy_greedy"},
        });
        let job = self.post("/v1/jobs", "application/json", body.to_string().as_bytes());
        format!("/v1/jobs/{}", job["id"].as_str().unwrap())
    }

    fn result(&self, job: &str) -> Value {
        self.until(|service| {
            let state = service.get(job)["state"].clone();
            assert!(state != "failed" && state != "cancelled", "{}", service.get(job));
            (state == "succeeded").then_some(())
        });
        self.get(&format!("{job}/result"))
    }
}

#[test]
fn a_job_whose_service_is_killed_ends_as_if_nothing_had_happened() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let vectors = std::fs::read(ten_thousand(dir.path())).unwrap();

    let service = Service::start(&data_dir);
    let dataset = service.post("/v1/datasets", "application/x-npy", &vectors)["id"].clone();
    let job = service.submit(&dataset, 2000);
    let done =
        |job: &Value| job["progress"]["done"].as_u64().filter(|_| job["progress"]["phase"] == "selecting");
    service.until(|service| done(&service.get(&job)).filter(|&done| done >= 300));
    drop(service); // SIGKILL

    let service = Service::start(&data_dir);
    let first_seen = service.until(|service| done(&service.get(&job)));
    assert!(first_seen > 0, "it began anew");
    let resumed = service.result(&job);
    assert_eq!(service.get(&job)["attempt"], 2);
    let undisturbed = service.submit(&dataset, 2000);
    let undisturbed = service.result(&undisturbed);
    for field in ["indices", "gains", "objective_value", "evaluations", "certificate", "termination"] {
        assert_eq!(resumed[field], undisturbed[field], "{field}");
    }
    assert_eq!(resumed["indices"].as_array().unwrap().len(), 2000);
}

/// Megabytes before `unit` in the table's line of memory.
fn megabytes(table: &str, unit: &str) -> f64 {
    let line = table.lines().find(|line| line.starts_with("memory")).unwrap();
    let before = line.split(unit).next().unwrap();
    before.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn the_memory_estimate_is_within_a_fifth_of_the_peak_under_both_plans() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, columns) = (60_000, 384);
    let wide = dir.path().join("wide.npy");
    let mut bytes = header("<f4", rows, columns);
    let mut x = 1_u32;
    bytes.extend((0..rows * columns).flat_map(|_| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x as f32 / u32::MAX as f32 - 0.5).to_le_bytes()
    }));
    std::fs::write(&wide, bytes).unwrap();
    let square = ten_thousand(dir.path());

    let wide = wide.to_str().unwrap();
    // A sample of represented rows keeps the work small; the vectors are all there.
    let blocked = ["-k", "5", "--represent", "300", "--memory-bytes", "150MB"];
    for (file, plan, flags) in
        [(square.to_str().unwrap(), "stored_f32", &["-k", "300"][..]), (wide, "blocked_f32", &blocked)]
    {
        let out = Command::new(FEWER).args(["select", file]).args(flags).output().unwrap();
        let table = String::from_utf8(out.stdout).unwrap();
        assert!(table.contains(plan), "{table}{}", String::from_utf8_lossy(&out.stderr));
        let (estimated, peak) = (megabytes(&table, " MB estimated"), megabytes(&table, " MB at the peak"));
        assert!(
            (estimated / peak - 1.0).abs() <= 0.2,
            "{plan}: {estimated} MB estimated, {peak} MB at the peak"
        );
    }
}

#[test]
fn seven_million_rows_are_refused_by_numbers_with_a_way_out_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("huge.npy");
    let (rows, columns) = (7_000_000, 384);
    let mut file = std::fs::File::create(&path).unwrap();
    let header = header("<f4", rows, columns);
    file.write_all(&header).unwrap();
    file.set_len((header.len() + rows * columns * 4) as u64).unwrap(); // all holes
    let select = |more: &[&str]| {
        let file = path.to_str().unwrap();
        Command::new(FEWER).args(["select", file, "-k", "1000"]).args(more).output().unwrap()
    };

    let small = select(&["--memory-bytes", "4GiB"]);
    assert!(!small.status.success());
    let said = String::from_utf8(small.stderr).unwrap();
    assert!(said.contains("4294967296 are allowed") && said.contains("jobs.memory_bytes"), "{said}");

    let large = select(&["--memory-bytes", "64GiB"]);
    assert!(!large.status.success());
    let said = String::from_utf8(large.stderr).unwrap();
    let sample = said.split("{\"sample\": ").nth(1).unwrap().split('}').next().unwrap();
    let plan = select(&["--memory-bytes", "64GiB", "--represent", sample, "--plan"]);
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["admissible"], true, "{plan}");
}
