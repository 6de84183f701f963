"""What a user of each library waits for who gives it vectors: similarities made by the library itself."""

import time

import apricot.utils
import numpy as np
import submodlib


def seconds(data):
    """apricot's similarities, which its fit computes; submodlib's, which are made when an object is, in nested lists."""
    makers = {
        "apricot": lambda: apricot.utils._calculate_pairwise_distances(
            data.vectors.astype(np.float64), metric="cosine"
        ),
        "submodlib": lambda: submodlib.GraphCutFunction(
            n=data.n, mode="dense", lambdaVal=0.4, data=data.vectors, metric="cosine"
        ),
    }
    taken = {}
    for library, make in makers.items():
        start = time.perf_counter()
        make()
        taken[library] = time.perf_counter() - start
    return taken
