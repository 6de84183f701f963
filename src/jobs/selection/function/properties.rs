//! What is known of a function before its data is read.

use super::{Form, Function, Ground};
use submodular::Properties;
use submodular::objective::{
    committee, concave_over_sums, disparity_min, disparity_sum, facility_location, graph_cut, graph_cut_cg,
    graph_cut_mi, log_det, log_det_cg, log_det_mi, mixture, modular, pairwise, probabilistic_set_cover,
};
use submodular::similarity::{Measure, Metric};

impl Function {
    /// Declared from its parameters, and of a modular one from its scores.
    pub(in crate::jobs::selection) fn properties(&self) -> Properties {
        let apart = !self.ground.is_square();
        match &self.form {
            Form::FacilityLocation { .. }
            | Form::FacilityLocationVmi { .. }
            | Form::FacilityLocationCg { .. }
            | Form::FacilityLocationCmi { .. }
            | Form::SetCover { .. } => facility_location::properties(apart),
            Form::FacilityLocationMi { .. } => facility_location::properties(true),
            Form::GraphCut { lambda } => graph_cut::properties(*lambda),
            Form::GraphCutMi { .. } => graph_cut_mi::properties(),
            Form::GraphCutCg { .. } => graph_cut_cg::properties(),
            Form::SumRedundancy => pairwise::properties(-1.0, false),
            Form::SaturatedCoverage { .. } => concave_over_sums::properties(false, 0.0),
            Form::FeatureBased { .. } | Form::ConcaveOverModular { .. } => {
                concave_over_sums::properties(true, 0.0)
            }
            Form::ProbabilisticSetCover { .. } => probabilistic_set_cover::properties(),
            Form::LogDet { ridge } => log_det::properties(self.is_definite(), *ridge),
            Form::LogDetCg { nu, ridge } => log_det_cg::properties(self.is_definite(), *nu, *ridge),
            Form::LogDetMi { .. } | Form::LogDetCmi { .. } => log_det_mi::properties(),
            Form::DisparitySum { .. } => disparity_sum::properties(self.ground.triangle()),
            Form::DisparityMin { .. } => disparity_min::properties(self.ground.triangle()),
            Form::Modular { scores } => modular::properties(scores),
            Form::External { properties } => *properties,
            Form::Committee { rule, .. } => committee::properties(rule, 0.0),
            Form::Mixture { parts, .. } => {
                let properties = parts.iter().map(|(weight, part)| (*weight, part.properties()));
                mixture::properties(properties).unwrap_or_default()
            }
        }
    }

    /// Whether its kernel is known to be positive semidefinite: products and their powers are, clipped ones are not.
    pub(super) fn is_definite(&self) -> bool {
        let Ground::Pairs { measure: Some(Measure::Similarity(metric)), .. } = &self.ground else {
            return false;
        };
        match metric {
            Metric::CosineSigned
            | Metric::CosineShifted
            | Metric::CosineSquared
            | Metric::Dot
            | Metric::Rbf { .. }
            | Metric::ExpDistance => true,
            Metric::Cosine | Metric::EuclideanGap => false,
        }
    }
}
