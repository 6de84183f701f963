//! `fewer select`: the service's engine on a file, without a service.

mod show;

use crate::config::{ByteSize, Settings};
use crate::dataset::{Format, Kind, Options, Source, digest_of_file};
use crate::jobs::Nothing;
use crate::jobs::selection::{Limits, Phase, Prepared, Progress, Ran, SelectionError, Watch, prepare, run};
use crate::jobs::spec::{
    ColumnRef, ConstraintsSpec, GroupsSpec, ItemRef, KnapsackSpec, MetricSpec, ObjectiveSpec, OnStop,
    OptimizerSpec, RepresentedSpec, SelectionSpec, ValuesSpec,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::ThreadPool;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use show::Output;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use submodular::Ctl;
use submodular::tile::Kernel;

#[derive(Debug, clap::Args)]
pub(super) struct SelectArgs {
    /// Vectors: a .parquet, .arrow, .arrows, .npy or .json file
    file: PathBuf,
    /// How many rows to choose
    #[arg(short, long)]
    k: Option<u64>,
    /// What to maximise: an objective's name, or an object of its name and parameters as in a request
    #[arg(long, value_parser = named::<ObjectiveSpec>, value_name = "NAME|JSON", default_value = "facility_location")]
    objective: ObjectiveSpec,
    /// How rows compare, for an objective given by its name: cosine, cosine_signed, cosine_shifted, cosine_squared, dot,
    /// rbf, exp_distance, euclidean_gap or precomputed
    #[arg(long, value_parser = metric)]
    metric: Option<MetricSpec>,
    /// Width of rbf [default: 1 / dimension]
    #[arg(long)]
    gamma: Option<f64>,
    /// How to search: an optimizer's name, or an object of its name and parameters as in a request
    #[arg(long, value_parser = named::<OptimizerSpec>, value_name = "NAME|JSON", default_value = "auto")]
    optimizer: OptimizerSpec,
    /// Column of costs, which the budget bounds
    #[arg(long, value_name = "COLUMN", requires = "budget")]
    cost: Option<String>,
    /// What the chosen rows may cost together
    #[arg(long, requires = "cost")]
    budget: Option<f64>,
    /// Column whose values are groups with bounds
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Most rows of a group: a number for every group, or NAME=NUMBER; repeatable
    #[arg(long, value_name = "BOUND", requires = "group")]
    at_most: Vec<Bound>,
    /// Fewest rows of a group: a number for every group, or NAME=NUMBER; repeatable
    #[arg(long, value_name = "BOUND", requires = "group")]
    at_least: Vec<Bound>,
    /// Rows that come first: row numbers, or ids
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    include: Vec<String>,
    /// Rows that may not be chosen: row numbers, or ids
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Represent a random sample of this many rows instead of all
    #[arg(long, value_name = "ROWS")]
    represent: Option<u64>,
    /// Seed of every draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Column of the vectors [default: the only one that can be]
    #[arg(long, value_name = "COLUMN")]
    vectors: Option<String>,
    /// Column of the ids
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Output::Table)]
    format: Output,
    /// Print what the run would take, as JSON, and do not run
    #[arg(long)]
    plan: bool,
    /// Memory the run may take; similarities are stored while they fit [default: 3/4 of what the machine allows]
    #[arg(long)]
    memory_bytes: Option<ByteSize>,
    /// Most floating-point operations the run may need
    #[arg(long, default_value_t = 2e16)]
    max_flops: f64,
    /// Threads that compute [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Kernel: avx512, avx2 or portable [default: the best of this processor]
    #[arg(long)]
    kernel: Option<Kernel>,
}

/// A metric by its name on the wire; the error lists them all.
fn metric(name: &str) -> Result<MetricSpec, serde::de::value::Error> {
    MetricSpec::deserialize(name.into_deserializer())
}

/// A name, or an object with a name and parameters.
fn named<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text);
    }
    serde_json::from_value(serde_json::json!({"name": text}))
}

/// `5`, or `libs=5`.
#[derive(Debug, Clone)]
struct Bound {
    group: Option<String>,
    count: u64,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (group, count) = match text.rsplit_once('=') {
            Some((group, count)) => (Some(group.to_owned()), count),
            None => (None, text),
        };
        let count = count.parse().map_err(|_| format!("{count:?} is no number: write 5 or NAME=5"))?;
        Ok(Self { group, count })
    }
}

pub(super) fn run_on(args: &SelectArgs) -> Result<(), Box<dyn Error>> {
    let format = Format::from_path(&args.file)?;
    let kind = match (&args.objective, args.metric) {
        (ObjectiveSpec::Committee { .. }, _) => Some(Kind::Rankings),
        (_, Some(MetricSpec::Precomputed)) => Some(Kind::Similarity),
        _ => None,
    };
    let options = Options { kind, vectors: args.vectors.clone(), id: args.id.clone() };
    let source = Source::open(&args.file, format, &options, u64::MAX)
        .map_err(|error| format!("{}: {error}", args.file.display()))?;
    let defaults = Settings::new("");
    let threads = args.threads.map_or(defaults.threads, usize::from);
    let limits = Limits {
        threads,
        memory_bytes: args.memory_bytes.map_or(defaults.memory_bytes, |size| size.0),
        max_flops: args.max_flops,
        kernel: args.kernel.unwrap_or_else(Kernel::detect),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let source = &source;
    let spec = args.spec();
    let prepared = prepare(&spec, source, &Nothing, false, &limits).map_err(explain)?;
    if args.plan {
        return show::json(prepared.report());
    }
    prepared.admit()?;
    let memory_bytes = prepared.report().memory_bytes;
    let digest = digest_of_file(&args.file)?;
    let ran = watched(&pool, prepared, source, &digest)?;
    show::result(args.format, &ran.result, source, memory_bytes)
}

/// Runs with a progress bar on a terminal; Ctrl-C stops the search, and what it chose until then is printed.
fn watched(
    pool: &ThreadPool,
    prepared: Prepared,
    source: &Source,
    digest: &str,
) -> Result<Ran, Box<dyn Error>> {
    let ctl = Arc::new(Ctl::default());
    let interrupted = ctl.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    let mut bar = Bar::new();
    let ran = pool.install(|| run(prepared, source, digest, None, None, &ctl, &mut bar));
    bar.0.finish_and_clear();
    runtime.shutdown_background();
    Ok(ran?)
}

/// Every offence on its own line.
fn explain(error: SelectionError) -> Box<dyn Error> {
    if let SelectionError::Invalid(errors) = &error {
        let lines: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
        return lines.join("\n       ").into();
    }
    error.into()
}

impl SelectArgs {
    fn spec(&self) -> SelectionSpec {
        let mut objective = self.objective.clone();
        if let Some(similarity) = objective.similarity_mut() {
            similarity.metric = self.metric.unwrap_or(similarity.metric);
            similarity.gamma = self.gamma.or(similarity.gamma);
        }
        if let (ObjectiveSpec::FacilityLocation { represented, .. }, Some(rows)) =
            (&mut objective, self.represent)
        {
            *represented = Some(RepresentedSpec::Sample(rows));
        }
        let costs = self.cost.clone().map(|column| ValuesSpec::Column(ColumnRef { column }));
        SelectionSpec {
            objective,
            constraints: ConstraintsSpec {
                k: self.k,
                groups: self.groups().into_iter().collect(),
                knapsack: costs.zip(self.budget).map(|(costs, budget)| KnapsackSpec {
                    costs,
                    budget,
                    enumerate: 0,
                }),
                min_distance: None,
                include: self.include.iter().map(|text| item(text)).collect(),
                exclude: self.exclude.iter().map(|text| item(text)).collect(),
                stop_when_gain_at_most: None,
            },
            optimizer: self.optimizer.clone(),
            seed: self.seed,
            deadline_seconds: None,
            on_stop: OnStop::Partial,
        }
    }

    fn groups(&self) -> Option<GroupsSpec> {
        let named = |bounds: &[Bound]| -> BTreeMap<String, u64> {
            bounds.iter().filter_map(|b| Some((b.group.clone()?, b.count))).collect()
        };
        let every = |bounds: &[Bound]| bounds.iter().rfind(|b| b.group.is_none()).map(|b| b.count);
        Some(GroupsSpec {
            column: self.group.clone()?,
            at_least: named(&self.at_least),
            at_most: named(&self.at_most),
            default_at_least: every(&self.at_least).unwrap_or(0),
            default_at_most: every(&self.at_most),
        })
    }
}

/// A row number, or an id.
fn item(text: &str) -> ItemRef {
    text.parse().map_or_else(|_| ItemRef::Id(text.to_owned()), ItemRef::Index)
}

/// On a terminal only: elsewhere nothing is drawn.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = "{msg:12} {wide_bar} {pos}/{len} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Watch for Bar {
    fn progress(&mut self, progress: Progress) {
        self.0.set_message(match progress.phase {
            Phase::Loading => "loading",
            Phase::Similarity => "similarities",
            Phase::Selecting => "selecting",
            Phase::Simulating => "simulating",
        });
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }
    fn save(&mut self, _encode: &dyn Fn() -> Result<Vec<u8>, SelectionError>) {}
}
