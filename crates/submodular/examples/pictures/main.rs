//! Draws the pictures of docs/objectives.md: what each objective, optimizer and constraint selects among the same points.
//!
//! `make pictures` writes docs/pictures; the test below compares what is there with what would be written.

#![expect(clippy::print_stderr, reason = "a command reports to the terminal")]

mod objectives;
mod scene;
mod searches;
mod svg;

use scene::Scene;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use submodular::constraint::Constraint;
use submodular::{Ctl, Halt, Item, Objective, Optimizer, Problem, run};

/// Items of an answer.
const K: usize = 12;
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures");

/// What a search found.
struct Chosen {
    items: Vec<Item>,
    value: f64,
    evaluations: u64,
    discarded: Vec<Item>,
}

fn problem(f: &Arc<dyn Objective>, rule: impl Constraint + 'static) -> Result<Problem, Halt> {
    Ok(Problem::new(f.clone(), Arc::new(rule), &[], &[], 0)?)
}

fn choose(
    f: &Arc<dyn Objective>,
    rule: impl Constraint + 'static,
    optimizer: &mut dyn Optimizer,
) -> Result<Chosen, Halt> {
    search(problem(f, rule)?, optimizer)
}

fn search(problem: Problem, optimizer: &mut dyn Optimizer) -> Result<Chosen, Halt> {
    let mut discarded = vec![];
    let mut watch = |problem: &Problem, _: &dyn Optimizer| discarded = problem.discarded().to_vec();
    let found = run(problem, optimizer, None, &Ctl::default(), &mut watch)?.selection;
    let value = found.value();
    Ok(Chosen { items: found.items, value, evaluations: found.evaluations, discarded })
}

/// File names and what is in them.
fn pictures() -> Result<BTreeMap<String, String>, Halt> {
    let scene = Scene::new();
    let all = [objectives::pictures(&scene)?, searches::optimizers(&scene)?, searches::constraints(&scene)?];
    let file = |picture: svg::Picture| (format!("{}.svg", picture.name), picture.svg(&scene.points));
    Ok(all.into_iter().flatten().map(file).collect())
}

fn write(directory: &Path) -> Result<usize, String> {
    let pictures = pictures().map_err(|halt| format!("{halt:?}"))?;
    std::fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    for (name, svg) in &pictures {
        let path = directory.join(name);
        std::fs::write(&path, svg).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(pictures.len())
}

fn main() -> ExitCode {
    match write(Path::new(PICTURES)) {
        Ok(count) => {
            eprintln!("{count} pictures in docs/pictures");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pictures: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_of_the_page_are_those_that_the_command_draws() {
        // Those of experiments are drawn by the service.
        let kinds = ["constraint-", "objective-", "optimizer-"];
        let found: BTreeMap<String, String> = std::fs::read_dir(PICTURES)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                kinds.iter().any(|kind| name.starts_with(kind))
            })
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    std::fs::read_to_string(path).unwrap(),
                )
            })
            .collect();
        let drawn = pictures().unwrap();
        assert!(
            found.keys().eq(drawn.keys()),
            "other files: make pictures, and remove those that are no more"
        );
        let differ: Vec<_> =
            drawn.iter().filter(|(name, svg)| found[*name] != **svg).map(|picture| picture.0).collect();
        assert!(differ.is_empty(), "{differ:?} are out of date: make pictures");
    }

    #[test]
    fn every_picture_is_on_the_page() {
        let page = include_str!("../../../../docs/objectives.md");
        for name in pictures().unwrap().keys() {
            assert!(page.contains(&format!("(pictures/{name})")), "{name} is not in docs/objectives.md");
        }
    }
}
