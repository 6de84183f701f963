//! A selection on the terminal or in a pipe.

use crate::dataset::{Column, ColumnType, Source};
use crate::jobs::selection::result::SelectionResult;
use crate::telemetry::process;
use clap::ValueEnum;
use serde::Serialize;
use std::error::Error;
use std::io::{self, Write};

/// What `fewer select` prints.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Table,
    /// The whole result, as the service gives it.
    Json,
    /// One line a chosen row.
    Csv,
}

/// Widest attribute in the table.
const WIDTH: usize = 32;
/// Attributes in the table.
const COLUMNS: usize = 3;

pub(super) fn json<T: Serialize>(value: &T) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

pub(super) fn result(
    output: Output,
    result: &SelectionResult,
    source: &Source,
    memory_bytes: u64,
) -> Result<(), Box<dyn Error>> {
    match output {
        Output::Json => json(result),
        Output::Csv => csv(result),
        Output::Table => table(result, source, memory_bytes),
    }
}

fn csv(result: &SelectionResult) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "position,index,id,gain,objective_value")?;
    let mut value = result.empty_value;
    for (t, (index, gain)) in result.indices.iter().zip(&result.gains).enumerate() {
        value += gain;
        let id = result.ids.as_ref().map_or("", |ids| ids[t].as_str());
        writeln!(out, "{t},{index},{},{gain},{value}", quoted(id))?;
    }
    Ok(())
}

/// RFC 4180.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn table(result: &SelectionResult, source: &Source, memory_bytes: u64) -> Result<(), Box<dyn Error>> {
    let texts = source.columns().iter().filter(|c| c.kind == ColumnType::String).take(COLUMNS);
    let columns: Vec<(&str, Vec<Option<String>>)> = texts
        .map(|c| match source.column(&c.name)? {
            Column::Strings(values) => Ok((c.name.as_str(), values)),
            Column::Integers(_) | Column::Floats(_) | Column::Booleans(_) => Ok((c.name.as_str(), vec![])),
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let cell = |values: &[Option<String>], row: u32| -> String {
        let text = values.get(row as usize).cloned().flatten().unwrap_or_default();
        text.chars().take(WIDTH).collect()
    };
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, values)| {
            let longest = result.indices.iter().map(|&row| cell(values, row).chars().count()).max();
            longest.unwrap_or(0).max(name.chars().count())
        })
        .collect();

    let mut out = io::stdout().lock();
    write!(out, "{:>5} {:>9} {:>12} {:>14}", "#", "row", "gain", "value")?;
    for ((name, _), width) in columns.iter().zip(&widths) {
        write!(out, "  {name:width$}")?;
    }
    writeln!(out)?;
    let mut value = result.empty_value;
    for (t, (&row, gain)) in result.indices.iter().zip(&result.gains).enumerate() {
        value += gain;
        write!(out, "{:>5} {row:>9} {gain:>12.4} {value:>14.4}", t + 1)?;
        for ((_, values), width) in columns.iter().zip(&widths) {
            write!(out, "  {:width$}", cell(values, row))?;
        }
        writeln!(out)?;
    }
    writeln!(out)?;
    summary(&mut out, result, source.items(), memory_bytes)?;
    Ok(())
}

fn summary(out: &mut impl Write, result: &SelectionResult, rows: usize, memory_bytes: u64) -> io::Result<()> {
    let chosen = result.indices.len();
    writeln!(out, "{chosen} of {rows} rows, value {:.6}, {}", result.objective_value, result.termination)?;
    match (&result.guarantee.statement, &result.guarantee.reason) {
        (Some(statement), _) => writeln!(out, "guarantee    {statement}")?,
        (None, reason) => writeln!(out, "guarantee    none: {}", reason.as_deref().unwrap_or("unknown"))?,
    }
    if let Some(certificate) = &result.certificate {
        let (bound, share) = (certificate.upper_bound, 100.0 * certificate.ratio);
        writeln!(
            out,
            "certificate  no choice is worth more than {bound:.6}: this one has {share:.1} % of that"
        )?;
    }
    if let Some(groups) = &result.groups {
        let mut groups: Vec<(&String, &u64)> = groups.iter().collect();
        groups.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let shown: Vec<String> = groups.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(out, "groups       {}", shown.join(", "))?;
    }
    let times = result.timings_seconds;
    writeln!(
        out,
        "how          {}, {} evaluations, {} similarities, {}, {}",
        result.optimizer, result.evaluations, result.similarity, result.plan, result.kernel
    )?;
    write!(out, "memory       {:.1} MB estimated", memory_bytes as f64 / 1e6)?;
    match process::memory() {
        Some(memory) => {
            writeln!(out, ", {:.1} MB at the peak of this process", memory.peak_bytes as f64 / 1e6)?;
        }
        None => writeln!(out)?,
    }
    writeln!(
        out,
        "seconds      {:.3} loading, {:.3} similarities, {:.3} selecting",
        times.loading, times.similarity, times.selecting
    )?;
    result.warnings.iter().try_for_each(|warning| writeln!(out, "warning      {warning}"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_csv_field_with_separators_is_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }
}
