//! PrefLib's text of orders: a header, and one line for each distinct order with the number of voters who gave it.
//!
//! Format: <https://preflib.github.io/PrefLib-Jekyll/format>. Its data types are `soc` and `soi`, strict orders that are
//! complete or not, and `toc` and `toi`, orders with ties. The layout of before 2022 is read too: the number of
//! alternatives, a line `number,name` for each of them, a line `voters,sum of counts,distinct orders`, and orders after a
//! comma instead of a colon. Files are read line by line.

mod header;
mod lines;

#[cfg(test)]
mod tests;

use super::ballot::{Ballot, RankingSink};
use super::positioned::PositionedFile;
use super::{Codec, Column, DatasetError, Format, Header, Ids, Kind, Options, refuse_column_parameters};
use crate::dataset::error::RankingError;
use header::{Orders, Preamble};
use lines::{Lines, quoted};

/// Longest line that is read beside its candidates, which is room for any name.
const LINE_BYTES: u64 = 64 << 10;
/// What a candidate takes of a line: eight digits, a comma, braces and blanks.
const CANDIDATE_BYTES: u64 = 16;

const EXPECTED: &str = "numbers of alternatives between commas, those of a tie in braces";

struct Preflib {
    file: PositionedFile,
    preamble: Preamble,
}

pub(super) fn open(
    file: PositionedFile,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    refuse_column_parameters(Format::Preflib, options)?;
    if let Some(kind @ (Kind::Vectors | Kind::Similarity)) = options.kind {
        let reason = format!("{} holds rankings, not {kind}", Format::Preflib);
        return Err(DatasetError::Parameter { parameter: "kind", reason });
    }
    let preamble = header::read(&file, &mut |_, _, _| Ok(()))?;
    let (rows, dim) = (preamble.distinct, preamble.candidates);
    let header = Header { kind: Kind::Rankings, rows, dim, columns: Vec::new(), vectors: None };
    Ok((header, Box::new(Preflib { file, preamble })))
}

impl Preflib {
    fn longest_line(&self) -> u64 {
        LINE_BYTES + CANDIDATE_BYTES * self.preamble.candidates as u64
    }

    /// Puts an order on the ballot; gives how many voters have it.
    fn order(&self, text: &str, voter: usize, ballot: &mut Ballot) -> Result<u64, RankingError> {
        let Preamble { separator, candidates, orders, .. } = self.preamble;
        let Some((count, order)) = text.split_once(separator) else {
            return Err(RankingError::Line(format!("{} is no count and order", quoted(text))));
        };
        let count = lines::number(count.trim()).filter(|count| *count > 0);
        let count = count.ok_or_else(|| {
            RankingError::Line(format!("{} begins with no number of voters of at least 1", quoted(text)))
        })?;
        ballot.begin(voter);
        if order.trim().is_empty() {
            return Err(RankingError::EmptyRanking { voter });
        }
        read_order(order, voter, ballot)?;
        let ranking = ballot.finish(1.0)?;
        if let Some(Orders { data_type, complete, strict }) = orders {
            if strict && ranking.ends.is_some() {
                return Err(RankingError::Tied { voter, data_type });
            }
            let found = ranking.items.len();
            if complete && found < candidates {
                return Err(RankingError::Incomplete { voter, found, candidates, data_type });
            }
        }
        Ok(count)
    }
}

/// Alternatives between commas, those of a tie in braces, without recursion: a tie holds no tie.
fn read_order(order: &str, voter: usize, ballot: &mut Ballot) -> Result<(), RankingError> {
    /// Outside of a tie, before its first alternative, or behind one.
    enum Tie {
        None,
        Opened,
        Begun,
    }
    let mut tie = Tie::None;
    for entry in order.split(',').map(str::trim) {
        let position = match tie {
            Tie::None | Tie::Opened => ballot.position(),
            Tie::Begun => ballot.position().saturating_sub(1),
        };
        let wrong =
            || RankingError::NotACandidate { voter, position, found: quoted(entry), expected: EXPECTED };
        let inner = match (entry.strip_prefix('{'), &tie) {
            (None, _) => entry,
            (Some(inner), Tie::None) => {
                tie = Tie::Opened;
                inner
            }
            (Some(_), Tie::Opened | Tie::Begun) => return Err(wrong()),
        };
        let (inner, closes) = inner.strip_suffix('}').map_or((inner, false), |inner| (inner, true));
        let inner = inner.trim();
        if inner.is_empty() && closes && matches!(tie, Tie::Opened) {
            return Err(RankingError::EmptyTie { voter, position });
        }
        let number = lines::index(inner).ok_or_else(wrong)?;
        match tie {
            Tie::None if closes => return Err(wrong()),
            Tie::None => ballot.place(number)?,
            Tie::Opened => {
                ballot.place(number)?;
                tie = Tie::Begun;
            }
            Tie::Begun => ballot.tie(number)?,
        }
        if closes {
            tie = Tie::None;
        }
    }
    match tie {
        Tie::None => Ok(()),
        Tie::Opened | Tie::Begun => Err(RankingError::NotACandidate {
            voter,
            position: ballot.position().saturating_sub(1),
            found: "a tie without its closing brace".into(),
            expected: EXPECTED,
        }),
    }
}

impl Codec for Preflib {
    fn read_rankings(&self, sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        let Preamble { voters, distinct, candidates, start, .. } = self.preamble;
        let mut lines = Lines::new(&self.file, start, self.longest_line());
        let mut ballot = Ballot::new(candidates, 1);
        let (mut read, mut counted) = (0_usize, 0_u64);
        let too = |what, expected, found, line| -> Result<(), DatasetError> {
            Err(RankingError::Count { what, expected, found }.at_line(line).into())
        };
        let mut last = start.line;
        while let Some((line, text)) = lines.next()? {
            if text.is_empty() {
                continue;
            }
            last = line;
            if read == distinct {
                return too("distinct orders or more", distinct as u64, read as u64 + 1, line);
            }
            let count = self.order(text, read, &mut ballot).map_err(|error| error.at_line(line))?;
            read += 1;
            counted = counted.saturating_add(count);
            if counted > voters {
                return too("voters or more", voters, counted, line);
            }
            if sink(ballot.finish(count as f64)?).is_break() {
                return Ok(());
            }
        }
        if read < distinct {
            return too("distinct orders", distinct as u64, read as u64, last);
        }
        if counted < voters {
            return too("voters", voters, counted, last);
        }
        Ok(())
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        self.column(name, 0).map(drop)
    }

    fn ids(&self, held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        let Preamble { candidates, named, .. } = self.preamble;
        if named == 0 {
            return Ok(None);
        }
        let mut bytes = self.ids_bytes();
        let too_large = |bytes| DatasetError::ColumnTooLarge {
            name: "ALTERNATIVE NAME".into(),
            bytes,
            limit: held_bytes,
        };
        if bytes > held_bytes {
            return Err(too_large(bytes));
        }
        let mut names: Vec<Option<String>> = vec![None; candidates];
        header::read(&self.file, &mut |line, number, name| {
            bytes += name.len() as u64;
            if bytes > held_bytes {
                return Err(too_large(bytes));
            }
            let wrong = |reason: String| Err(RankingError::Line(reason).at_line(line).into());
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            match place.and_then(|place| names.get_mut(place)) {
                None => wrong(format!("alternative {number}; expected 1 to {candidates}")),
                Some(Some(_)) => wrong(format!("alternative {number} has a name already")),
                Some(free) => {
                    *free = Some(name.to_owned());
                    Ok(())
                }
            }
        })?;
        if let Some(place) = names.iter().position(Option::is_none) {
            let reason = format!("alternative {} has no name, where others have one", place + 1);
            return Err(RankingError::Line(reason).at_line(self.preamble.start.line).into());
        }
        Ids::new(names.into_iter().flatten().collect()).map(Some)
    }

    fn ids_bytes(&self) -> u64 {
        if self.preamble.named == 0 { 0 } else { (self.preamble.candidates * Ids::ROW_BYTES) as u64 }
    }

    fn reading_bytes(&self) -> u64 {
        self.longest_line().min(self.file.bytes()) + Ballot::bytes(self.preamble.candidates)
    }

    fn decoded_bytes(&self) -> u64 {
        // Nothing is packed: the file has them all.
        0
    }
}
