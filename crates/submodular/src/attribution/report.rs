//! What an order of regions explains: terms and curves along it, from what the search has seen.

use super::{Effectiveness, Pair, Terms};
use crate::objective::attribution::Attribution;
use crate::{Ctl, Error, Halt, Item, Set};

/// Shares of the input within which the highest confidence is told.
const WITHIN: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// Shares are sums: a quarter of ten tenths may come out above 0.25.
const AREA_SLACK: f64 = 1e-9;

/// What a search took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// [`Selection::evaluations`](crate::Selection).
    pub evaluations: u64,
    /// How often the search came back with questions; 0 where none was asked.
    pub rounds: u64,
}

/// One region at its place in the order, and what is known of the order up to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prefix {
    /// The region.
    pub region: Item,
    /// Of all regions up to this one.
    pub terms: Terms,
    /// F of them; `None` where a term that counts was never told.
    pub value: Option<f64>,
}

/// The highest probability of the target among the first regions, as far as they fit into a share of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The share.
    pub within: f64,
    /// The probability. Nothing shown is a prefix too.
    pub p_target: f64,
    /// The share shown where it occurs first.
    pub area: f64,
}

/// The first regions of largest F.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// How many they are; the fewest of equals.
    pub length: usize,
    /// Their F.
    pub value: f64,
}

/// Curves have one point more than there are regions in the order: nothing shown comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Regions, most important first.
    pub ranking: Vec<Item>,
    /// One for each region of the order.
    pub prefixes: Vec<Prefix>,
    /// Share of the input shown.
    pub areas: Vec<f64>,
    /// Probability of the target with the first regions shown.
    pub insertion_curve: Vec<f64>,
    /// Probability of the target with the first regions hidden.
    pub deletion_curve: Vec<f64>,
    /// Area under the insertion curve by trapezoids over `areas`; higher is better.
    pub insertion_auc: f64,
    /// The same under the deletion curve; lower is better.
    pub deletion_auc: f64,
    /// Within a quarter, a half, three quarters and all of the input.
    pub highest_confidence: Vec<Peak>,
    /// `None` where no F is known.
    pub best_prefix: Option<Best>,
    /// By region: count - rank (from 0), and 0 for those outside the order.
    pub region_weights: Vec<f64>,
    /// Inputs the search looked at, two a gain, as the papers count: one that an earlier answer told counts again.
    pub model_calls: u64,
    /// Nothing and everything shown.
    pub end_point_calls: u64,
    /// How often the search asked.
    pub rounds: u64,
}

impl Report {
    /// Along `ranking`, distinct regions of `f`. After [`Greedy`](super::Search::Greedy) and
    /// [`BidirectionalGreedy`](super::Search::BidirectionalGreedy) everything is known: a first part of the order was
    /// asked about, or is the complement of what the low end asked about. O(count^2).
    ///
    /// # Errors
    /// [`Halt::Ask`] for first parts of another order that were never shown, [`Error::UnknownItem`],
    /// [`Error::Parameter`] for a region twice.
    pub fn new(f: &Attribution, ranking: &[Item], spent: Spent, ctl: &Ctl) -> Result<Self, Halt> {
        let (regions, settings) = (f.regions(), f.settings());
        let count = regions.count();
        let mut region_weights = vec![0.0; count];
        for (rank, &region) in ranking.iter().enumerate() {
            let unknown = Error::UnknownItem { item: region, len: count };
            let weight: &mut f64 = region_weights.get_mut(region as usize).ok_or(unknown)?;
            if *weight > 0.0 {
                let reason = format!("region {region} is named twice");
                return Err(Error::Parameter { name: "ranking", reason }.into());
            }
            *weight = (count - rank) as f64;
        }

        let mut members = Effectiveness::default();
        let (mut sets, mut effectiveness, mut areas) = (vec![vec![]], vec![0.0], vec![0.0]);
        let mut area = 0.0;
        for &region in ranking {
            members.add(region, regions);
            sets.push(members.members().to_vec());
            effectiveness.push(members.value(settings.single_effectiveness));
            area += regions.shares()[region as usize];
            areas.push(area);
        }
        let pairs = shown(f, sets, ctl)?;
        let prefix = |(i, &region): (usize, &Item)| {
            let terms = f.terms(effectiveness[i + 1], &pairs[i + 1]);
            Prefix { region, terms, value: terms.value(&settings.weights) }
        };
        let prefixes: Vec<Prefix> = ranking.iter().enumerate().map(prefix).collect();
        let insertion_curve: Vec<f64> = pairs.iter().map(|pair| pair.shown.p_target).collect();
        let deletion_curve: Vec<f64> = pairs.iter().map(|pair| pair.complement.p_target).collect();
        Ok(Self {
            insertion_auc: trapezoids(&areas, &insertion_curve),
            deletion_auc: trapezoids(&areas, &deletion_curve),
            highest_confidence: WITHIN.map(|within| peak(within, &areas, &insertion_curve)).to_vec(),
            best_prefix: best(&prefixes),
            ranking: ranking.to_vec(),
            prefixes,
            areas,
            insertion_curve,
            deletion_curve,
            region_weights,
            model_calls: 2 * spent.evaluations,
            end_point_calls: 2,
            rounds: spent.rounds,
        })
    }
}

/// What is known of each set; only what nobody ever saw is asked for.
fn shown(f: &Attribution, sets: Vec<Set>, ctl: &Ctl) -> Result<Vec<Pair>, Halt> {
    let known: Vec<Option<Pair>> = sets.iter().map(|set| f.evaluator().known(set)).collect();
    let unknown = sets.into_iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(set, _)| set);
    let asked = f.evaluator().pairs(&unknown.collect::<Vec<_>>(), ctl)?;
    let mut asked = asked.into_iter();
    Ok(known.into_iter().filter_map(|known| known.or_else(|| asked.next())).collect())
}

fn trapezoids(areas: &[f64], curve: &[f64]) -> f64 {
    areas.windows(2).zip(curve.windows(2)).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
}

fn peak(within: f64, areas: &[f64], curve: &[f64]) -> Peak {
    let start = Peak { within, p_target: curve[0], area: areas[0] };
    let inside = areas.iter().zip(curve).take_while(|&(&area, _)| area <= within + AREA_SLACK);
    inside.fold(
        start,
        |peak, (&area, &p_target)| {
            if p_target > peak.p_target { Peak { within, p_target, area } } else { peak }
        },
    )
}

fn best(prefixes: &[Prefix]) -> Option<Best> {
    let known =
        prefixes.iter().enumerate().filter_map(|(i, prefix)| prefix.value.map(|value| (i + 1, value)));
    known.fold(None, |best, (length, value)| match best {
        Some(Best { value: most, .. }) if most >= value => best,
        _ => Some(Best { length, value }),
    })
}
