"""The same selections in plain numpy, as people write them today: float32, every core numpy takes, about ten lines each.

Each takes its arrays and k and returns the picks. The lazy ones keep a heap of stale gains.
"""

import heapq

import numpy as np


def similarities(x):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.maximum(u @ u.T, 0)


def lazily(first_gains, gain, add, k):
    heap = [(-g, j) for j, g in enumerate(first_gains.tolist())]
    heapq.heapify(heap)
    picks = []
    while len(picks) < k:
        _, j = heapq.heappop(heap)
        fresh = (-float(gain(j)), j)
        if not heap or fresh <= heap[0]:
            picks.append(j)
            add(j)
        else:
            heapq.heappush(heap, fresh)
    return picks


def facility_location(x, k):
    s = similarities(x)
    best = np.zeros(len(x), dtype=np.float32)
    return lazily(
        s.sum(axis=1), lambda j: np.maximum(s[j] - best, 0).sum(), lambda j: np.maximum(best, s[j], out=best), k
    )


def saturated_coverage(x, k, alpha=0.1):
    s = similarities(x)
    left = alpha * s.sum(axis=1)
    gain = lambda j: np.minimum(s[j], left).sum()

    def add(j):
        np.maximum(left - s[j], 0, out=left)

    return lazily(np.minimum(s, left).sum(axis=1), gain, add, k)


def graph_cut(x, k, lam=0.4):
    s = similarities(x)
    gains = s.sum(axis=1) - lam * s.diagonal()
    picks = []
    for _ in range(k):
        picks.append(int(gains.argmax()))
        gains -= 2 * lam * s[picks[-1]]
        gains[picks[-1]] = -np.inf
    return picks


def sum_redundancy(x, k):
    s = similarities(x)
    loss = s.diagonal().copy()
    picks = []
    for _ in range(k):
        picks.append(int(loss.argmin()))
        loss += 2 * s[picks[-1]]
        loss[picks[-1]] = np.inf
    return picks


def feature_based(x, k):
    total = np.zeros(x.shape[1], dtype=np.float32)
    gain = lambda j: np.sqrt(total + x[j]).sum() - np.sqrt(total).sum()

    def add(j):
        total[:] += x[j]

    return lazily(np.sqrt(x).sum(axis=1), gain, add, k)


def log_det(x, k, ridge=1.0):
    """Chen, Zhang and Zhou 2018: the rows of the Cholesky factor as they are needed."""
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    factor = np.zeros((k, len(u)), dtype=np.float32)
    variance = np.full(len(u), 1 + ridge, dtype=np.float32)
    picks = []
    for t in range(k):
        j = int(variance.argmax())
        picks.append(j)
        row = u @ u[j]
        row[j] += ridge
        factor[t] = (row - factor[:t, j] @ factor[:t]) / np.sqrt(variance[j])
        variance -= factor[t] ** 2
        variance[picks] = -np.inf
    return picks


def disparity_min(x, k):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    nearest = np.full(len(u), np.inf, dtype=np.float32)
    picks = [0]
    while len(picks) < k:
        np.minimum(nearest, 1 - u @ u[picks[-1]], out=nearest)
        nearest[picks] = -np.inf
        picks.append(int(nearest.argmax()))
    return picks


def disparity_sum(x, k):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    total = np.zeros(len(u), dtype=np.float32)
    picks = [0]
    while len(picks) < k:
        total += 1 - u @ u[picks[-1]]
        total[picks[-1]] = -np.inf
        picks.append(int(total.argmax()))
    return picks


def cover(p, weights, k):
    """Probabilities, or 0 and 1 for plain sets."""
    left = weights.astype(np.float32)
    picks = []
    for _ in range(k):
        gains = p @ left
        gains[picks] = -1
        picks.append(int(gains.argmax()))
        left *= 1 - p[picks[-1]]
    return picks


def facility_location_mi(x, queries, k, eta=0.9):
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    s = unit(x) @ unit(queries).T
    own, best = eta * s.max(axis=1), np.zeros(len(queries), dtype=np.float32)
    picks = []
    for _ in range(k):
        gains = own + np.maximum(s - best, 0).sum(axis=1)
        gains[picks] = -1
        picks.append(int(gains.argmax()))
        np.maximum(best, s[picks[-1]], out=best)
    return picks


def facility_location_cg(x, privates, k, nu=0.6):
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    s = similarities(x)
    best = nu * (unit(x) @ unit(privates).T).max(axis=1)
    gain = lambda j: np.maximum(s[j] - best, 0).sum()
    return lazily(np.array([gain(j) for j in range(len(s))]), gain, lambda j: np.maximum(best, s[j], out=best), k)
