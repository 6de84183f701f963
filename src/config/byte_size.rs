//! A number of bytes as people write it.

use std::fmt;
use std::str::FromStr;

/// Bytes: `1048576`, `512KiB`, `1MiB`, `16GiB`, `1TiB`, or decimal `300MB`, `12GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit: u64 = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            unit => return Err(format!("unknown unit {unit:?}: use KiB, MiB, GiB, TiB, kB, MB, GB or TB")),
        };
        let number: u64 = digits.parse().map_err(|_| format!("{text:?} is not a number of bytes"))?;
        number.checked_mul(unit).map(Self).ok_or_else(|| format!("{text} is beyond 64 bits"))
    }
}

impl fmt::Display for ByteSize {
    /// In the largest binary unit that divides it, unless that is a number nobody can read either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units
            .into_iter()
            .find(|&(bits, _)| self.0 != 0 && self.0.trailing_zeros() >= bits && self.0 >> bits < 10_000)
        {
            Some((bits, unit)) => write!(f, "{}{unit}", self.0 >> bits),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        for (text, bytes) in [("0", 0), ("1048576", 1 << 20), ("32 MiB", 32 << 20), ("16GiB", 16 << 30)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
            assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)), "{text}");
        }
        assert_eq!(
            (ByteSize(16 << 30).to_string(), ByteSize(1_000).to_string()),
            ("16GiB".into(), "1000".into())
        );
        for text in ["", "GiB", "1XB", "-1", "1.5GiB", "18446744073709551615KiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
