"""apricot compiles its numba kernels anew in every fit, for seconds; here each is compiled once.

So its times are without compiling, as for a user who has waited for it already, and the table says beside them what a
fit takes as it comes.
"""

import functools
import importlib

MODULES = ("facilityLocation", "featureBased", "graphCut", "maxCoverage")
KERNELS = ("calculate_gains", "calculate_gains_sparse", "calculate_gains_sieve", "calculate_gains_sieve_sparse")


compilers = []


def compile_once():
    for name in MODULES:
        module = importlib.import_module(f"apricot.functions.{name}")
        for kernel in KERNELS:
            if hasattr(module, kernel):
                compilers.append(functools.cache(getattr(module, kernel)))
                setattr(module, kernel, compilers[-1])


def forget():
    """The next fit compiles, as every fit would."""
    for compiler in compilers:
        compiler.cache_clear()
