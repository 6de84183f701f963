//! From a dataset to matrices: vectors are read once and packed for each measure, everything else comes from them.

use super::{Feature, Form, Function, Ground, Plan, Stage};
use crate::dataset::Source;
use crate::jobs::rankings;
use crate::jobs::selection::represented::Represented;
use crate::jobs::selection::run::{Phase, Progress, Stop, Watch};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;
use submodular::committee::Profile;
use submodular::objective::Oracle;
use submodular::similarity::{
    Any, Blocked, FeaturesBuilder, MatrixBuilder, Measure, Points, PointsBuilder, Sparse, Stored,
};
use submodular::tile::Kernel;
use submodular::{Ctl, Item};

/// Rows between two polls.
pub(super) const ROWS: usize = 4096;

/// Reads data and makes functions of it. Vectors are packed once for each measure.
pub(in crate::jobs::selection) struct Loader<'a> {
    pub(super) source: &'a Source,
    kernel: Kernel,
    points: Vec<(Measure, Arc<Points>)>,
    /// Who knows values from outside.
    pub(super) oracle: Option<Arc<dyn Oracle>>,
    /// The rankings, once they have been read.
    profile: Option<Arc<Profile>>,
    /// Seconds spent reading.
    reading: Cell<f64>,
    /// Seconds spent in all.
    pub(super) all: f64,
}

impl<'a> Loader<'a> {
    pub(in crate::jobs::selection) fn new(source: &'a Source, kernel: Kernel) -> Self {
        Self {
            source,
            kernel,
            points: vec![],
            oracle: None,
            profile: None,
            reading: Cell::new(0.0),
            all: 0.0,
        }
    }

    /// With somebody to ask for values from outside.
    pub(in crate::jobs::selection) fn asking(self, oracle: Option<Arc<dyn Oracle>>) -> Self {
        Self { oracle, ..self }
    }

    pub(in crate::jobs::selection) fn source(&self) -> &'a Source {
        self.source
    }

    /// Seconds spent reading data, and computing with it.
    pub(in crate::jobs::selection) fn seconds(&self) -> (f64, f64) {
        (self.reading.get(), self.all - self.reading.get())
    }

    /// What the function looks at; none where that is nothing.
    pub(super) fn ground(
        &mut self,
        function: &Function,
        stage: Stage,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Option<Any>, Stop> {
        let (measure, rows, neighbors) = match &function.ground {
            Ground::Nothing | Ground::Rankings { .. } => return Ok(None),
            Ground::Features(feature) => return Ok(Some(self.features(*feature, ctl, watch)?)),
            Ground::Pairs { measure, rows, neighbors } => (*measure, rows, *neighbors),
        };
        let all = Represented::All;
        let sampled = matches!(rows, Represented::Sample(_));
        let rows = if sampled && stage == Stage::Value { &all } else { rows };
        let Some(measure) = measure else {
            return Ok(Some(if function.plan == Plan::Sparse {
                self.sparse(rows, ctl, watch)?.into()
            } else {
                self.matrix(rows, ctl, watch)?.into()
            }));
        };
        let blocked = self.blocked(measure, rows, ctl, watch)?;
        let total = rows.len(self.source.rows()) as u64;
        Ok(Some(match (function.plan, stage) {
            (Plan::Neighbors, Stage::Search) => {
                watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                let symmetrise = matches!(function.form, Form::GraphCut { .. });
                Sparse::neighbors(&blocked, neighbors.unwrap_or(1), symmetrise, ctl)?.into()
            }
            (Plan::Stored, Stage::Search) => {
                watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                Stored::compute(&blocked, ctl)?.into()
            }
            _ => blocked.into(),
        }))
    }

    /// The dataset's rankings, read once.
    pub(in crate::jobs::selection) fn profile(
        &mut self,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<Profile>, Stop> {
        if let Some(profile) = &self.profile {
            return Ok(profile.clone());
        }
        let start = Instant::now();
        let profile = rankings::profile(self.source, ctl, watch)?;
        self.reading.set(self.reading.get() + start.elapsed().as_secs_f64());
        Ok(self.profile.insert(profile).clone())
    }

    /// The vectors of these items, ascending, one after the other.
    pub(in crate::jobs::selection) fn vectors(
        &self,
        items: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Vec<f32>, Stop> {
        let mut vectors = Vec::with_capacity(items.len() * self.source.dim());
        let mut left = items.iter().peekable();
        self.stream(self.source, ctl, watch, &mut |row, values| {
            if left.next_if(|&&item| item as usize == row).is_some() {
                vectors.extend_from_slice(values);
            }
            Ok(())
        })?;
        Ok(vectors)
    }

    /// Distances of all items, recomputed when they are asked for.
    pub(in crate::jobs::selection) fn distances(
        &mut self,
        ground: &Ground,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Any, Stop> {
        Ok(match ground {
            Ground::Pairs { measure: Some(measure), .. } => {
                self.blocked(*measure, &Represented::All, ctl, watch)?.into()
            }
            Ground::Pairs { measure: None, .. }
            | Ground::Features(_)
            | Ground::Rankings { .. }
            | Ground::Nothing => self.matrix(&Represented::All, ctl, watch)?.into(),
        })
    }

    /// Similarities of a query's or private rows and the items; `rows` is there where the form has such rows.
    pub(super) fn cross(
        &mut self,
        function: &Function,
        rows: Option<&Represented>,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Any, Stop> {
        let (Ground::Pairs { measure, .. }, Some(rows)) = (&function.ground, rows) else {
            return Err(submodular::Error::Unsupported("a function without its rows").into());
        };
        Ok(match measure {
            None => self.matrix(rows, ctl, watch)?.into(),
            Some(measure) => self.blocked(*measure, rows, ctl, watch)?.into(),
        })
    }

    /// The private rows followed by the query's, among themselves and with the items.
    pub(super) fn given(
        &mut self,
        function: &Function,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<(Any, Any), Stop> {
        let sides: Vec<&Represented> = [&function.private, &function.query].into_iter().flatten().collect();
        let Ground::Pairs { measure, .. } = &function.ground else {
            return Err(submodular::Error::Unsupported("a kernel without its pairs").into());
        };
        let Some(measure) = *measure else {
            // Of a matrix they are rows of it, in the order given.
            let rows: Vec<Item> = sides.iter().flat_map(|side| side.rows_of_dataset()).copied().collect();
            let whole = self.matrix(&Represented::All, ctl, watch)?;
            let all: Vec<Item> = (0..self.source.rows() as Item).collect();
            return Ok((whole.part(&rows, &rows).into(), whole.part(&rows, &all).into()));
        };
        let items = self.items(measure, ctl, watch)?;
        let parts: Vec<Arc<Points>> =
            sides.iter().map(|side| self.rows(measure, side, ctl, watch)).collect::<Result<_, _>>()?;
        let identity: Option<Vec<Item>> = sides
            .iter()
            .all(|side| side.is_of_dataset())
            .then(|| sides.iter().flat_map(|side| side.rows_of_dataset()).copied().collect());
        let rows = Arc::new(Points::concat(&parts)?);
        let own = Blocked::new(Arc::clone(&rows));
        Ok((own.into(), Blocked::represented(rows, items, identity)?.into()))
    }

    pub(super) fn items(
        &mut self,
        measure: Measure,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<Points>, Stop> {
        if let Some((_, points)) = self.points.iter().find(|(known, _)| *known == measure) {
            return Ok(Arc::clone(points));
        }
        let points = Arc::new(self.read(measure, self.source, ctl, watch)?.with_gap(ctl)?);
        self.points.push((measure, Arc::clone(&points)));
        Ok(points)
    }

    fn rows(
        &mut self,
        measure: Measure,
        rows: &Represented,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<Points>, Stop> {
        let items = self.items(measure, ctl, watch)?;
        Ok(match rows {
            Represented::All => items,
            Represented::Rows(rows) | Represented::Sample(rows) => Arc::new(items.restrict(rows)),
            Represented::Vectors(vectors) => {
                let mut builder = PointsBuilder::new(self.kernel, measure, vectors.len(), self.source.dim())?;
                vectors.iter().try_for_each(|v| builder.push(v))?;
                Arc::new(builder.finish()?)
            }
            Represented::Dataset(other) => Arc::new(self.read(measure, other, ctl, watch)?),
        })
    }

    fn blocked(
        &mut self,
        measure: Measure,
        rows: &Represented,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Blocked, Stop> {
        let items = self.items(measure, ctl, watch)?;
        if matches!(rows, Represented::All) {
            return Ok(Blocked::new(items));
        }
        let identity = rows.is_of_dataset().then(|| rows.rows_of_dataset().to_vec());
        let rows = self.rows(measure, rows, ctl, watch)?;
        Ok(Blocked::represented(rows, items, identity)?)
    }

    fn read(
        &self,
        measure: Measure,
        source: &Source,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Points, Stop> {
        let mut builder = PointsBuilder::new(self.kernel, measure, source.rows(), source.dim())?;
        self.stream(source, ctl, watch, &mut |_, row| builder.push(row))?;
        Ok(builder.finish()?)
    }

    /// Streams `source` through `take`, polling and reporting on the way.
    fn stream(
        &self,
        source: &Source,
        ctl: &Ctl,
        watch: &mut dyn Watch,
        take: &mut TakeRow<'_>,
    ) -> Result<(), Stop> {
        let (start, total) = (Instant::now(), source.rows() as u64);
        let read = source.for_each_row::<Stop>(&mut |row, values| {
            if row.is_multiple_of(ROWS) {
                ctl.tick(0)?;
                let done = row as u64;
                watch.progress(Progress { phase: Phase::Loading, done, total, ..Progress::default() });
            }
            Ok(take(row, values)?)
        });
        self.reading.set(self.reading.get() + start.elapsed().as_secs_f64());
        read
    }

    /// The dataset's own matrix, or these rows of it.
    fn matrix(&self, rows: &Represented, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Stored, Stop> {
        let n = self.source.rows();
        let mut builder = MatrixBuilder::new(self.kernel, rows.len(n), n)?;
        let kept = rows.rows_of_dataset();
        let every = !rows.is_of_dataset();
        self.stream(self.source, ctl, watch, &mut |row, values| {
            let wanted = every || kept.binary_search(&(row as Item)).is_ok();
            if wanted { builder.push(values) } else { Ok(()) }
        })?;
        Ok(builder.finish()?)
    }

    /// The entries of a sparse matrix, or those of these rows of it.
    fn sparse(&self, rows: &Represented, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Sparse, Stop> {
        let n = self.source.rows();
        let kept = rows.rows_of_dataset();
        let mut entries = vec![];
        watch.progress(Progress { phase: Phase::Loading, total: n as u64, ..Progress::default() });
        let mut read = 0_usize;
        self.source.for_each_entry::<Stop>(&mut |entry| {
            if read.is_multiple_of(ROWS) {
                ctl.tick(0)?;
            }
            read += 1;
            match rows.is_of_dataset() {
                false => entries.push((entry.row, entry.column, entry.value)),
                true => {
                    if let Ok(position) = kept.binary_search(&entry.row) {
                        entries.push((position as u32, entry.column, entry.value));
                    }
                }
            }
            Ok(())
        })?;
        Ok(Sparse::from_entries(rows.len(n), n, entries)?)
    }

    /// Coordinates as features: rows are features, columns items.
    fn features(&self, feature: Feature, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Any, Stop> {
        let mut builder = FeaturesBuilder::new(self.kernel, self.source.dim(), self.source.rows())?;
        let mut column = vec![0.0; self.source.dim()];
        self.stream(self.source, ctl, watch, &mut |row, values| {
            for (index, (to, &x)) in column.iter_mut().zip(values).enumerate() {
                *to = feature.of(x).ok_or_else(|| feature.refusal(row, index, x))?;
            }
            builder.push(&column)
        })?;
        Ok(builder.finish()?.into())
    }
}

impl Feature {
    /// What a coordinate counts for; none where it has no meaning.
    fn of(self, x: f32) -> Option<f32> {
        match self {
            Feature::Nonnegative => (x >= 0.0).then_some(x),
            Feature::Clipped => Some(x.max(0.0)),
            Feature::Probability => (0.0..=1.0).contains(&x).then_some(x),
            Feature::Above(threshold) => Some(if x > threshold { 1.0 } else { 0.0 }),
        }
    }

    fn refusal(self, row: usize, column: usize, x: f32) -> submodular::Error {
        let expected = match self {
            Feature::Probability => "probabilities are from 0 to 1",
            Feature::Nonnegative | Feature::Clipped | Feature::Above(_) => {
                "features are at least 0; \"negative\": \"clip\" counts negative ones as 0"
            }
        };
        submodular::Error::Parameter {
            name: "vectors",
            reason: format!("row {row}, column {column}: {x}; {expected}"),
        }
    }
}

/// Takes a row by its index.
type TakeRow<'a> = dyn FnMut(usize, &[f32]) -> Result<(), submodular::Error> + 'a;
