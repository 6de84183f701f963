//! A function over its data.

use super::loader::ROWS;
use super::{Form, Function, Ground, Loader};
use crate::dataset::Source;
use crate::jobs::selection::represented::Represented;
use crate::jobs::selection::run::{Stop, Watch};
use crate::jobs::spec::{CapSpec, StartSpec};
use std::sync::Arc;
use std::time::Instant;
use submodular::objective::committee::Committee;
use submodular::objective::concave_over_modular::concave_over_modular;
use submodular::objective::disparity_min::{disparity_min, farthest_pair};
use submodular::objective::disparity_sum::disparity_sum;
use submodular::objective::facility_location::facility_location;
use submodular::objective::facility_location_cg::facility_location_cg;
use submodular::objective::facility_location_cmi::facility_location_cmi;
use submodular::objective::facility_location_mi::facility_location_mi;
use submodular::objective::facility_location_vmi::facility_location_vmi;
use submodular::objective::feature_based::feature_based;
use submodular::objective::graph_cut::graph_cut;
use submodular::objective::graph_cut_cg::graph_cut_cg;
use submodular::objective::graph_cut_mi::graph_cut_mi;
use submodular::objective::log_det::log_det;
use submodular::objective::log_det_cg::log_det_cg;
use submodular::objective::log_det_cmi::log_det_cmi;
use submodular::objective::log_det_mi::log_det_mi;
use submodular::objective::mixture::Mixture;
use submodular::objective::modular::Modular;
use submodular::objective::probabilistic_set_cover::probabilistic_set_cover;
use submodular::objective::saturated_coverage::{Cap, saturated_coverage};
use submodular::objective::set_cover::set_cover;
use submodular::objective::sum_redundancy::sum_redundancy;
use submodular::objective::{External, Reduction, refuse_negative};
use submodular::similarity::Any;
use submodular::{Chain, Ctl, Item, Objective};

/// A function over its data.
pub(in crate::jobs::selection) struct Built {
    /// The function to maximise.
    pub(in crate::jobs::selection) objective: Arc<dyn Objective>,
    /// Items that its own start makes the first.
    pub(in crate::jobs::selection) start: Vec<Item>,
}

/// Why a function whose values come from outside cannot be built.
const NOBODY: &str = "this objective has nobody to ask";

/// Which of two functions is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jobs::selection) enum Stage {
    /// The one that is optimised: over a sample or a graph, where one was asked for.
    Search,
    /// The one that is meant, for the value of an answer.
    Value,
}

impl Loader<'_> {
    /// The value of a set under the function that is meant, where another was searched.
    pub(in crate::jobs::selection) fn value(
        &mut self,
        function: &Function,
        items: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<f64, Stop> {
        match (&function.form, &function.ground) {
            (Form::Mixture { parts, normalize: false }, _) => parts
                .iter()
                .try_fold(0.0, |sum, (weight, part)| Ok(sum + weight * self.value(part, items, ctl, watch)?)),
            (
                Form::FacilityLocation { weights, reduction },
                Ground::Pairs { measure: None, rows: Represented::Sample(_), .. },
            ) => value_over_matrix(self.source, items, weights.as_deref(), *reduction, ctl),
            _ => {
                let built = self.build(function, Stage::Value, &[], ctl, watch)?;
                Ok(Chain::new(&built.objective, items).value(ctl)?)
            }
        }
    }

    /// The function; `allowed`: the items that may be chosen, ascending.
    pub(in crate::jobs::selection) fn build(
        &mut self,
        function: &Function,
        stage: Stage,
        allowed: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Built, Stop> {
        let start = Instant::now();
        let built = self.make(function, stage, allowed, ctl, watch);
        self.all += start.elapsed().as_secs_f64();
        built
    }

    fn make(
        &mut self,
        function: &Function,
        stage: Stage,
        allowed: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Built, Stop> {
        let ground = self.ground(function, stage, ctl, watch)?;
        let start = match (&function.form, &ground) {
            (
                Form::DisparitySum { start: StartSpec::FarthestPair }
                | Form::DisparityMin { start: StartSpec::FarthestPair },
                Some(distances),
            ) if stage == Stage::Search => farthest_pair(distances, allowed, ctl)?.map_or(vec![], Vec::from),
            _ => vec![],
        };
        let objective: Arc<dyn Objective> = match (&function.form, ground) {
            (Form::Modular { scores }, _) => Arc::new(Modular::new(scores.clone())?),
            (Form::External { properties }, _) => {
                let oracle = self.oracle.clone().ok_or(submodular::Error::Unsupported(NOBODY))?;
                Arc::new(External::new(self.source.items(), oracle, *properties))
            }
            (Form::Committee { rule, k }, _) => {
                let profile = self.profile(ctl, watch)?;
                Arc::new(Committee::new(profile, rule.clone(), *k).map_err(submodular::Error::from)?)
            }
            (Form::Mixture { parts, normalize }, _) => {
                let mut built = vec![];
                for (weight, part) in parts {
                    built.push((*weight, self.make(part, stage, allowed, ctl, watch)?.objective));
                }
                let mixture = Mixture::new(built)?;
                Arc::new(if *normalize { mixture.normalised(ctl)? } else { mixture })
            }
            (form, Some(ground)) => self.over(function, form, ground, stage, ctl, watch)?,
            (_, None) => return Err(submodular::Error::Unsupported("a function without its ground").into()),
        };
        Ok(Built { objective, start })
    }

    /// A function over its ground.
    fn over(
        &mut self,
        function: &Function,
        form: &Form,
        ground: Any,
        stage: Stage,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<dyn Objective>, Stop> {
        let mut query = || self.cross(function, function.query.as_ref(), ctl, watch);
        Ok(match form {
            Form::FacilityLocation { weights, reduction } => {
                facility_location(ground, of_rows(weights.as_deref(), function, stage), *reduction)?
            }
            Form::FacilityLocationMi { eta } => facility_location_mi(ground, *eta, ctl)?,
            Form::FacilityLocationVmi { eta } => facility_location_vmi(ground, &query()?, *eta, ctl)?,
            Form::FacilityLocationCg { nu } => {
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                facility_location_cg(ground, &private, *nu, ctl)?
            }
            Form::FacilityLocationCmi { eta, nu } => {
                let query = query()?;
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                facility_location_cmi(ground, &query, &private, (*eta, *nu), ctl)?
            }
            Form::GraphCut { lambda } => graph_cut(nonnegative(function, ground, ctl)?, *lambda, ctl)?,
            Form::GraphCutMi { lambda } => graph_cut_mi(&nonnegative(function, ground, ctl)?, *lambda, ctl)?,
            Form::GraphCutCg { lambda, nu } => {
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                let private = nonnegative(function, private, ctl)?;
                graph_cut_cg(nonnegative(function, ground, ctl)?, &private, *lambda, *nu, ctl)?
            }
            Form::SaturatedCoverage { alpha, cap } => {
                let cap = match cap {
                    CapSpec::Fraction => Cap::Fraction,
                    CapSpec::Absolute => Cap::Absolute,
                };
                saturated_coverage(nonnegative(function, ground, ctl)?, *alpha, cap, ctl)?
            }
            Form::SumRedundancy => sum_redundancy(nonnegative(function, ground, ctl)?)?,
            Form::FeatureBased { concave, weights } => feature_based(ground, *concave, weights.clone(), ctl)?,
            Form::SetCover { weights } => set_cover(ground, weights.clone())?,
            Form::ProbabilisticSetCover { weights } => probabilistic_set_cover(ground, weights.clone())?,
            Form::ConcaveOverModular { eta, concave } => {
                concave_over_modular(nonnegative(function, ground, ctl)?, *eta, *concave, ctl)?
            }
            Form::LogDet { ridge } => log_det(ground, *ridge, function.is_definite())?,
            Form::LogDetMi { eta, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                log_det_mi(ground, (&own, &cross), *eta, *ridge, ctl)?
            }
            Form::LogDetCg { nu, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                log_det_cg(ground, (&own, &cross), *nu, *ridge, function.is_definite(), ctl)?
            }
            Form::LogDetCmi { eta, nu, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                let private = function.private.as_ref().map_or(0, |rows| rows.len(self.source.rows()));
                log_det_cmi(ground, (&own, &cross), private, (*eta, *nu), *ridge, ctl)?
            }
            Form::DisparitySum { .. } => {
                disparity_sum(nonnegative(function, ground, ctl)?, function.ground.triangle())?
            }
            Form::DisparityMin { .. } => {
                disparity_min(nonnegative(function, ground, ctl)?, function.ground.triangle())?
            }
            Form::Modular { .. } | Form::Committee { .. } | Form::External { .. } | Form::Mixture { .. } => {
                return Err(submodular::Error::Unsupported("a function that has no ground").into());
            }
        })
    }
}

/// The ground, for functions that have no meaning for negative similarities.
fn nonnegative(function: &Function, ground: Any, ctl: &Ctl) -> Result<Any, Stop> {
    let known = matches!(
        &function.ground,
        Ground::Pairs { measure: Some(measure), .. } if measure.is_nonnegative()
    );
    if !known {
        refuse_negative(&ground, ctl)?;
    }
    Ok(ground)
}

/// Weights of the rows that are looked at: those of a sample are given for all rows.
fn of_rows(weights: Option<&[f64]>, function: &Function, stage: Stage) -> Option<Vec<f64>> {
    let weights = weights?;
    Some(match &function.ground {
        Ground::Pairs { rows: Represented::Sample(rows), .. } if stage == Stage::Search => {
            rows.iter().map(|&e| weights[e as usize]).collect()
        }
        Ground::Pairs { .. } | Ground::Features(_) | Ground::Rankings { .. } | Ground::Nothing => {
            weights.to_vec()
        }
    })
}

/// Facility location of the chosen items, row by row as the matrix streams by.
fn value_over_matrix(
    source: &Source,
    items: &[Item],
    weights: Option<&[f64]>,
    reduction: Reduction,
    ctl: &Ctl,
) -> Result<f64, Stop> {
    let mut sum = 0.0;
    source.for_each_row::<Stop>(&mut |row, values| {
        if row.is_multiple_of(ROWS) {
            ctl.tick(0)?;
        }
        let best = items.iter().map(|&e| values[e as usize]).fold(0.0, f32::max);
        sum += f64::from(best) * weights.map_or(1.0, |weights| weights[row]);
        Ok(())
    })?;
    Ok(match reduction {
        Reduction::Sum => sum,
        Reduction::Mean => sum / source.rows() as f64,
    })
}
