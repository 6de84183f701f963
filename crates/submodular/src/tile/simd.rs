//! What the kernels need of a vector unit. A value of an implementing type is proof that the processor has it.
#![expect(unsafe_code, reason = "vector instructions")]

/// A vector unit for f32, and for f64 in twice as many registers.
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

    /// One register of f64: half as many lanes.
    type Wide: Copy;
    /// All lanes 0.
    fn wide_zero(self) -> Self::Wide;
    /// All lanes `x`.
    fn wide_splat(self, x: f64) -> Self::Wide;
    /// Writes the first lanes of `to`; panics when there are too few.
    fn wide_store(self, x: Self::Wide, to: &mut [f64]);
    /// The lower and the upper half in f64.
    fn widen(self, x: Self::Vector) -> [Self::Wide; 2];
    /// `(a - b)^2 + c`.
    fn add_square(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide;
}

/// Whether the compiler may use fused multiply-adds everywhere: else they would be library calls.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Plain arrays, for any processor.
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
        std::array::from_fn(|i| if FUSED { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }

    type Wide = [f64; 2];
    #[inline(always)]
    fn wide_zero(self) -> [f64; 2] {
        [0.0; 2]
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> [f64; 2] {
        [x; 2]
    }
    #[inline(always)]
    fn wide_store(self, x: [f64; 2], to: &mut [f64]) {
        to[..2].copy_from_slice(&x);
    }
    #[inline(always)]
    fn widen(self, x: [f32; 4]) -> [[f64; 2]; 2] {
        let [a, b, c, d] = x.map(f64::from);
        [[a, b], [c, d]]
    }
    #[inline(always)]
    fn add_square(self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|i| {
            let gap = a[i] - b[i];
            if FUSED { gap.mul_add(gap, c[i]) } else { gap * gap + c[i] }
        })
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    macro_rules! unit {
        ($(#[$doc:meta])* $name:ident, $vector:ty, $lanes:literal, [$($feature:tt),*],
         $zero:ident, $splat:ident, $load:ident, $store:ident, $fmadd:ident, $wide:ty, $wide_zero:ident,
         $wide_splat:ident, $wide_store:ident, $wide_sub:ident, $wide_fmadd:ident,
         $widen:ident, $lower:ident, $upper:ident) => {
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

                type Wide = $wide;
                #[inline(always)]
                fn wide_zero(self) -> $wide {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { $wide_zero() }
                }
                #[inline(always)]
                fn wide_splat(self, x: f64) -> $wide {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { $wide_splat(x) }
                }
                #[inline(always)]
                fn wide_store(self, x: $wide, to: &mut [f64]) {
                    let to = &mut to[..$lanes / 2];
                    // SAFETY: `self` exists, so `detect` found the feature; `to` holds all lanes, at any alignment.
                    unsafe { $wide_store(to.as_mut_ptr(), x) }
                }
                #[inline(always)]
                fn widen(self, x: $vector) -> [$wide; 2] {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe { [$widen($lower(x)), $widen($upper::<1>(x))] }
                }
                #[inline(always)]
                fn add_square(self, a: $wide, b: $wide, c: $wide) -> $wide {
                    // SAFETY: `self` exists, so `detect` found the feature.
                    unsafe {
                        let gap = $wide_sub(a, b);
                        $wide_fmadd(gap, gap, c)
                    }
                }
            }
        };
    }

    unit!(
        /// 256-bit registers with fused multiply-add.
        Avx2, __m256, 8, ["avx2", "fma"],
        _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps,
        __m256d, _mm256_setzero_pd, _mm256_set1_pd, _mm256_storeu_pd, _mm256_sub_pd, _mm256_fmadd_pd,
        _mm256_cvtps_pd, _mm256_castps256_ps128, _mm256_extractf128_ps
    );
    unit!(
        /// 512-bit registers.
        Avx512, __m512, 16, ["avx512f", "avx512dq", "avx512bw", "avx512vl", "avx2", "fma"],
        _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps,
        __m512d, _mm512_setzero_pd, _mm512_set1_pd, _mm512_storeu_pd, _mm512_sub_pd, _mm512_fmadd_pd,
        _mm512_cvtps_pd, _mm512_castps512_ps256, _mm512_extractf32x8_ps
    );
}
