//! The kernels: packed f32 blocks, multiplied and handed to an [`Epilogue`] while they are in cache.
//!
//! Every similarity is one chain of fused multiply-adds over the coordinates in order, so its bits depend on neither
//! the tile, the batch nor the thread, and `s_ij = s_ji`. The vector kernels are one generic function compiled for
//! each vector width, so they agree with each other bit for bit; the portable kernel rounds after each product too.
//! All unsafe code of the crate is in this module.

mod aligned;
mod epilogue;
mod kernel;
mod packed;
mod peak;
mod simd;
mod sweep;
mod transform;
mod transpose;

pub use epilogue::{Cover, Lanes, RowSums, Store, Summing, Terms, TopM, above};
pub use kernel::Kernel;
pub use peak::peak;

pub(crate) use aligned::Aligned;
pub(crate) use kernel::Task;
pub(crate) use packed::Packed;
pub(crate) use simd::Simd;
pub(crate) use sweep::{Identity, Sweep, sweep_bytes};
pub(crate) use transform::Transform;
pub(crate) use transpose::transpose;

/// What happens to similarities while they are still in cache.
///
/// Implementations mark `tile` with `#[inline(always)]`: it is then compiled inside the kernel, with the kernel's
/// vector instructions.
pub trait Epilogue {
    /// `s[t]` is the similarity of represented row `row + t` and the candidate at position `col` of the request.
    /// Pairs that are never handed over have the similarity 0.
    fn tile(&mut self, row: usize, col: usize, s: &[f32]);
}
