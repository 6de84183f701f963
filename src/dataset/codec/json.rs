//! The JSON body of the wire contract, read in one pass into 32-bit floats.

mod body;
mod columns;
mod entries;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;

use super::sparse::Sparse;
use super::{
    Codec, Column, DatasetError, EntrySink, Format, Header, Ids, Kind, Options, RowSink, check_shape,
};
use crate::dataset::column::ColumnInfo;

use body::{Body, Matrix};

struct Json {
    matrix: Values,
    columns: Vec<(String, Column)>,
    ids: Option<Ids>,
}

enum Values {
    Dense(Matrix),
    Sparse(Sparse),
}

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    if options.vectors.is_some() {
        let reason = format!("{} has its vectors in the field of that name", Format::Json);
        return Err(DatasetError::Parameter { parameter: "vectors", reason });
    }
    let Body { kind, vectors, similarity, size, entries, ids, columns } = body::parse(body)?;
    let kind = match (options.kind, kind) {
        (Some(parameter), Some(body)) if parameter != body => {
            return Err(DatasetError::KindDiffers { parameter, body }.at("/kind"));
        }
        (parameter, body) => parameter.or(body).unwrap_or(Kind::Vectors),
    };
    let stray =
        |field: &str| Err(DatasetError::InvalidField(format!("kind {kind} has no such field")).at(field));
    let sparse = entries.first_field().or(size.map(|_| "/n"));
    let (field, matrix) = match (kind, vectors, similarity, sparse) {
        (Kind::Vectors, _, Some(_), _) => return stray("/similarity"),
        (Kind::Vectors, _, None, Some(field)) => return stray(field),
        (Kind::Similarity, Some(_), _, _) => return stray("/vectors"),
        (Kind::Similarity, None, Some(_), Some(field)) => {
            let reason = "give the whole similarity or its entries, not both".into();
            return Err(DatasetError::InvalidField(reason).at(field));
        }
        (Kind::Similarity, None, None, Some(_)) => ("/n", Some(Values::Sparse(entries.into_sparse(size)?))),
        (Kind::Vectors, matrix, None, None) => ("/vectors", matrix.map(Values::Dense)),
        (Kind::Similarity, None, matrix, None) => ("/similarity", matrix.map(Values::Dense)),
    };
    let missing = || DatasetError::InvalidField(format!("kind {kind} needs this field")).at(field);
    let matrix = matrix.ok_or_else(missing)?;
    let (rows, dim) = match &matrix {
        Values::Dense(matrix) => (matrix.rows, matrix.dim),
        Values::Sparse(sparse) => (sparse.size(), sparse.size()),
    };
    let (rows, dim) = check_shape(kind, rows as u64, dim as u64).map_err(|error| error.at(field))?;
    for (name, column) in &columns {
        check_length(rows, column.len(), || body::pointer("/columns", name))?;
    }
    let ids = match (ids, &options.id) {
        (Some(_), Some(_)) => {
            let reason = "the body has ids already".into();
            return Err(DatasetError::Parameter { parameter: "id", reason });
        }
        (Some(ids), None) => {
            check_length(rows, ids.len(), || "/ids".into())?;
            let distinct = Ids::new(ids);
            Some(distinct.map_err(|error| {
                let DatasetError::DuplicateId { row, .. } = error else { return error };
                error.at(format!("/ids/{row}"))
            })?)
        }
        (None, Some(name)) => Some(Ids::from_column(name, find(&columns, name)?.clone())?),
        (None, None) => None,
    };
    let info = |(name, column): &(String, Column)| ColumnInfo { name: name.clone(), kind: column.kind() };
    let header = Header { kind, rows, dim, columns: columns.iter().map(info).collect(), vectors: None };
    Ok((header, Box::new(Json { matrix, columns, ids })))
}

impl Codec for Json {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        match &self.matrix {
            Values::Dense(matrix) => {
                let mut rows = matrix.values.chunks_exact(matrix.dim).enumerate();
                // The sink's wish to stop is no error, and nothing follows the loop.
                let _stopped: ControlFlow<()> = rows.try_for_each(|(row, values)| sink(row, values));
            }
            Values::Sparse(sparse) => sparse.read_rows(sink),
        }
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        match &self.matrix {
            Values::Dense(_) => None,
            Values::Sparse(sparse) => Some(sparse.len()),
        }
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        match &self.matrix {
            Values::Dense(_) => super::read_dense_entries(self, sink),
            Values::Sparse(sparse) => {
                sparse.read_entries(sink);
                Ok(())
            }
        }
    }

    fn check_rows(&self) -> Result<(), DatasetError> {
        // All of it was checked when it was read.
        Ok(())
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        find(&self.columns, name).cloned()
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        find(&self.columns, name).map(drop)
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(self.ids.clone())
    }

    fn ids_bytes(&self) -> u64 {
        self.ids.as_ref().map_or(0, Ids::bytes) as u64
    }

    fn reading_bytes(&self) -> u64 {
        let columns = self.columns.iter().map(|(_, column)| column.bytes()).sum::<usize>();
        let ids = self.ids.as_ref().map_or(0, Ids::bytes);
        let matrix = match &self.matrix {
            Values::Dense(matrix) => (matrix.values.capacity() * size_of::<f32>()) as u64,
            Values::Sparse(sparse) => sparse.bytes(),
        };
        matrix + (columns + ids) as u64
    }

    fn decoded_bytes(&self) -> u64 {
        // It has been decoded.
        0
    }
}

fn find<'a>(columns: &'a [(String, Column)], name: &str) -> Result<&'a Column, DatasetError> {
    columns.iter().find(|(known, _)| known == name).map(|(_, column)| column).ok_or_else(|| {
        let known = columns.iter().map(|(known, _)| known.clone()).collect();
        DatasetError::UnknownColumn { name: name.into(), known }
    })
}

fn check_length(expected: usize, found: usize, pointer: impl FnOnce() -> String) -> Result<(), DatasetError> {
    if expected == found {
        return Ok(());
    }
    Err(DatasetError::ColumnLength { expected, found }.at(pointer()))
}
