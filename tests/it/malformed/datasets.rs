//! Datasets.

use super::{Case, JSON, NPY, PARQUET, case};
use crate::client::npy;
use axum::http::Method;

/// Datasets that are not what they say.
pub(super) fn of_the_bytes() -> Vec<Case> {
    let upload = |media_type: &str, body: &[u8], status, code| {
        case(Method::POST, "/v1/datasets", media_type, body, (status, code, ""))
    };
    let dataset = |body: &str, code, places| {
        let status = if code == "malformed_body" { 400 } else { 422 };
        case(Method::POST, "/v1/datasets", JSON, body, (status, code, places))
    };
    let good = npy(4, 3);
    let header = |from: &str, to: &str| {
        let (at, bytes) = (find(&good, from), [from.as_bytes(), to.as_bytes()].concat());
        let to = &bytes[from.len()..];
        let mut lying = good.clone();
        lying[at..at + to.len()].copy_from_slice(to);
        lying
    };
    let mut not_finite = good.clone();
    let last = not_finite.len() - 4;
    not_finite[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let parquet = include_bytes!("../../data/debian_2k.parquet").as_slice();
    let mut damaged = parquet.to_vec();
    damaged[parquet.len() / 2..parquet.len() / 2 + 64].fill(0xff);
    let mut lying_footer = parquet.to_vec();
    let length = parquet.len() - 8;
    lying_footer[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    vec![
        upload(NPY, b"", 400, "malformed_body"),
        upload(NPY, b"PAR1 or not", 400, "malformed_body"),
        upload(NPY, &good[..8], 400, "malformed_body"),
        upload(NPY, &good[..good.len() - 1], 400, "malformed_body"),
        upload(NPY, &[&good[..], b"\0"].concat(), 400, "malformed_body"),
        upload(NPY, &header("(4, 3), }", "(9, 9), }"), 400, "malformed_body"),
        upload(NPY, &header("'descr'", "'decor'"), 400, "malformed_body"),
        upload(NPY, &header("\x01\x00", "\x09\x00"), 400, "malformed_body"),
        upload(NPY, &header("<f4", "<i4"), 422, "invalid_matrix"),
        upload(NPY, &header("(4, 3), }", "(12,), } "), 422, "shape_mismatch"),
        upload(NPY, &header("(4, 3), }", "(0, 3), }"), 422, "shape_mismatch"),
        upload(NPY, &not_finite, 422, "invalid_matrix"),
        case(Method::POST, "/v1/datasets?kind=similarity", NPY, good.clone(), (422, "shape_mismatch", "")),
        case(Method::POST, "/v1/datasets?id=name", NPY, good.clone(), (422, "invalid_parameter", "")),
        upload(PARQUET, &good, 400, "malformed_body"),
        upload(PARQUET, b"PAR1PAR1", 400, "malformed_body"),
        upload(PARQUET, &parquet[..parquet.len() / 2], 400, "malformed_body"),
        upload(PARQUET, &damaged, 400, "malformed_body"),
        upload(PARQUET, &lying_footer, 400, "malformed_body"),
        case(Method::POST, "/v1/datasets?id=nothing", PARQUET, parquet, (422, "invalid_parameter", "")),
        case(Method::POST, "/v1/datasets?vectors=name", PARQUET, parquet, (422, "invalid_parameter", "")),
        dataset("", "malformed_body", ""),
        dataset("{'vectors': [[1]]}", "malformed_body", ""),
        dataset(r#"{"vectors": [[1]"#, "malformed_body", "/vectors/1"),
        dataset(r#"{"vectors": [[1, NaN]]}"#, "malformed_body", "/vectors/0/1"),
        dataset("[[1]]", "invalid_parameter", ""),
        dataset(r#"{"kind": "songs"}"#, "invalid_parameter", "/kind"),
        dataset(r#"{"vectors": [[1]], "songs": 1}"#, "invalid_parameter", "/songs"),
        dataset(r#"{"vectors": [[1]], "vectors": [[1]]}"#, "invalid_parameter", "/vectors"),
        dataset(r#"{"vectors": [["a"]]}"#, "invalid_parameter", "/vectors/0/0"),
        dataset(r#"{"vectors": [[1, 2], [3]]}"#, "shape_mismatch", "/vectors/1"),
        dataset(r#"{"vectors": []}"#, "shape_mismatch", "/vectors"),
        dataset(r#"{"vectors": [[1, null]]}"#, "invalid_matrix", "/vectors/0/1"),
        dataset(r#"{"vectors": [[1, 1e39]]}"#, "invalid_matrix", "/vectors/0/1"),
        dataset(r#"{"vectors": [[1]], "ids": ["a", "b"]}"#, "shape_mismatch", "/ids"),
        dataset(r#"{"vectors": [[1]], "ids": [0.5]}"#, "invalid_parameter", "/ids/0"),
        dataset(r#"{"vectors": [[1], [2]], "ids": ["a", "a"]}"#, "duplicate_item", "/ids/1"),
        dataset(
            r#"{"vectors": [[1], [2]], "columns": {"c": [1, "a"]}}"#,
            "invalid_parameter",
            "/columns/c/1",
        ),
    ]
}

fn find(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
}
