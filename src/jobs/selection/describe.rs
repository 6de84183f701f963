//! From what a run has found to the result that is stored.

use super::apart::Apart;
use super::prepare::{Prepared, stopped, unproved};
use super::resolve::Grouping;
use super::result::{Certificate, SelectionResult, Timings};
use super::run::Ending;
use super::value::Valued;
use crate::dataset::Ids;
use std::collections::BTreeMap;
use submodular::optimizer::Termination;
use submodular::{Item, Selection};

#[expect(clippy::too_many_arguments, reason = "what a result is made of, each from another place")]
pub(super) fn describe(
    prepared: Prepared,
    mut selection: Selection,
    valued: Valued,
    ids: Option<&Ids>,
    ending: Ending,
    termination: &str,
    digest: &str,
    timings_seconds: Timings,
) -> SelectionResult {
    let shape = prepared.rule.shape();
    if selection.empty.is_nan() {
        selection.empty = 0.0; // nothing was asked yet, and every objective of this version is normalised
    }
    let value = selection.value();
    let whole = if prepared.apart.is_some() {
        every_part_is_whole(termination)
    } else {
        shape.k.is_none_or(|k| k == selection.items.len())
            || shape.knapsack
            || prepared.method.may_choose_fewer()
    };
    let whole = whole || termination == Termination::GainAtMost.name();
    let limited = termination == Termination::EvaluationLimit.name();
    let complete = ending == Ending::Finished && whole && !limited;
    let guarantee = match ending {
        Ending::Finished if limited => unproved(),
        Ending::Finished => prepared.report().guarantee.clone(),
        Ending::Cancelled | Ending::Deadline | Ending::Asked => stopped(&shape, prepared.prefixes_valid),
    };
    let certificate = selection.certificate.map(|c| Certificate {
        upper_bound: c.upper_bound,
        ratio: if c.upper_bound > 0.0 { value / c.upper_bound } else { 1.0 },
        basis: c.basis.name().to_owned(),
        of: if prepared.function.is_graph() {
            "graph"
        } else if prepared.function.is_sampled() {
            "sample"
        } else {
            "dense"
        }
        .to_owned(),
    });
    let plan = prepared.report().plan.clone();
    let mut warnings = prepared.warnings;
    if matches!(valued, Valued::Unknown) {
        let told = match prepared.apart {
            // That it would not be known was said beforehand.
            Some(Apart { valued: false, .. }) => None,
            Some(_) => Some(
                "the value of all parts' items together is not known: objective_value is the sum of the gains, each of the \
                 function of its part",
            ),
            None => Some(
                "the run was stopped before the value over all rows was known: objective_value is that of the sample or graph",
            ),
        };
        warnings.extend(told.map(str::to_owned));
    }
    let id = |ids: &Ids, e: Item| ids.get(e as usize).unwrap_or_default().to_owned();
    SelectionResult {
        ids: ids.map(|ids| selection.items.iter().map(|&e| id(ids, e)).collect()),
        groups: (!prepared.rule.groups.is_empty()).then(|| counts(&selection.items, &prepared.rule.groups)),
        cost: prepared
            .rule
            .costs
            .as_ref()
            .map(|costs| selection.items.iter().map(|&e| costs[e as usize]).sum()),
        committee: None,
        parts: None,
        owned: None,
        warm_start: None,
        ranking: (prepared.method.ranks_all() && complete).then(|| selection.items.clone()),
        indices: selection.items,
        gains: selection.gains,
        objective_value: if let Valued::Other(meant) = valued { meant } else { value },
        optimized_value: selection.optimized.or(if matches!(valued, Valued::Whole) {
            None
        } else {
            Some(value)
        }),
        included: prepared.rule.include.len() as u64,
        empty_value: selection.empty,
        complete,
        termination: termination.to_owned(),
        optimizer: prepared.method.name().to_owned(),
        optimizer_reason: prepared.optimizer_reason,
        warnings,
        similarity: prepared.function.measure_name(),
        exactness: "exact".to_owned(),
        plan,
        kernel: prepared.limits.kernel.name().to_owned(),
        seed: prepared.spec.seed,
        evaluations: selection.evaluations,
        guarantee,
        certificate,
        prefixes_valid: prepared.prefixes_valid,
        dataset_digest: digest.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        timings_seconds,
    }
}

fn counts(items: &[Item], groups: &[Grouping]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for Grouping { of, names } in groups {
        for group in items.iter().filter_map(|&e| of[e as usize]) {
            *counts.entry(names[group as usize].clone()).or_insert(0) += 1;
        }
    }
    counts
}

/// Whether parts that ended so have chosen all that they may.
fn every_part_is_whole(termination: &str) -> bool {
    [Termination::BudgetReached, Termination::AllRanked].iter().any(|whole| whole.name() == termination)
}
