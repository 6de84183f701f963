//! From a rule's name and parameters to the rule.

use super::spec::{RuleName, RuleSpec, defaults};
use submodular::committee::Rule;

/// The rule for so many candidates, or everything that is wrong with its parameters: name, code's detail.
///
/// # Errors
/// Parameters that it does not have, that it lacks, or that have no meaning.
pub(super) fn rule(spec: &RuleSpec, candidates: usize) -> Result<Rule, Vec<(&'static str, String)>> {
    let (t, q) = (spec.t.map(|t| usize::try_from(t).unwrap_or(usize::MAX)), spec.q.unwrap_or(defaults::q()));
    let positions = || spec.positions.clone().unwrap_or_default();
    let (rule, takes): (Rule, &[&str]) = match spec.rule {
        RuleName::Sntv => (Rule::Sntv, &[]),
        RuleName::Bloc => (Rule::Bloc { t }, &["t"]),
        RuleName::KBorda => (Rule::KBorda, &[]),
        RuleName::Geometric => (Rule::Geometric { q }, &["q"]),
        RuleName::Harmonic => (Rule::Harmonic, &[]),
        RuleName::Positional => (Rule::Positional { scores: positions() }, &["positions"]),
        RuleName::ChamberlinCourantBorda => (Rule::ChamberlinCourantBorda, &[]),
        RuleName::ChamberlinCourantApproval => (Rule::ChamberlinCourantApproval { t }, &["t"]),
        RuleName::Pav => (Rule::Pav { t }, &["t"]),
        RuleName::HarmonicBorda => (Rule::HarmonicBorda, &[]),
        RuleName::GeometricOwa => (Rule::GeometricOwa { q }, &["q"]),
        RuleName::Owa => {
            let owa = spec.owa.clone().unwrap_or_default();
            (Rule::Owa { positions: positions(), owa }, &["positions", "owa"])
        }
    };
    let given = [
        ("t", spec.t.is_some()),
        ("q", spec.q.is_some()),
        ("positions", spec.positions.is_some()),
        ("owa", spec.owa.is_some()),
    ];
    let mut wrong = vec![];
    for (name, given) in given {
        if given && !takes.contains(&name) {
            let detail = match takes {
                [] => format!("{} has no parameters", rule.name()),
                takes => format!("{} takes {} only", rule.name(), takes.join(" and ")),
            };
            wrong.push((name, detail));
        }
        if !given && takes.contains(&name) && matches!(name, "positions" | "owa") {
            wrong.push((name, format!("{} needs them: a number of at least 0 each", rule.name())));
        }
    }
    if wrong.is_empty()
        && let Err(invalid) = rule.check(candidates)
    {
        wrong.push((invalid.parameter, invalid.reason));
    }
    if wrong.is_empty() { Ok(rule) } else { Err(wrong) }
}
