//! The arrows of docs/architecture.md are those of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/architecture.md");

/// Room -> the rooms it uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table of rooms: its first column and its last.
fn drawn() -> Arrows {
    let rows = PAGE.lines().skip_while(|line| !line.starts_with("| room ")).skip(2);
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 4, "{line}");
        (quoted(cells[0]).remove(0), quoted(cells[3]).into_iter().collect())
    };
    rows.take_while(|line| line.starts_with('|')).map(row).collect()
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

/// Every file of the service with its room, `lib.rs` left out: it names the rooms and nothing else.
fn rooms() -> Vec<(String, PathBuf)> {
    let tops = fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path());
    let tops = tops.filter(|path| !path.ends_with("lib.rs"));
    tops.flat_map(|top| {
        let room = top.file_stem().unwrap().to_str().unwrap().to_owned();
        sources(&top).into_iter().map(move |file| (room.clone(), file))
    })
    .collect()
}

/// The names that follow `root` at the top level of a path: one, or several in braces.
fn after<'a>(code: &'a str, root: &str) -> BTreeSet<&'a str> {
    let name = |text: &'a str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + root.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 1;
        let mut begins = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                c if c.is_alphabetic() && begins => {
                    names.insert(name(&group[i..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Code without comments: prose may name what it likes.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_arrows_are_those_of_the_page() {
    let mut found: Arrows = BTreeMap::from([("submodular".to_owned(), BTreeSet::new())]);
    for (room, file) in rooms() {
        let code = code(&file);
        let arrows = found.entry(room.clone()).or_default();
        let used = after(&code, "crate::").into_iter().chain(after(&code, "fewer::"));
        arrows.extend(used.filter(|used| *used != room).map(str::to_owned));
        if code.contains("submodular::") {
            arrows.insert("submodular".to_owned());
        }
    }
    let drawn = drawn();
    for (room, arrows) in &found {
        let page = drawn.get(room).unwrap_or_else(|| panic!("docs/architecture.md does not know {room}"));
        assert_eq!(arrows, page, "what {room} uses in src, and what docs/architecture.md says");
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), drawn.keys().collect::<Vec<_>>());

    // One way: in some order every room uses earlier ones only.
    let mut settled = BTreeSet::new();
    while settled.len() < drawn.len() {
        let before = settled.len();
        settled.extend(
            drawn
                .iter()
                .filter(|(_, arrows)| arrows.is_subset(&settled))
                .map(|(room, _)| room.clone())
                .collect::<Vec<_>>(),
        );
        assert!(
            settled.len() > before,
            "a circle among {:?}",
            drawn.keys().filter(|room| !settled.contains(*room)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_path_out_of_a_room_names_the_crate() {
    for (_, file) in rooms() {
        // Modules of the file: `src/a/b.rs` is a::b, two steps below the crate.
        let inner = file.strip_prefix("src").unwrap().with_extension("");
        let depth = inner.iter().filter(|part| *part != "mod").count();
        let code = code(&file);
        let without_tests = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let climbs = "super::".repeat(depth);
        assert!(!without_tests.contains(&climbs), "{} leaves its room by {climbs}", file.display());
    }
}

#[test]
fn rooms_below_the_api_know_no_http_and_the_core_knows_no_service() {
    for (room, file) in rooms() {
        if !matches!(room.as_str(), "jobs" | "dataset" | "config" | "telemetry" | "fault") {
            continue;
        }
        let code = code(&file);
        for crate_name in ["axum", "http", "hyper", "tower", "tower_http", "utoipa", "ureq"] {
            assert!(after(&code, &format!("{crate_name}::")).is_empty(), "{}: {crate_name}", file.display());
        }
    }
    let manifest: toml::Table = fs::read_to_string("crates/submodular/Cargo.toml").unwrap().parse().unwrap();
    let of_targets =
        manifest["target"].as_table().unwrap().values().filter_map(|target| target.get("dependencies"));
    let dependencies: BTreeSet<_> = [&manifest["dependencies"]]
        .into_iter()
        .chain(of_targets)
        .flat_map(|table| table.as_table().unwrap().keys().cloned())
        .collect();
    let arithmetic = ["ndarray", "ndarray-linalg", "rand_chacha", "rayon", "rustix", "thiserror"];
    assert_eq!(
        dependencies,
        arithmetic.map(str::to_owned).into(),
        "the core computes; a service is built around it"
    );
}
