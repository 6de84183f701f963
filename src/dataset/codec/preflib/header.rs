//! What stands before the orders, in either layout.

use super::LINE_BYTES;
use super::lines::{Lines, Start, number, quoted};
use crate::dataset::codec::positioned::PositionedFile;
use crate::dataset::codec::{Kind, check_shape};
use crate::dataset::error::{DatasetError, RankingError};

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Preamble {
    pub(super) candidates: usize,
    pub(super) voters: u64,
    /// Distinct orders, one a line.
    pub(super) distinct: usize,
    /// What the orders are, where that is told.
    pub(super) orders: Option<Orders>,
    /// Alternatives with a name.
    pub(super) named: u64,
    /// What stands between a count and its order.
    pub(super) separator: char,
    /// The first line behind it.
    pub(super) start: Start,
}

/// A data type of PrefLib.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Orders {
    pub(super) data_type: &'static str,
    /// Every alternative is ranked.
    pub(super) complete: bool,
    /// Nothing is tied.
    pub(super) strict: bool,
}

const DATA_TYPES: [Orders; 4] = [
    Orders { data_type: "soc", complete: true, strict: true },
    Orders { data_type: "soi", complete: false, strict: true },
    Orders { data_type: "toc", complete: true, strict: false },
    Orders { data_type: "toi", complete: false, strict: false },
];

/// Takes the line of a name, the number of its alternative and the name.
type NameSink<'a> = dyn FnMut(u64, u64, &str) -> Result<(), DatasetError> + 'a;

/// Reads the header and hands every name to `take`. O(header).
pub(super) fn read(file: &PositionedFile, take: &mut NameSink<'_>) -> Result<Preamble, DatasetError> {
    let mut lines = Lines::new(file, Lines::FIRST, LINE_BYTES);
    let is_old = loop {
        match lines.next()? {
            Some((_, "")) => {}
            Some((_, text)) => break !text.starts_with('#'),
            None => return Err(DatasetError::EmptyBody),
        }
    };
    let mut lines = Lines::new(file, Lines::FIRST, LINE_BYTES);
    if is_old { read_old(&mut lines, take) } else { read_fields(&mut lines, take) }
}

fn at<T>(line: u64, reason: String) -> Result<T, DatasetError> {
    Err(RankingError::Line(reason).at_line(line).into())
}

/// Lines `# KEY: value`, in any order. Keys that say nothing of the orders are passed over.
fn read_fields(lines: &mut Lines, take: &mut NameSink<'_>) -> Result<Preamble, DatasetError> {
    const COUNTS: [&str; 3] = ["NUMBER ALTERNATIVES", "NUMBER VOTERS", "NUMBER UNIQUE ORDERS"];
    let mut counts = [None; COUNTS.len()];
    let (mut orders, mut named) = (None, 0);
    // Orders may be longer than the lines that are read here: they are looked at by their first byte alone.
    let start = loop {
        let start = lines.start();
        let is_field = matches!(lines.peek()?, Some(b'#' | b'\n' | b'\r'));
        let Some((line, text)) = (if is_field { lines.next()? } else { None }) else { break start };
        let field = text.trim_start_matches('#');
        let Some((key, value)) = field.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        if let Some(which) = COUNTS.iter().position(|known| known.eq_ignore_ascii_case(key)) {
            let Some(count) = number(value).filter(|_| counts[which].is_none()) else {
                return at(line, format!("{key}: {}; expected one number, once", quoted(value)));
            };
            counts[which] = Some(count);
        } else if key.eq_ignore_ascii_case("DATA TYPE") {
            let known = DATA_TYPES.into_iter().find(|known| known.data_type.eq_ignore_ascii_case(value));
            if known.is_none() {
                return at(line, format!("data type {}; soc, soi, toc and toi are read", quoted(value)));
            }
            orders = known;
        } else if let Some(of) = alternative(key) {
            let Some(of) = number(of) else {
                return at(line, format!("{} is no number of an alternative", quoted(of)));
            };
            named += 1;
            take(line, of, value)?;
        }
    };
    let [Some(candidates), Some(voters), Some(distinct)] = counts else {
        let absent = COUNTS.iter().zip(counts).find(|(_, count)| count.is_none());
        let absent = absent.map_or("", |(key, _)| key);
        return at(start.line, format!("the header ends without # {absent}"));
    };
    let (distinct, candidates) = check_shape(Kind::Rankings, distinct, candidates)?;
    Ok(Preamble { candidates, voters, distinct, orders, named, separator: ':', start })
}

/// What follows `ALTERNATIVE NAME` in a key.
fn alternative(key: &str) -> Option<&str> {
    const NAME: &str = "ALTERNATIVE NAME";
    let (name, of) = key.split_at_checked(NAME.len())?;
    name.eq_ignore_ascii_case(NAME).then(|| of.trim())
}

/// The layout of before 2022.
fn read_old(lines: &mut Lines, take: &mut NameSink<'_>) -> Result<Preamble, DatasetError> {
    let (line, text) = some(lines)?;
    let Some(candidates) = number(text) else {
        return at(line, format!("{} is no number of alternatives, and no header", quoted(text)));
    };
    // Before as many names are looked for.
    check_shape(Kind::Rankings, 1, candidates)?;
    for _ in 0..candidates {
        let (line, text) = some(lines)?;
        let named = text.split_once(',').and_then(|(of, name)| Some((number(of.trim())?, name.trim())));
        let Some((of, name)) = named else {
            return at(line, format!("{} is no number and name of an alternative", quoted(text)));
        };
        take(line, of, name)?;
    }
    let (line, text) = some(lines)?;
    let counts: Option<Vec<u64>> = text.split(',').map(|count| number(count.trim())).collect();
    let Some(&[_, voters, distinct]) = counts.as_deref() else {
        return at(line, format!("{} is no voters,sum of counts,distinct orders", quoted(text)));
    };
    let start = lines.start();
    let (distinct, dim) = check_shape(Kind::Rankings, distinct, candidates)?;
    let named = candidates;
    Ok(Preamble { candidates: dim, voters, distinct, orders: None, named, separator: ',', start })
}

/// The next line that is not blank.
fn some(lines: &mut Lines) -> Result<(u64, &str), DatasetError> {
    while matches!(lines.peek()?, Some(b'\n' | b'\r')) {
        lines.next()?;
    }
    let line = lines.start().line;
    match lines.next()? {
        Some(found) => Ok(found),
        None => at(line, "the file ends inside its header".into()),
    }
}
