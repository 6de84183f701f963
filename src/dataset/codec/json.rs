//! The JSON body of the wire contract, read in one pass into 32-bit floats.

mod beside;
mod body;
mod columns;
mod entries;
mod rankings;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;

use super::ballot::RankingSink;
use super::sparse::Sparse;
use super::{
    Codec, Column, DatasetError, EntrySink, Format, Header, Ids, Kind, Options, RowSink, check_shape,
};

pub(super) use beside::Beside;
use body::{Body, Matrix};
use rankings::Rankings;

struct Json {
    values: Values,
    beside: Beside,
}

enum Values {
    Dense(Matrix),
    Sparse(Sparse),
    Rankings(Rankings),
}

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    if options.vectors.is_some() {
        let reason = format!("{} has its vectors in the field of that name", Format::Json);
        return Err(DatasetError::Parameter { parameter: "vectors", reason });
    }
    let body = body::parse(body)?;
    let kind = match (options.kind, body.kind) {
        (Some(parameter), Some(body)) if parameter != body => {
            return Err(DatasetError::KindDiffers { parameter, body }.at("/kind"));
        }
        (parameter, body) => parameter.or(body).unwrap_or(Kind::Vectors),
    };
    refuse_strays(kind, &body)?;
    let json = match kind {
        Kind::Rankings => rankings_of(body, options)?,
        Kind::Vectors | Kind::Similarity => matrix_of(kind, body, options)?,
    };
    let (rows, dim) = json.values.shape();
    let header = Header { kind, rows, dim, columns: json.beside.columns(), vectors: None };
    Ok((header, Box::new(json)))
}

impl Values {
    /// Rows and values per row, or voters and candidates.
    fn shape(&self) -> (usize, usize) {
        match self {
            Self::Dense(matrix) => (matrix.rows, matrix.dim),
            Self::Sparse(sparse) => (sparse.size(), sparse.size()),
            Self::Rankings(rankings) => (rankings.voters(), rankings.candidates()),
        }
    }
}

/// Refuses fields of other kinds.
fn refuse_strays(kind: Kind, body: &Body) -> Result<(), DatasetError> {
    let sparse = body.entries.first_field().or(body.size.map(|_| "/n"));
    let of_rankings = [
        body.rankings.as_ref().map(|_| "/rankings"),
        body.candidates.as_ref().map(|_| "/candidates"),
        body.weights.as_ref().map(|_| "/weights"),
    ];
    let of_similarity = body.similarity.as_ref().map(|_| "/similarity");
    let of_vectors = body.vectors.as_ref().map(|_| "/vectors");
    let stray = match kind {
        Kind::Vectors => of_similarity.or(sparse).or(of_rankings.into_iter().flatten().next()),
        Kind::Similarity => of_vectors.or(of_rankings.into_iter().flatten().next()),
        // The candidates are the ids.
        Kind::Rankings => of_vectors.or(of_similarity).or(sparse).or(body.ids.as_ref().map(|_| "/ids")),
    };
    match stray {
        Some(field) => Err(DatasetError::InvalidField(format!("kind {kind} has no such field")).at(field)),
        None => Ok(()),
    }
}

fn missing(kind: Kind, field: &str) -> DatasetError {
    DatasetError::InvalidField(format!("kind {kind} needs this field")).at(field)
}

fn matrix_of(kind: Kind, body: Body, options: &Options) -> Result<Json, DatasetError> {
    let Body { vectors, similarity, size, entries, ids, columns, .. } = body;
    let sparse = entries.first_field().or(size.map(|_| "/n"));
    let (field, values) = match (vectors, similarity, sparse) {
        (_, Some(_), Some(field)) => {
            let reason = "give the whole similarity or its entries, not both".into();
            return Err(DatasetError::InvalidField(reason).at(field));
        }
        (_, None, Some(_)) => ("/n", Values::Sparse(entries.into_sparse(size)?)),
        (_, Some(matrix), None) => ("/similarity", Values::Dense(matrix)),
        (Some(matrix), None, None) => ("/vectors", Values::Dense(matrix)),
        (None, None, None) if kind == Kind::Similarity => return Err(missing(kind, "/similarity")),
        (None, None, None) => return Err(missing(kind, "/vectors")),
    };
    let (rows, dim) = values.shape();
    let (rows, _) = check_shape(kind, rows as u64, dim as u64).map_err(|error| error.at(field))?;
    Ok(Json { values, beside: Beside::new(rows, columns, ids, "/ids", options)? })
}

fn rankings_of(body: Body, options: &Options) -> Result<Json, DatasetError> {
    let Body { rankings, candidates, weights, columns, .. } = body;
    let given = rankings.ok_or_else(|| missing(Kind::Rankings, "/rankings"))?;
    // Without a list of them, candidates are known by being ranked.
    let count = candidates.as_ref().map_or_else(|| given.fewest_candidates(), Vec::len);
    let beside = Beside::new(count, columns, candidates, "/candidates", options)?;
    let rankings = given.check(count, beside.ids(), weights)?;
    Ok(Json { values: Values::Rankings(rankings), beside })
}

impl Codec for Json {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        match &self.values {
            Values::Dense(matrix) => {
                let mut rows = matrix.values.chunks_exact(matrix.dim).enumerate();
                // The sink's wish to stop is no error, and nothing follows the loop.
                let _stopped: ControlFlow<()> = rows.try_for_each(|(row, values)| sink(row, values));
            }
            Values::Sparse(sparse) => sparse.read_rows(sink),
            Values::Rankings(_) => {
                return Err(DatasetError::OtherKind { kind: Kind::Rankings, wanted: "rows of numbers" });
            }
        }
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        match &self.values {
            Values::Dense(_) | Values::Rankings(_) => None,
            Values::Sparse(sparse) => Some(sparse.len()),
        }
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        match &self.values {
            Values::Dense(_) | Values::Rankings(_) => super::read_dense_entries(self, sink),
            Values::Sparse(sparse) => {
                sparse.read_entries(sink);
                Ok(())
            }
        }
    }

    fn read_rankings(&self, sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        match &self.values {
            Values::Rankings(rankings) => rankings.each(sink),
            Values::Dense(_) | Values::Sparse(_) => {
                Err(DatasetError::OtherKind { kind: Kind::Vectors, wanted: "rankings" })
            }
        }
    }

    fn check_rows(&self) -> Result<(), DatasetError> {
        // All of it was checked when it was read.
        Ok(())
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        self.beside.column(name).cloned()
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        self.beside.column(name).map(drop)
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(self.beside.ids().cloned())
    }

    fn ids_bytes(&self) -> u64 {
        self.beside.ids_bytes()
    }

    fn reading_bytes(&self) -> u64 {
        let values = match &self.values {
            Values::Dense(matrix) => (matrix.values.capacity() * size_of::<f32>()) as u64,
            Values::Sparse(sparse) => sparse.bytes(),
            Values::Rankings(rankings) => rankings.bytes(),
        };
        values + self.beside.bytes()
    }

    fn decoded_bytes(&self) -> u64 {
        // It has been decoded.
        0
    }
}
