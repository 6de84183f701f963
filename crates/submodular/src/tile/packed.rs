//! Rows packed for the kernels: panels of neighbouring rows, coordinate by coordinate.

use super::{Aligned, Kernel};
use crate::{Error, Item};

/// `[panel][coordinate][row of the panel]`, the last panel filled up with zeros.
#[derive(Debug)]
pub(crate) struct Packed {
    kernel: Kernel,
    len: usize,
    dim: usize,
    data: Aligned,
}

impl Packed {
    /// Room for `len` rows of `dim` coordinates, all zero.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the processor lacks the kernel or the system the memory.
    pub(crate) fn zeroed(kernel: Kernel, len: usize, dim: usize) -> Result<Self, Error> {
        if !kernel.is_available() {
            return Err(Error::Parameter {
                name: "kernel",
                reason: format!("this processor has no {}", kernel.name()),
            });
        }
        // Saturation makes an absurd size a refusal of memory.
        let padded = len.div_ceil(kernel.panel()).saturating_mul(kernel.panel());
        Ok(Self { kernel, len, dim, data: Aligned::zeroed(padded.saturating_mul(dim))? })
    }

    pub(crate) fn kernel(&self) -> Kernel {
        self.kernel
    }
    pub(crate) fn len(&self) -> usize {
        self.len
    }
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val::<[f32]>(&self.data) as u64
    }

    /// One panel: `dim` x `panel` floats.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[f32] {
        let size = self.kernel.panel() * self.dim;
        &self.data[panel * size..][..size]
    }

    /// The coordinates of one row, in order.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = f32> + '_ {
        let width = self.kernel.panel();
        self.panel(row / width).iter().skip(row % width).step_by(width).copied()
    }

    /// Writes one row of `dim` coordinates.
    pub(crate) fn write(&mut self, row: usize, coordinates: impl Iterator<Item = f32>) {
        let width = self.kernel.panel();
        let size = width * self.dim;
        let panel = &mut self.data[row / width * size..][..size];
        for (to, x) in panel.iter_mut().skip(row % width).step_by(width).zip(coordinates) {
            *to = x;
        }
    }

    /// Copies of the given rows, bit for bit.
    pub(crate) fn select(&self, rows: &[Item]) -> Self {
        let size = rows.len().next_multiple_of(self.kernel.panel()) * self.dim;
        let mut part = Self { len: rows.len(), data: Aligned::zeroed_or_abort(size), ..*self };
        for (to, &row) in rows.iter().enumerate() {
            part.write(to, self.row(row as usize));
        }
        part
    }

    /// Interleaves at most `N` candidates as `[coordinate][candidate]`.
    #[inline(always)]
    pub(super) fn interleave<const N: usize>(&self, candidates: &[Item], to: &mut [f32]) {
        let width = self.kernel.panel();
        for (c, &item) in candidates.iter().enumerate().take(N) {
            let (panel, lane) = (self.panel(item as usize / width), item as usize % width);
            for (to, from) in to.chunks_exact_mut(N).zip(panel.chunks_exact(width)) {
                to[c] = from[lane];
            }
        }
    }
}
