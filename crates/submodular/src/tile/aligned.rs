//! Memory for vectors: zeroed, aligned to cache lines, and touched only where it is used.
#![expect(unsafe_code, reason = "zeroed memory that the system has not yet backed with pages")]

use crate::Error;
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ops::{Deref, DerefMut};

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;

/// Asks for huge pages where `values` covers some: a matrix is then written with 512 times fewer page faults and read
/// a third faster.
#[cfg(target_os = "linux")]
fn advise_huge_pages(values: &mut [f32]) {
    use rustix::mm::{Advice, madvise};
    let bytes = size_of_val(values);
    let skip = values.as_ptr().cast::<u8>().align_offset(HUGE);
    let whole = bytes.saturating_sub(skip) / HUGE * HUGE;
    if whole > 0 {
        let first = values.as_mut_ptr().cast::<u8>().wrapping_add(skip);
        // A system without huge pages refuses the advice, and loses only the speed.
        // SAFETY: the pages lie within `values`, and this advice changes no content.
        let _ = unsafe { madvise(first.cast(), whole, Advice::LinuxHugepage) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_values: &mut [f32]) {}

/// Floats in a cache line.
const LINE: usize = 16;

/// A fixed number of floats that starts on a cache line.
#[derive(Debug)]
pub(crate) struct Aligned {
    values: Vec<f32>,
    start: usize,
}

impl Aligned {
    /// `len` zeros. Pages are backed by the system when they are first written, by whichever thread does so.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the system refuses that much memory.
    pub(crate) fn zeroed(len: usize) -> Result<Self, Error> {
        let refused = || Error::Parameter {
            name: "memory",
            reason: format!("the system refused room for {len} numbers of 4 bytes"),
        };
        let padded = len.checked_add(LINE).ok_or_else(refused)?;
        let layout = Layout::array::<f32>(padded).map_err(|_| refused())?;
        // SAFETY: the layout is not empty, as `padded` is at least LINE.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<f32>();
        if memory.is_null() {
            return Err(refused());
        }
        // SAFETY: the global allocator gave `memory` for exactly this layout, and all-zero bytes are the float 0.
        let mut values = unsafe { Vec::from_raw_parts(memory, padded, padded) };
        let start = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        values.truncate(start + len);
        advise_huge_pages(&mut values);
        Ok(Self { values, start })
    }

    /// As [`zeroed`](Self::zeroed), for scratch and parts: out of memory ends the process, as it does for a `Vec`.
    pub(crate) fn zeroed_or_abort(len: usize) -> Self {
        Self::zeroed(len).unwrap_or_else(|_| handle_alloc_error(Layout::new::<f32>()))
    }
}

impl Deref for Aligned {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values[self.start..]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..]
    }
}
