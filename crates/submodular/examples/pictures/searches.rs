//! A picture for each optimizer, and for each kind of constraint.

use crate::objectives::least_distance;
use crate::scene::Scene;
use crate::svg::{Layer, Picture};
use crate::{Chosen, K, choose, problem, search};
use std::sync::Arc;
use submodular::constraint::{Bounds, Constraint, Groups, Knapsack, MinDistance, Unconstrained};
use submodular::objective::facility_location::{Reduction, facility_location};
use submodular::objective::graph_cut::graph_cut;
use submodular::objective::{Objective, Triangle};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    Optimizer, PartitionedGreedy, Parts, RandomGreedy, SieveStreaming, StochasticGreedy, ThreeSieves,
    ThresholdGreedy,
};
use submodular::sampling::{stream, without_replacement};
use submodular::{Ctl, Halt, Item, Problem};

/// Items of the exact search, which takes exponential time.
const FEW: usize = 4;
/// Represented rows of the searches that pass once over the items.
const SAMPLE: usize = 30;
const PARTS: u64 = 3;
const BUDGET: f64 = 20.0;
/// What a pixel of distance is worth to gist.
const WORTH: f64 = 0.35;
/// In pixels.
const LEAST_DISTANCE: f64 = 48.0;

fn location(scene: &Scene) -> Result<Arc<dyn Objective>, Halt> {
    Ok(facility_location(scene.similarity()?, None, Reduction::Sum)?)
}

fn drawn(name: &str, chosen: Chosen, layers: Vec<Layer>) -> Picture {
    let foot = format!("f = {:.2}, {} evaluations", chosen.value, chosen.evaluations);
    Picture { name: name.to_owned(), chosen: chosen.items, foot, layers }
}

pub(crate) fn optimizers(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let f = location(scene)?;
    let plain: [(&str, Box<dyn Optimizer>); 5] = [
        ("optimizer-greedy", Box::new(Greedy)),
        ("optimizer-lazy_greedy", Box::new(LazyGreedy::default())),
        ("optimizer-stochastic_greedy", Box::new(StochasticGreedy::new(0.1)?)),
        ("optimizer-threshold_greedy", Box::new(ThresholdGreedy::new(0.1)?)),
        ("optimizer-adaptive_sequencing", Box::new(AdaptiveSequencing::new(0.1)?)),
    ];
    let mut pictures = vec![];
    for (name, mut optimizer) in plain {
        pictures.push(drawn(name, choose(&f, Groups::cardinality(K), &mut *optimizer)?, vec![]));
    }
    let few = choose(&f, Groups::cardinality(FEW), &mut Exact::new(10_000_000, None))?;
    pictures.push(drawn("optimizer-exact", few, vec![Layer::Links(scene.points.clone())]));
    pictures.push(two_ended(&f)?);
    pictures.extend(of_a_cut(scene)?);
    pictures.push(parts(scene, &f)?);
    pictures.extend(one_pass(scene)?);
    pictures.push(gist(scene, &f)?);
    Ok(pictures)
}

fn two_ended(f: &Arc<dyn Objective>) -> Result<Picture, Halt> {
    let chosen = choose(f, Groups::cardinality(K), &mut BidirectionalGreedy::new(8)?)?;
    let crossed = Layer::Crossed(chosen.discarded.clone());
    Ok(drawn("optimizer-bidirectional_greedy", chosen, vec![crossed]))
}

/// The searches for functions whose gains may be negative.
fn of_a_cut(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let cut = graph_cut(scene.similarity()?, 1.0, &Ctl::default())?;
    let half = choose(&cut, Unconstrained, &mut DoubleGreedy::new(false))?;
    let size = half.items.len();
    let mut half = drawn("optimizer-double_greedy", half, vec![]);
    half.foot = format!("{size} chosen, {}", half.foot);
    let random = problem(&cut, Groups::cardinality(K))?.stop_when_gain_at_most(Some(0.0));
    let random = search(random, &mut RandomGreedy::new(Some(0.0)))?;
    Ok(vec![half, drawn("optimizer-random_greedy", random, vec![])])
}

fn parts(scene: &Scene, f: &Arc<dyn Objective>) -> Result<Picture, Halt> {
    // Drawn here, so that the picture can show them.
    let parts = scene.draws(PARTS, 0);
    let inner = || Box::new(LazyGreedy::default()) as Box<dyn Optimizer>;
    let mut optimizer = PartitionedGreedy::new(Parts::Given(parts.clone()), Box::new(inner))?;
    let chosen = choose(f, Groups::cardinality(K), &mut optimizer)?;
    let kinds = Layer::Kinds(parts.into_iter().map(Some).collect());
    Ok(drawn("optimizer-partitioned_greedy", chosen, vec![kinds]))
}

/// They cannot represent what they have not seen yet, so a sample of the points is represented.
fn one_pass(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let all: Vec<Item> = (0..scene.points.len() as Item).collect();
    let sample = without_replacement(all, SAMPLE, &mut stream(7, 0));
    let rows: Vec<_> = sample.iter().map(|&e| scene.points[e as usize]).collect();
    let f = facility_location(scene.similarity_of(&rows)?, None, Reduction::Sum)?;
    let sieves = choose(&f, Groups::cardinality(K), &mut SieveStreaming::new(0.1)?)?;
    let three = choose(&f, Groups::cardinality(K), &mut ThreeSieves::new(0.1, 20)?)?;
    Ok(vec![
        drawn("optimizer-sieve_streaming", sieves, vec![Layer::Marked(sample.clone())]),
        drawn("optimizer-three_sieves", three, vec![Layer::Marked(sample)]),
    ])
}

fn gist(scene: &Scene, f: &Arc<dyn Objective>) -> Result<Picture, Halt> {
    let mut search = Gist::new(WORTH, 0.05, Arc::new(scene.distance()?), Triangle::Metric)?;
    let chosen = choose(f, Groups::cardinality(K), &mut search)?;
    let foot = format!("f = {:.2}", chosen.value);
    let mut picture = drawn("optimizer-gist", chosen, vec![]);
    let div = least_distance(scene, &picture);
    picture.foot = picture.foot.replace(&foot, &format!("{foot}, div = {div:.1}"));
    picture.layers.push(Layer::Rings(div / 2.0));
    Ok(picture)
}

pub(crate) fn constraints(scene: &Scene) -> Result<Vec<Picture>, Halt> {
    let f = location(scene)?;
    let lazy = |rule: Arc<dyn Constraint>, include: &[Item], exclude: &[Item]| {
        let problem = Problem::new(f.clone(), rule, include, exclude, 0)?;
        search(problem, &mut LazyGreedy::default())
    };
    let bounds = vec![Bounds { at_least: 2, at_most: 3 }; 5];
    let groups = Arc::new(Groups::new(K, scene.clusters.clone(), bounds));

    let costs: Vec<f64> = scene.draws(5, 1).into_iter().map(|cost| f64::from(cost + 1)).collect();
    let areas = Layer::Areas(costs.iter().map(|cost| cost / 2.0).collect());
    let budget = Knapsack::new(Arc::new(Unconstrained), costs, BUDGET)?;
    let budget = choose(&f, budget, &mut KnapsackGreedy::new(false))?;

    let distance = Arc::new(scene.distance()?);
    let apart = MinDistance::new(Arc::new(Groups::cardinality(K)), distance, LEAST_DISTANCE)?;

    let within = |x: std::ops::Range<f64>, y: std::ops::Range<f64>| {
        let inside = |e: &Item| {
            let [a, b] = scene.points[*e as usize];
            x.contains(&a) && y.contains(&b)
        };
        (0..scene.points.len() as Item).filter(inside).collect::<Vec<_>>()
    };
    // Two outliers, and the whole cluster in the lower right corner.
    let include = [within(200.0..220.0, 0.0..30.0), within(0.0..20.0, 0.0..30.0)].concat();
    let exclude = within(120.0..220.0, 115.0..220.0);
    let fixed = lazy(Arc::new(Groups::cardinality(K)), &include, &exclude)?;
    let links = Layer::Links(exclude.iter().map(|&e| scene.points[e as usize]).collect());
    let fixed_layers = vec![links, Layer::Crossed(exclude), Layer::Marked(include)];
    Ok(vec![
        drawn("constraint-groups", lazy(groups, &[], &[])?, vec![Layer::Kinds(scene.clusters.clone())]),
        drawn("constraint-knapsack", budget, vec![areas]),
        drawn(
            "constraint-min_distance",
            lazy(Arc::new(apart), &[], &[])?,
            vec![Layer::Rings(LEAST_DISTANCE / 2.0)],
        ),
        drawn("constraint-include_exclude", fixed, fixed_layers),
    ])
}
