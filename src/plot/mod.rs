//! Pictures of what experiments and attributions leave: from a stored result to an SVG document as text.
//!
//! Pure functions: the same result gives the same bytes. A picture has a ground of its own and colours for light pages
//! and for dark ones, refers to nothing outside and runs nothing. Its classes are meant for a document of its own (an
//! address, an `<img>`), not for markup inside another page.

mod axis;
mod bias_study;
mod chart;
mod curves;
mod palette;
mod smoothness;
mod svg;

pub use bias_study::quality;
pub use curves::curves;
pub use smoothness::smoothness;

use crate::jobs::experiment::result::RanRecord;
use std::collections::BTreeMap;

/// What each rule is called, by its place in the request. A name that comes again is counted: "geometric",
/// "geometric (2)".
fn names<'a>(rules: impl Iterator<Item = (u64, &'a str)>) -> BTreeMap<u64, String> {
    let by_place: BTreeMap<u64, &str> = rules.collect();
    let mut seen = BTreeMap::<&str, usize>::new();
    let told = by_place.into_iter().map(|(place, name)| {
        let times = seen.entry(name).and_modify(|times| *times += 1).or_insert(1);
        let told = if *times == 1 { name.to_owned() } else { format!("{name} ({times})") };
        (place, told)
    });
    told.collect()
}

/// How much was made, in a sentence.
fn made(ran: &RanRecord) -> String {
    let repetitions = count(ran.repetitions, "repetition");
    match (ran.complete, ran.repetitions) {
        (true, _) => format!("Means of {repetitions}."),
        (false, 0) => format!("Nothing was measured: the run was stopped ({}).", ran.termination),
        (false, _) => format!("Means of {repetitions}, where the run was stopped ({}).", ran.termination),
    }
}

/// "1 ranking", "12,345 rankings".
fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn long_numbers_are_read_in_groups_of_three() {
        let told = [1, 20, 539, 6451, 18_767_661].map(|number| count(number, "ranking"));
        let expected = ["1 ranking", "20 rankings", "539 rankings", "6,451 rankings", "18,767,661 rankings"];
        assert_eq!(told, expected);
    }
}
