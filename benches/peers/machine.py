"""What was measured with and on."""

import importlib.metadata
import os
import pathlib
import platform
import re

from service import THREADS

LIBRARIES = ("apricot-select", "submodlib-py", "divsel", "pyversity", "numpy", "numba")


def about(service):
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "threads": THREADS,
        "python": platform.python_version(),
        "fewer": service.version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }
