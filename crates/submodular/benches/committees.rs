//! Lazy greedy committees of 100 of 2,000 candidates by the rankings of 10,000 voters, under every rule: the bar is two
//! seconds a rule on two cores.
//!
//! - `impartial`: every ranking equally likely, so that candidates are as alike as they can be and lazy greedy saves
//!   least.
//! - `noisy`: a quality of each candidate, seen by each voter with noise.
//!
//! One run each, in the global pool. `-- NAME` runs the rules of this name only.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use submodular::committee::{Profile, Rule};
use submodular::constraint::Groups;
use submodular::objective::committee::Committee;
use submodular::optimizer::LazyGreedy;
use submodular::sampling::{shuffle, stream, unit};
use submodular::{Ctl, Item, Problem, run};

const VOTERS: u64 = 10_000;
const CANDIDATES: usize = 2_000;
const K: usize = 100;

fn impartial(voter: u64) -> Vec<Item> {
    let mut ranking: Vec<Item> = (0..CANDIDATES as Item).collect();
    shuffle(&mut ranking, &mut stream(1, voter));
    ranking
}

fn noisy(voter: u64) -> Vec<Item> {
    let mut rng = stream(2, voter);
    let seen: Vec<f64> = (0..CANDIDATES).map(|e| e as f64 / CANDIDATES as f64 + unit(&mut rng)).collect();
    let mut ranking: Vec<Item> = (0..CANDIDATES as Item).collect();
    ranking.sort_by(|&a, &b| seen[b as usize].total_cmp(&seen[a as usize]));
    ranking
}

fn rules() -> Vec<Rule> {
    let steps = |last: usize| (0..CANDIDATES).map(|p| f64::from(u8::from(p < last))).collect::<Vec<f64>>();
    vec![
        Rule::Sntv,
        Rule::Bloc { t: None },
        Rule::KBorda,
        Rule::Geometric { q: 0.5 },
        Rule::Harmonic,
        Rule::Positional { scores: steps(300) },
        Rule::ChamberlinCourantBorda,
        Rule::ChamberlinCourantApproval { t: None },
        Rule::Pav { t: None },
        Rule::HarmonicBorda,
        Rule::GeometricOwa { q: 0.5 },
        Rule::Owa { positions: steps(300), owa: vec![1.0, 1.0, 0.5, 0.25] },
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, ranking) in [("impartial", impartial as fn(u64) -> Vec<Item>), ("noisy", noisy)] {
        let rankings: Vec<Item> = (0..VOTERS).flat_map(ranking).collect();
        let start = Instant::now();
        let profile = Arc::new(Profile::from_strict(CANDIDATES, &rankings)?);
        println!("{name}: profile {:.2} s", start.elapsed().as_secs_f64());
        for rule in rules().into_iter().filter(|rule| only.as_deref().is_none_or(|only| only == rule.name()))
        {
            let f = Arc::new(Committee::new(profile.clone(), rule.clone(), K)?);
            let start = Instant::now();
            let problem = Problem::new(f, Arc::new(Groups::cardinality(K)), &[], &[], 0)?;
            let found = run(problem, &mut LazyGreedy::default(), None, &Ctl::default(), &mut |_, _| {})?;
            let (seconds, evaluations) = (start.elapsed().as_secs_f64(), found.selection.evaluations);
            println!(
                "  {:28} {seconds:6.2} s  {evaluations:7} gains  f {}",
                rule.name(),
                found.selection.value()
            );
        }
    }
    Ok(())
}
