//! The kernels: packed f32 blocks, multiplied and handed to an [`Epilogue`] while they are in cache.

/// What happens to similarities while they are still in cache.
pub trait Epilogue {
    /// `s[t]` is the similarity of represented row `row + t` and the candidate at position `col` of the request.
    fn tile(&mut self, row: usize, col: usize, s: &[f32]);
}
