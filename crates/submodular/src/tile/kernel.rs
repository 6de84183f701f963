//! Which vector unit to use, and the one place where code is compiled for it.
#![expect(unsafe_code, reason = "calls of functions compiled for a vector unit")]

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};
use crate::Error;
use std::str::FromStr;

/// The vector unit that computes similarities. AVX2 and AVX-512 give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Any processor.
    Portable,
    /// x86-64 with AVX2 and FMA: 16 rows by 6 candidates in registers.
    Avx2,
    /// x86-64 with AVX-512 (F, DQ, BW, VL): 32 rows by 14 candidates in registers.
    Avx512,
}

impl Kernel {
    /// The best kernel that this processor has.
    pub fn detect() -> Self {
        [Kernel::Avx512, Kernel::Avx2]
            .into_iter()
            .find(|kernel| kernel.is_available())
            .unwrap_or(Kernel::Portable)
    }

    /// Every kernel that this processor has, the best last.
    pub fn available() -> Vec<Self> {
        [Kernel::Portable, Kernel::Avx2, Kernel::Avx512]
            .into_iter()
            .filter(|kernel| kernel.is_available())
            .collect()
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => false,
        }
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            Kernel::Avx2 => "avx2",
            Kernel::Avx512 => "avx512",
        }
    }

    /// Rows in a panel of packed points: two registers.
    pub(crate) fn panel(self) -> usize {
        match self {
            Kernel::Portable => 8,
            Kernel::Avx2 => 16,
            Kernel::Avx512 => 32,
        }
    }

    /// Runs `task`, compiled for this vector unit. Panics where [`is_available`](Self::is_available) is false: points
    /// for such a kernel cannot be built.
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        #[cfg(target_arch = "x86_64")]
        match self {
            Kernel::Portable => {}
            Kernel::Avx2 => {
                let Some(unit) = Avx2::detect() else { absent(self) };
                // SAFETY: the unit was found, so the processor has the features of `avx2`.
                return unsafe { avx2(task, unit) };
            }
            Kernel::Avx512 => {
                let Some(unit) = Avx512::detect() else { absent(self) };
                // SAFETY: the unit was found, so the processor has the features of `avx512`.
                return unsafe { avx512(task, unit) };
            }
        }
        task.run::<_, 6>(Portable)
    }
}

#[cfg(target_arch = "x86_64")]
#[cold]
fn absent(kernel: Kernel) -> ! {
    panic!("this processor has no {}, so nothing can have been packed for it", kernel.name())
}

impl FromStr for Kernel {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        [Kernel::Portable, Kernel::Avx2, Kernel::Avx512]
            .into_iter()
            .find(|kernel| kernel.name() == name)
            .ok_or_else(|| Error::Parameter {
                name: "kernel",
                reason: format!("{name:?} is none of portable, avx2, avx512"),
            })
    }
}

/// Work to be compiled for a vector unit.
pub(crate) trait Task {
    /// What it gives back.
    type Output;
    /// Does it. `N` is how many candidates a register block holds beside two registers of rows. Implementations are
    /// `#[inline(always)]`, else they are not compiled for the unit.
    fn run<S: Simd, const N: usize>(self, simd: S) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Task>(task: T, unit: Avx2) -> T::Output {
    task.run::<_, 6>(unit)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
fn avx512<T: Task>(task: T, unit: Avx512) -> T::Output {
    task.run::<_, 14>(unit)
}
