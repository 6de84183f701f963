//! A picture for each objective: what it selects, by the search that suits it.

use crate::scene::{Scene, apart, cells, kernel};
use crate::svg::{Layer, Picture};
use crate::{K, choose};
use std::sync::Arc;
use submodular::constraint::Groups;
use submodular::objective::concave_over_modular::concave_over_modular;
use submodular::objective::concave_over_sums::Concave;
use submodular::objective::disparity_min::disparity_min;
use submodular::objective::disparity_sum::disparity_sum;
use submodular::objective::facility_location::{Reduction, facility_location};
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
use submodular::objective::{Objective, Triangle};
use submodular::optimizer::{Greedy, LazyGreedy, Optimizer};
use submodular::{Ctl, Halt};

/// Items of an answer to a query, which is about a few places only.
const FEW: usize = 8;
/// Large enough that the cut's penalty shows beside sums over all points.
const LAMBDA: f64 = 3.0;
/// Small enough that a few rows of a query say nearly all there is to say about their place.
const RIDGE: f64 = 0.1;
/// Distance up to which a point has a concept for certain.
const HAS: f64 = 24.0;

pub(crate) fn pictures(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let groups =
        [of_the_points(scene)?, of_concepts(scene)?, with_a_query(scene)?, with_a_private_set(scene)?];
    Ok(groups.into_iter().flatten().collect())
}

fn picture(name: &str, f: &Arc<dyn Objective>, layers: Vec<Layer>) -> Result<Picture, Halt> {
    picture_of(K, name, f, layers)
}

/// Lazy greedy where it is allowed.
fn picture_of(k: usize, name: &str, f: &Arc<dyn Objective>, layers: Vec<Layer>) -> Result<Picture, Halt> {
    let mut search: Box<dyn Optimizer> =
        if f.properties().submodular { Box::new(LazyGreedy::default()) } else { Box::new(Greedy) };
    let chosen = choose(f, Groups::cardinality(k), &mut *search)?;
    let foot = format!("f = {:.2}", chosen.value);
    Ok(Picture { name: format!("objective-{name}"), chosen: chosen.items, foot, layers })
}

fn of_the_points(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let ctl = &Ctl::default();
    let (s, d) = (|| scene.similarity(), || scene.distance());
    let location = || facility_location(s()?, None, Reduction::Sum).map_err(Halt::from);
    // What an item is worth in itself grows to the right.
    let scores = || Modular::new(scene.points.iter().map(|[x, _]| x / 100.0).collect());
    let parts: Vec<(f64, Arc<dyn Objective>)> = vec![(1.0, location()?), (4.0, Arc::new(scores()?))];
    let mixture: Arc<dyn Objective> = Arc::new(Mixture::new(parts)?.normalised(ctl)?);
    let modular: Arc<dyn Objective> = Arc::new(scores()?);
    let spread = disparity_min(d()?, Triangle::Metric)?;
    let mut farthest = picture("disparity_min", &spread, vec![])?;
    farthest.layers.push(Layer::Rings(least_distance(scene, &farthest) / 2.0));
    Ok(vec![
        picture("facility_location", &location()?, vec![Layer::Links(scene.points.clone())])?,
        picture("graph_cut", &graph_cut(s()?, 0.4, ctl)?, vec![])?,
        picture("graph_cut-lambda_3", &graph_cut(s()?, LAMBDA, ctl)?, vec![])?,
        picture("saturated_coverage", &saturated_coverage(s()?, 0.1, Cap::Fraction, ctl)?, vec![])?,
        picture("sum_redundancy", &sum_redundancy(s()?)?, vec![])?,
        picture("log_det", &log_det(s()?, 1.0, true)?, vec![])?,
        picture("disparity_sum", &disparity_sum(d()?, Triangle::Metric)?, vec![])?,
        farthest,
        picture("modular", &modular, vec![])?,
        picture("mixture", &mixture, vec![])?,
    ])
}

/// Of two of those chosen.
pub(crate) fn least_distance(scene: &Scene, picture: &Picture) -> f64 {
    let at = |e: u32| scene.points[e as usize];
    let pairs = picture.chosen.iter().flat_map(|&a| picture.chosen.iter().map(move |&b| (a, b)));
    pairs.filter(|(a, b)| a < b).map(|(a, b)| apart(at(a), at(b))).fold(f64::INFINITY, f64::min)
}

fn of_concepts(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let ctl = &Ctl::default();
    let share = |d: f64| (-(d / HAS).powi(2)).exp();
    let sharp = |d: f64| f64::from(u8::from(d <= HAS));
    let likely = |d: f64| 0.8 * share(d);
    let weights = vec![1.0; cells().len()];
    // The chosen points at a concept's distance, joined.
    let shown = |picture: Picture, join: &dyn Fn(&mut dyn Iterator<Item = f64>) -> f64| {
        let chosen: Vec<_> = picture.chosen.iter().map(|&e| scene.points[e as usize]).collect();
        let covered = |cell| join(&mut chosen.iter().map(|&point| apart(cell, point)));
        let covered = cells().into_iter().map(covered).collect();
        Picture { layers: vec![Layer::Cells(covered)], ..picture }
    };
    let based = feature_based(scene.concepts(share)?, Concave::Sqrt, None, ctl)?;
    let cover = set_cover(scene.concepts(sharp)?, weights.clone())?;
    let probable = probabilistic_set_cover(scene.concepts(likely)?, weights)?;
    Ok(vec![
        shown(picture("feature_based", &based, vec![])?, &|d| d.map(share).sum::<f64>().sqrt().min(1.0)),
        shown(picture("set_cover", &cover, vec![])?, &|d| d.map(sharp).fold(0.0, f64::max)),
        shown(picture("probabilistic_set_cover", &probable, vec![])?, &|d| {
            1.0 - d.map(|d| 1.0 - likely(d)).product::<f64>()
        }),
    ])
}

fn with_a_query(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let ctl = &Ctl::default();
    let (s, query) = (|| scene.similarity(), || scene.similarity_of(&scene.query));
    let own = kernel(&scene.query)?;
    let shown = || vec![Layer::Query(scene.query.clone())];
    Ok(vec![
        picture_of(FEW, "facility_location_mi", &facility_location_mi(query()?, 1.0, ctl)?, shown())?,
        picture_of(
            FEW,
            "facility_location_vmi",
            &facility_location_vmi(s()?, &query()?, 1.0, ctl)?,
            shown(),
        )?,
        picture_of(FEW, "graph_cut_mi", &graph_cut_mi(&query()?, 0.4, ctl)?, shown())?,
        picture_of(
            FEW,
            "concave_over_modular",
            &concave_over_modular(query()?, 1.0, Concave::Sqrt, ctl)?,
            shown(),
        )?,
        picture_of(FEW, "log_det_mi", &log_det_mi(s()?, (&own, &query()?), 1.0, RIDGE, ctl)?, shown())?,
    ])
}

fn with_a_private_set(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let ctl = &Ctl::default();
    let (s, query, private) =
        (|| scene.similarity(), scene.similarity_of(&scene.query)?, scene.similarity_of(&scene.private)?);
    let own = kernel(&scene.private)?;
    let rows = [&scene.private[..], &scene.query].concat();
    let (both, both_cross) = (kernel(&rows)?, scene.similarity_of(&rows)?);
    let count = scene.private.len();
    let avoided = || vec![Layer::Private(scene.private.clone())];
    let shown = || vec![Layer::Private(scene.private.clone()), Layer::Query(scene.query.clone())];
    Ok(vec![
        picture("facility_location_cg", &facility_location_cg(s()?, &private, 1.0, ctl)?, avoided())?,
        picture("graph_cut_cg", &graph_cut_cg(s()?, &private, LAMBDA, 3.0, ctl)?, avoided())?,
        picture("log_det_cg", &log_det_cg(s()?, (&own, &private), 1.0, 1.0, true, ctl)?, avoided())?,
        picture_of(
            FEW,
            "facility_location_cmi",
            &facility_location_cmi(s()?, &query, &private, (1.0, 1.0), ctl)?,
            shown(),
        )?,
        picture_of(
            FEW,
            "log_det_cmi",
            &log_det_cmi(s()?, (&both, &both_cross), count, (1.0, 1.0), RIDGE, ctl)?,
            shown(),
        )?,
    ])
}
