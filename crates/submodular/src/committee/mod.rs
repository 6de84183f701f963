//! Committees: sets of candidates chosen by the rankings of many voters.
//!
//! A [`Profile`] holds the rankings, a [`Rule`] says what a committee is worth to a voter, and
//! [`Committee`](crate::objective::committee::Committee) is the set function that they make. Whether a rule can be
//! trusted when rankings are few or biased is told by experiments: [`study`] and [`smoothness`], on the repetitions of a
//! [`Simulation`].

mod bias;
mod disadvantaged;
mod estimate;
mod latent;
mod profile;
mod rule;
mod satisfaction;
mod simulation;
pub mod smoothness;
pub mod study;
mod swapping;
mod yardstick;

pub use bias::Bias;
pub use disadvantaged::Disadvantaged;
pub use estimate::Estimate;
pub use latent::{Drawn, Generator, Latent};
pub(crate) use profile::LANES;
pub use profile::{InvalidRanking, Profile, ProfileBuilder, Ranking};
pub use rule::{InvalidRule, Rule};
pub use satisfaction::{Satisfaction, voter_satisfaction};
pub use simulation::{MOST_REPETITIONS, Simulation};
pub use smoothness::{Scores, Smoothness};
pub use study::{Samples, Study};
pub use swapping::Swapping;
