"""Times `fewer select` against a plain numpy lazy greedy on the same vectors, and compares the picks.

    python benches/compare_numpy.py VECTORS.npy K [--fewer target/release/fewer] [--runs 5]

The numpy side is what people write today: one sgemm with every thread, one heap of stale gains. Its clock starts when
the vectors are in memory; fewer's is the whole process: start, reading, hashing, selecting and its certificate. The two
run in turn, so that a machine whose speed drifts slows both; the ratio of each pair is printed, then its median.
"""

import argparse
import heapq
import json
import statistics
import subprocess
import time

import numpy as np


def numpy_lazy_greedy(x, k):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    s = u @ u.T
    np.maximum(s, 0, out=s)
    heap = [(-gain, j) for j, gain in enumerate(s.sum(axis=1).tolist())]
    heapq.heapify(heap)
    cover = np.zeros(len(x), dtype=np.float32)
    picks = []
    while len(picks) < k:
        _, j = heapq.heappop(heap)
        gain = float(np.maximum(s[j] - cover, 0).sum())
        if not heap or (-gain, j) <= heap[0]:
            picks.append(j)
            np.maximum(cover, s[j], out=cover)
        else:
            heapq.heappush(heap, (-gain, j))
    return picks


def agreement(x, theirs, ours):
    """Equal picks; or what float64 says where they part: numpy subtracts in float32, which breaks ties by rounding."""
    parts = next((t for t, (a, b) in enumerate(zip(theirs, ours)) if a != b), None)
    if parts is None:
        return f"all {len(ours)} picks equal"
    u = x.astype(np.float64)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    cover = np.maximum(u @ u[ours[:parts]].T, 0).max(axis=1, initial=0)

    def gain(j):
        s = u @ u[j]
        s[j] = 1
        return np.maximum(s - cover, 0).sum()

    a, b = gain(theirs[parts]), gain(ours[parts])
    common = len(set(theirs) & set(ours))
    return (
        f"equal to pick {parts}, there rows {theirs[parts]} and {ours[parts]} gain {a:.9f} and {b:.9f} in float64 "
        f"(fewer takes the lowest row of a tie), {common} of {len(ours)} rows common"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors")
    parser.add_argument("k", type=int)
    parser.add_argument("--fewer", default="target/release/fewer")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()

    x = np.load(args.vectors).astype(np.float32)
    command = [args.fewer, "select", args.vectors, "-k", str(args.k), "--optimizer", "lazy_greedy", "--format", "json"]
    ratios = []
    for run in range(args.runs):
        start = time.perf_counter()
        theirs = numpy_lazy_greedy(x, args.k)
        numpy_seconds = time.perf_counter() - start

        start = time.perf_counter()
        out = subprocess.run(command, check=True, capture_output=True)
        fewer_seconds = time.perf_counter() - start
        result = json.loads(out.stdout)

        same = agreement(x, theirs, result["indices"])
        work_seconds = sum(result["timings_seconds"].values())
        ratios.append((numpy_seconds / fewer_seconds, numpy_seconds / work_seconds))
        print(
            f"run {run + 1}: numpy {numpy_seconds:.3f} s; fewer {fewer_seconds:.3f} s, of which {work_seconds:.3f} s "
            f"work ({result['plan']}, {result['kernel']}): {ratios[-1][0]:.2f} and {ratios[-1][1]:.2f} times faster"
        )
    print(f"picks: {same}")
    whole, work = (statistics.median(column) for column in zip(*ratios))
    print(f"median: the whole process {whole:.2f} times faster than numpy's work alone, the work {work:.2f} times")


if __name__ == "__main__":
    main()
