//! The JSON body of the wire contract, read in one pass into 32-bit floats.

mod body;
mod columns;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;

use super::{Codec, Column, DatasetError, Format, Header, Ids, Kind, Options, RowSink, check_shape};
use crate::dataset::column::ColumnInfo;

use body::{Body, Matrix};

struct Json {
    matrix: Matrix,
    columns: Vec<(String, Column)>,
    ids: Option<Ids>,
}

pub(super) fn read(body: impl Read, options: &Options) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    if options.vectors.is_some() {
        let reason = format!("{} has its vectors in the field of that name", Format::Json);
        return Err(DatasetError::Parameter { parameter: "vectors", reason });
    }
    let Body { kind, vectors, similarity, ids, columns } = body::parse(body)?;
    let kind = match (options.kind, kind) {
        (Some(parameter), Some(body)) if parameter != body => {
            return Err(DatasetError::KindDiffers { parameter, body }.at("/kind"));
        }
        (parameter, body) => parameter.or(body).unwrap_or(Kind::Vectors),
    };
    let (field, matrix, other, stray) = match kind {
        Kind::Vectors => ("/vectors", vectors, "/similarity", similarity),
        Kind::Similarity => ("/similarity", similarity, "/vectors", vectors),
    };
    if stray.is_some() {
        return Err(DatasetError::InvalidField(format!("kind {kind} has no such field")).at(other));
    }
    let missing = || DatasetError::InvalidField(format!("kind {kind} needs this field")).at(field);
    let matrix = matrix.ok_or_else(missing)?;
    let shape = check_shape(kind, matrix.rows as u64, matrix.dim as u64);
    let (rows, dim) = shape.map_err(|error| error.at(field))?;
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
        // The sink's wish to stop is no error, and nothing follows the loop.
        let mut rows = self.matrix.values.chunks_exact(self.matrix.dim).enumerate();
        let _stopped: ControlFlow<()> = rows.try_for_each(|(row, values)| sink(row, values));
        Ok(())
    }

    fn column(&self, name: &str) -> Result<Column, DatasetError> {
        find(&self.columns, name).cloned()
    }

    fn ids(&self) -> Result<Option<Ids>, DatasetError> {
        Ok(self.ids.clone())
    }

    fn reading_bytes(&self) -> u64 {
        let columns = self.columns.iter().map(|(_, column)| column.bytes()).sum::<usize>();
        let ids = self.ids.as_ref().map_or(0, Ids::bytes);
        (self.matrix.values.capacity() * size_of::<f32>() + columns + ids) as u64
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
