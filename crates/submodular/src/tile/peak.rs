//! The yardstick of the benches: what the vector unit does when it need not wait for memory.

use super::{Kernel, Simd, Task};
use std::hint::black_box;

/// Chains that run at once: more than the latency of the unit times the number of its pipes.
const CHAINS: usize = 12;

/// Runs `rounds` fused multiply-adds in each of 12 registers and returns how many floating-point operations that was.
pub fn peak(kernel: Kernel, rounds: u64) -> u64 {
    kernel.run(Peak(rounds))
}

struct Peak(u64);

impl Task for Peak {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) -> u64 {
        let (factor, term) = (simd.splat(black_box(0.999)), simd.splat(black_box(1e-3)));
        let mut chains = [simd.zero(); CHAINS];
        for _ in 0..self.0 {
            for chain in &mut chains {
                *chain = simd.fmadd(*chain, factor, term);
            }
        }
        black_box(chains);
        2 * (CHAINS * S::LANES) as u64 * self.0
    }
}
