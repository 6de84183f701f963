//! What the kernels need of a vector unit. A value of an implementing type is proof that the processor has it.
#![expect(unsafe_code, reason = "vector instructions")]

/// A vector unit for f32.
pub(crate) trait Simd: Copy {
    /// One register.
    type Vector: Copy;
    /// Floats in a register.
    const LANES: usize;
    /// All lanes 0.
    fn zero(self) -> Self::Vector;
    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::Vector;
    /// The first lanes of `from`; panics when there are too few.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// Writes the first lanes of `to`; panics when there are too few.
    fn store(self, x: Self::Vector, to: &mut [f32]);
    /// `a * b + c`.
    fn fmadd(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// Plain arrays, for any processor. Fused only where that is an instruction and not a library call.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type Vector = [f32; 4];
    const LANES: usize = 4;
    #[inline(always)]
    fn zero(self) -> [f32; 4] {
        [0.0; 4]
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; 4] {
        [from[0], from[1], from[2], from[3]]
    }
    #[inline(always)]
    fn store(self, x: [f32; 4], to: &mut [f32]) {
        to[..4].copy_from_slice(&x);
    }
    #[inline(always)]
    fn fmadd(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| {
            if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
                a[i].mul_add(b[i], c[i])
            } else {
                a[i] * b[i] + c[i]
            }
        })
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    macro_rules! unit {
        ($(#[$doc:meta])* $name:ident, $vector:ty, $lanes:literal, [$($feature:tt),*],
         $zero:ident, $splat:ident, $load:ident, $store:ident, $fmadd:ident) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(crate) struct $name(());

            impl $name {
                /// The unit, where the processor and the system have it.
                pub(crate) fn detect() -> Option<Self> {
                    ($(is_x86_feature_detected!($feature))&&*).then_some(Self(()))
                }
            }

            impl Simd for $name {
                type Vector = $vector;
                const LANES: usize = $lanes;
                #[inline(always)]
                fn zero(self) -> $vector {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { $zero() }
                }
                #[inline(always)]
                fn splat(self, x: f32) -> $vector {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                fn load(self, from: &[f32]) -> $vector {
                    let from = &from[..$lanes];
                    // SAFETY: `self` exists, so `detect` found the feature; `from` holds all lanes, at any alignment.
                    unsafe { $load(from.as_ptr()) }
                }
                #[inline(always)]
                fn store(self, x: $vector, to: &mut [f32]) {
                    let to = &mut to[..$lanes];
                    // SAFETY: `self` exists, so `detect` found the feature; `to` holds all lanes, at any alignment.
                    unsafe { $store(to.as_mut_ptr(), x) }
                }
                #[inline(always)]
                fn fmadd(self, a: $vector, b: $vector, c: $vector) -> $vector {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { $fmadd(a, b, c) }
                }
            }
        };
    }

    unit!(
        /// 256-bit registers with fused multiply-add.
        Avx2, __m256, 8, ["avx2", "fma"],
        _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps
    );
    unit!(
        /// 512-bit registers.
        Avx512, __m512, 16, ["avx512f", "avx512dq", "avx512bw", "avx512vl", "avx2", "fma"],
        _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps
    );
}
