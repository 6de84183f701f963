//! From the spec of an experiment to its design: names looked up, every offence collected at its place.

use super::ExperimentSpec;
use crate::dataset::{DatasetError, Source};
use crate::jobs::rule::rule;
use crate::jobs::selection::{FieldError, Resolver, infeasible, labels};
use crate::jobs::spec::{
    BiasSpec, BiasStudySpec, DisadvantagedSpec, GeneratorSpec, ItemRef, LatentSpec, RuleSpec, SeenSpec,
    SmoothnessSpec, defaults,
};
use std::sync::Arc;
use submodular::committee::smoothness::{self, Pairs, Smoothness};
use submodular::committee::study::{self, Study, quota_fits};
use submodular::committee::{Bias, Disadvantaged, Generator, Latent, Profile, Rule, Simulation};
use submodular::{Error, Item};

/// Most candidates that are drawn.
const MOST_CANDIDATES: u64 = 1 << 20;

/// An experiment that has a meaning.
#[derive(Debug, Clone)]
pub(super) enum Experiment {
    BiasStudy(Study),
    Smoothness(Smoothness),
}

/// Rankings that were supplied.
pub(super) struct Supplied {
    pub(super) latent: Option<Arc<Profile>>,
    pub(super) biased: Option<Arc<Profile>>,
}

/// Looks an experiment up.
pub(super) struct Lookup<'a> {
    /// The latent rankings' dataset, where they are of one.
    pub(super) source: Option<&'a Source>,
    /// Rankings that have been read; where they have not, others of the same size stand for them.
    pub(super) supplied: &'a Supplied,
    pub(super) errors: Vec<FieldError>,
}

impl Lookup<'_> {
    /// The experiment; none where there are offences.
    ///
    /// # Errors
    /// A dataset that cannot be read.
    pub(super) fn experiment(&mut self, spec: &ExperimentSpec) -> Result<Option<Experiment>, DatasetError> {
        match spec {
            ExperimentSpec::BiasStudy(spec) => self.study(spec),
            ExperimentSpec::Smoothness(spec) => self.smoothness(spec),
        }
    }

    fn refuse(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, "invalid_parameter", detail));
    }

    /// What the core refuses, at the field of the name it gives.
    fn refuse_core(&mut self, error: &Error) {
        if let Error::Parameter { name, reason } = error {
            self.refuse(format!("/{name}"), reason.clone());
        } else if let Error::Infeasible(why) = error {
            self.errors.push(FieldError { pointer: "/k".into(), ..infeasible(why, &[], &[], 0) });
        } else {
            self.refuse("", error.to_string());
        }
    }

    fn study(&mut self, spec: &BiasStudySpec) -> Result<Option<Experiment>, DatasetError> {
        let Some(latent) = self.latent(&spec.latent) else { return Ok(None) };
        let m = latent.candidates();
        let bias = self.bias(spec.bias, &spec.strengths, "strengths");
        let disadvantaged = self.disadvantaged(&spec.disadvantaged, m)?;
        let rules = self.rules(&spec.rules, m);
        for (index, &rankings) in spec.rankings.iter().enumerate() {
            self.enough(&spec.latent, rankings, &format!("/rankings/{index}"));
        }
        let k = whole(spec.k);
        if let Some(count) = disadvantaged.as_ref().and_then(|of| of.count(m).ok()) {
            let quotas = std::iter::once(("/k".to_owned(), 0));
            let quotas = quotas
                .chain(spec.quotas.iter().enumerate().map(|(i, &q)| (format!("/quotas/{i}"), whole(q))));
            for (pointer, quota) in quotas {
                if let Err(why) = quota_fits(quota, k, count, m) {
                    let names = ["the disadvantaged".to_owned()];
                    self.errors.push(FieldError { pointer, ..infeasible(&why, &names, &[], 0) });
                }
            }
        }
        let (Some(bias), Some(disadvantaged), true) = (bias, disadvantaged, self.errors.is_empty()) else {
            return Ok(None);
        };
        let design = study::Design {
            simulation: Simulation { latent, bias, disadvantaged, seed: spec.run.seed },
            strengths: spec.strengths.clone(),
            rules,
            rankings: spec.rankings.iter().map(|&n| whole(n)).collect(),
            k,
            quotas: spec.quotas.iter().map(|&quota| whole(quota)).collect(),
            repetitions: spec.repetitions,
            max_evaluations: defaults::study_evaluations(),
        };
        let study = Study::new(design).map_err(|error| self.refuse_core(&error));
        Ok(study.ok().map(Experiment::BiasStudy))
    }

    fn smoothness(&mut self, spec: &SmoothnessSpec) -> Result<Option<Experiment>, DatasetError> {
        let Some(latent) = self.latent(&spec.latent) else { return Ok(None) };
        let m = latent.candidates();
        let disadvantaged = self.disadvantaged(&spec.disadvantaged, m)?;
        let rules = self.rules(&spec.rules, m);
        let pairs = match (&spec.bias, &spec.latent) {
            (SeenSpec::Model(bias), _) => {
                let strength = match (bias, spec.strength) {
                    (_, Some(strength)) => strength,
                    (BiasSpec::None, None) => 0.0,
                    (BiasSpec::Swapping(_) | BiasSpec::Utility, None) => {
                        self.refuse("/strength", "a model of bias needs its strength");
                        return Ok(None);
                    }
                };
                let bias = self.bias(*bias, &[strength], "strength");
                let Some(rankings) = spec.rankings else {
                    self.refuse("/rankings", "missing: how many rankings a repetition has");
                    return Ok(None);
                };
                self.enough(&spec.latent, rankings, "/rankings");
                bias.zip(disadvantaged).map(|(bias, disadvantaged)| Pairs::Simulated {
                    simulation: Simulation { latent, bias, disadvantaged, seed: spec.run.seed },
                    strength,
                    rankings: whole(rankings),
                })
            }
            (SeenSpec::Dataset(_), LatentSpec::Dataset(_)) => {
                for (name, given) in
                    [("strength", spec.strength.is_some()), ("rankings", spec.rankings.is_some())]
                {
                    if given {
                        self.refuse(
                            format!("/{name}"),
                            "leave it out where both rankings are given: all are used",
                        );
                    }
                }
                let voters = self.source.map_or(0, Source::rows);
                if spec.repetitions > voters as u64 {
                    let detail = format!("{}; at most {voters}, one a ranking", spec.repetitions);
                    self.refuse("/repetitions", detail);
                }
                let seed = spec.run.seed;
                disadvantaged.map(|disadvantaged| match (latent, &self.supplied.biased) {
                    (Latent::Supplied(latent), Some(biased)) => {
                        Pairs::Supplied { latent, biased: biased.clone(), disadvantaged, seed }
                    }
                    (latent, _) => Pairs::Simulated {
                        simulation: Simulation { latent, bias: Bias::None, disadvantaged, seed },
                        strength: 0.0,
                        rankings: voters.div_ceil(whole(spec.repetitions).max(1)).max(1),
                    },
                })
            }
            (SeenSpec::Dataset(_), LatentSpec::Generated { .. }) => {
                self.refuse("/bias/dataset", "rankings that are seen belong to latent rankings of a dataset");
                None
            }
        };
        let (Some(pairs), true) = (pairs, self.errors.is_empty()) else { return Ok(None) };
        let design = smoothness::Design {
            pairs,
            rules,
            k: spec.k.map(whole),
            repetitions: spec.repetitions,
            betas: whole(spec.betas),
            delta: spec.delta,
            epsilon: spec.epsilon,
        };
        let smoothness = Smoothness::new(design).map_err(|error| self.refuse_core(&error));
        Ok(smoothness.ok().map(Experiment::Smoothness))
    }

    /// Where latent rankings come from. Supplied ones that have not been read are stood for by others.
    fn latent(&mut self, spec: &LatentSpec) -> Option<Latent> {
        match (spec, &self.supplied.latent, self.source) {
            (LatentSpec::Generated { generator, candidates }, ..) => {
                let generator = match *generator {
                    GeneratorSpec::ImpartialCulture => Generator::ImpartialCulture,
                    GeneratorSpec::Mallows(phi) => Generator::Mallows { phi },
                    GeneratorSpec::Urn(replacement) => Generator::Urn { replacement },
                    GeneratorSpec::SinglePeakedConitzer => Generator::SinglePeakedConitzer,
                    GeneratorSpec::Utility(agreement) => Generator::Utility { agreement },
                };
                if let Err(Error::Parameter { name, reason }) = generator.check() {
                    self.refuse(format!("/latent/{name}"), reason);
                    return None;
                }
                if !(2..=MOST_CANDIDATES).contains(candidates) {
                    let detail = format!("{candidates}; from 2 to {MOST_CANDIDATES} candidates");
                    self.refuse("/latent/candidates", detail);
                    return None;
                }
                Some(Latent::Generated { candidates: whole(*candidates), generator })
            }
            (LatentSpec::Dataset(_), Some(profile), _) => Some(Latent::Supplied(profile.clone())),
            (LatentSpec::Dataset(_), None, Some(source)) => {
                let (candidates, generator) = (source.items(), Generator::ImpartialCulture);
                if candidates < 2 {
                    self.refuse("/latent/dataset", "it ranks one candidate; at least 2 are needed");
                    return None;
                }
                Some(Latent::Generated { candidates, generator })
            }
            (LatentSpec::Dataset(_), None, None) => {
                self.refuse("/latent/dataset", "its rankings are needed");
                None
            }
        }
    }

    fn bias(&mut self, spec: BiasSpec, strengths: &[f64], field: &str) -> Option<Bias> {
        let bias = match spec {
            BiasSpec::Swapping(phi) => Bias::Swapping { phi },
            BiasSpec::Utility => Bias::Utility,
            BiasSpec::None => Bias::None,
        };
        match bias.check(strengths) {
            Ok(()) => Some(bias),
            Err(Error::Parameter { name: "strengths", reason }) => {
                self.refuse(format!("/{field}"), reason);
                None
            }
            Err(Error::Parameter { name, reason }) => {
                self.refuse(format!("/bias/{name}"), reason);
                None
            }
            Err(error) => {
                self.refuse("/bias", error.to_string());
                None
            }
        }
    }

    fn rules(&mut self, specs: &[RuleSpec], candidates: usize) -> Vec<Rule> {
        let mut rules = vec![];
        for (index, spec) in specs.iter().enumerate() {
            match rule(spec, candidates) {
                Ok(rule) => rules.push(rule),
                Err(wrong) => {
                    for (name, detail) in wrong {
                        self.refuse(format!("/rules/{index}/{name}"), detail);
                    }
                }
            }
        }
        rules
    }

    /// A repetition cannot draw more rankings than there are.
    fn enough(&mut self, latent: &LatentSpec, rankings: u64, pointer: &str) {
        if let (LatentSpec::Dataset(_), Some(source)) = (latent, self.source)
            && rankings > source.rows() as u64
        {
            let detail = format!("{rankings}; the dataset has {} rankings", source.rows());
            self.refuse(pointer, detail);
        }
    }

    fn disadvantaged(
        &mut self,
        spec: &DisadvantagedSpec,
        candidates: usize,
    ) -> Result<Option<Disadvantaged>, DatasetError> {
        let pointer = "/disadvantaged";
        let of = match (spec, self.source) {
            (DisadvantagedSpec::Share(share), _) => Disadvantaged::Share(*share),
            (DisadvantagedSpec::Column { column, value }, Some(source)) => {
                let names: Vec<&str> = source.columns().iter().map(|column| &*column.name).collect();
                if !names.contains(&&**column) {
                    let detail = format!("there is no column {column:?}; the columns are {names:?}");
                    self.refuse(format!("{pointer}/column"), detail);
                    return Ok(None);
                }
                let of = labels(source.column(column)?);
                let listed = of.iter().zip(0..).filter(|(label, _)| label.as_ref() == Some(value));
                Disadvantaged::Candidates(listed.map(|(_, item)| item).collect())
            }
            (DisadvantagedSpec::Candidates(items), Some(source)) => {
                let mut resolver = Resolver::new(source);
                let found = resolver.items(items, &format!("{pointer}/candidates"))?;
                self.errors.append(&mut resolver.errors);
                Disadvantaged::Candidates(found)
            }
            (DisadvantagedSpec::Column { .. }, None) => {
                self.refuse(format!("{pointer}/column"), "rankings that are drawn have no columns");
                return Ok(None);
            }
            (DisadvantagedSpec::Candidates(items), None) => {
                let mut listed: Vec<Item> = vec![];
                for (position, item) in items.iter().enumerate() {
                    match item {
                        ItemRef::Index(index) if *index < candidates as u64 => listed.push(*index as Item),
                        ItemRef::Index(_) | ItemRef::Id(_) => {
                            let detail = format!("candidates that are drawn are 0 to {}", candidates - 1);
                            let at = format!("{pointer}/candidates/{position}");
                            self.errors.push(FieldError::new(at, "unknown_item", detail));
                        }
                    }
                }
                Disadvantaged::Candidates(listed)
            }
        };
        if let Err(error) = of.count(candidates) {
            let reason = if let Error::Parameter { reason, .. } = error { reason } else { error.to_string() };
            self.refuse(pointer, reason);
            return Ok(None);
        }
        Ok(Some(of))
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
