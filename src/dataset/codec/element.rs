//! Floats of three widths, narrowed or widened to the 32 bits that are kept.

use half::f16;

use crate::dataset::error::DatasetError;

/// A floating-point type that files hold.
pub(super) trait Element: Copy {
    /// Bytes of one value.
    const SIZE: usize;
    /// Decodes `SIZE` bytes.
    fn decode(bytes: &[u8], big_endian: bool) -> Self;
    /// Rounds to nearest; what is too large becomes infinite.
    fn narrow(self) -> f32;
    /// Exact.
    fn widen(self) -> f64;
}

macro_rules! element {
    ($float:ty, $narrow:expr, $widen:expr) => {
        impl Element for $float {
            const SIZE: usize = size_of::<Self>();
            fn decode(bytes: &[u8], big_endian: bool) -> Self {
                let mut exact = [0; Self::SIZE];
                exact.copy_from_slice(bytes);
                if big_endian { Self::from_be_bytes(exact) } else { Self::from_le_bytes(exact) }
            }
            fn narrow(self) -> f32 {
                $narrow(self)
            }
            fn widen(self) -> f64 {
                $widen(self)
            }
        }
    };
}

element!(f16, f16::to_f32, f16::to_f64);
element!(f32, std::convert::identity, f64::from);
element!(f64, |value| value as f32, std::convert::identity);

/// Replaces `out` by one row of 32-bit floats.
///
/// # Errors
/// [`DatasetError::NotFinite`] with the first column that is not, or no longer, finite.
pub(super) fn narrow_row<T: Element>(
    row: usize,
    values: &[T],
    out: &mut Vec<f32>,
) -> Result<(), DatasetError> {
    out.clear();
    out.extend(values.iter().map(|value| value.narrow()));
    match out.iter().position(|value| !value.is_finite()) {
        Some(column) => Err(DatasetError::NotFinite { row, column, value: values[column].widen() }),
        None => Ok(()),
    }
}
