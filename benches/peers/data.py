"""What everything is run on: clusters around a shared mean, as embeddings have it, made by a seed."""

import time
from functools import cached_property

import numpy as np


class Data:
    """Arrays of `n` items; those that fewer reads are float32 and are uploaded by their attribute's name.

    The shared mean keeps every cosine above 0, so that libraries that clip negative similarities, keep them or refuse
    them compute one function. What they do with negative ones is in the prose of docs/migration.md.
    """

    def __init__(self, n, dim, clusters, seed=0, queries=8, privates=6, concepts=400):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(clusters, dim))

        def draw(count):
            cluster = rng.integers(0, clusters, count)
            points = 1.2 + 0.8 * centres[cluster] + 0.5 * rng.normal(size=(count, dim))
            return points.astype(np.float32)

        self.n, self.dim, self.seed, self.clusters = n, dim, seed, clusters
        self.vectors, self.queries, self.privates = draw(n), draw(queries), draw(privates)
        popularity = rng.pareto(1.5, concepts) + 0.2
        self.cover = (rng.random((n, concepts)) < 6 * popularity / popularity.sum()).astype(np.float32)
        self.probabilities = (self.cover * rng.uniform(0.1, 0.9, (n, concepts))).astype(np.float32)
        self.weights = rng.uniform(1, 2, concepts)
        self.query_mask = rng.random(concepts) < 0.5
        self.private_mask = rng.random(concepts) < 0.3
        self.scores = rng.random(n)
        self.costs = rng.integers(1, 6, n).astype(np.float64)

    @cached_property
    def features(self):
        """Non-negative: what feature-based functions need."""
        return np.maximum(self.vectors, 0)

    @cached_property
    def scaled_features(self):
        """Each column from 0 to 1, as submodlib scales them before it begins."""
        x = self.features.astype(np.float64)
        low, high = x.min(axis=0), x.max(axis=0)
        return ((x - low) / np.where(high > low, high - low, 1)).astype(np.float32)

    @cached_property
    def cosine(self):
        """All pairs, float64, every entry above 0; `cosine_seconds` is what a library's user waits for it."""
        start = time.perf_counter()
        u = unit(self.vectors)
        s = u @ u.T
        self.cosine_seconds = time.perf_counter() - start
        np.fill_diagonal(s, 1)
        if s.min() <= 0:
            raise SystemExit("peers: the shared mean no longer keeps the cosines above 0")
        return s

    @cached_property
    def cosine_rows(self):
        """The similarity matrix as vectors: row i is what item i gives to each item."""
        return self.cosine.astype(np.float32)

    @cached_property
    def squared_distance(self):
        x = self.vectors.astype(np.float64)
        norms = (x * x).sum(axis=1)
        d = norms[:, None] + norms - 2 * (x @ x.T)
        np.fill_diagonal(d, 0)
        return np.maximum(d, 0)


def unit(rows):
    x = rows.astype(np.float64)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def filled(objective, data):
    """`objective` with every "$name" replaced by the array of that name."""
    if isinstance(objective, dict):
        return {key: filled(value, data) for key, value in objective.items()}
    if isinstance(objective, list):
        return [filled(value, data) for value in objective]
    if isinstance(objective, str) and objective.startswith("$"):
        return getattr(data, objective[1:]).tolist()
    return objective
