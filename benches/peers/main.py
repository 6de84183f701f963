"""Compares fewer with the libraries its users come from, and writes what was measured into the documents."""

import argparse
import json
import os
import pathlib
import sys
import time
import warnings

# divsel sizes its pool by this, once; numba by the processors it sees.
os.environ.setdefault("RAYON_NUM_THREADS", "2")
warnings.filterwarnings("ignore")

import agreement
import apricot_compiled
import apricot_side
import machine
import migration
import own_similarities
import race
import races
import report
import retrieval_side
import submodlib_side
from data import Data
from service import Service

PAIRS = [*apricot_side.PAIRS, *submodlib_side.PAIRS, *retrieval_side.PAIRS]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fewer", default="target/release/fewer", help="the binary that serves")
    parser.add_argument("--quick", action="store_true", help="small sizes; the documents go to target/peers")
    args = parser.parse_args()
    sizes = (
        {"pairs": (400, 64, 20), "large": (800, 64, 80), "smaller": (300, 64, 20)}
        if args.quick
        else {"pairs": (1000, 64, 50), "large": (5000, 384, 500), "smaller": (1000, 384, 100)}
    )
    into = pathlib.Path("target/peers" if args.quick else "docs")

    apricot_compiled.compile_once()
    started = time.perf_counter()
    with Service(args.fewer) as service:
        about = machine.about(service) | {"sizes": sizes, "quick": args.quick}
        results = {"about": about, "pairs": agree(service, sizes["pairs"]), "races": run_races(service, sizes, about)}
    about["seconds"] = time.perf_counter() - started

    pathlib.Path("target/peers").mkdir(parents=True, exist_ok=True)
    pathlib.Path("target/peers/results.json").write_text(json.dumps(results, indent=1))
    (into / "peers.md").write_text(report.page(results))
    migration.write(into / "migration.md", results)
    faults = [row for row in results["pairs"] + results["races"] if row["fault"]]
    counted = f"{len(results['pairs'])} pairs and {len(results['races'])} races, {len(faults)} faults"
    print(f"\n{counted}, in {about['seconds']:.0f} s; {into}/peers.md")
    for row in faults:
        print(f"  {row.get('library', 'race')} {row.get('theirs', row['objective']['name'])}: {row['fault']}")
    sys.exit(bool(faults))


def agree(service, size):
    n, dim, k = size
    data, tiny = Data(n, dim, clusters=n // 25), Data(60, dim, clusters=5)
    rows = []
    for pair in PAIRS:
        # Imports, threads and numba kernels are not what is timed.
        pair.pick(pair.build(tiny), 5)
        rows.append(agreement.compare(pair, data, k, service))
        print(f"{pair.library:10} {pair.theirs[:70]:70} {rows[-1]['fault'] or rows[-1]['picks']}", flush=True)
    return rows


def run_races(service, sizes, about):
    rows = []
    for entrants, (n, dim, k) in ((races.LARGE, sizes["large"]), (races.SMALLER, sizes["smaller"])):
        data = Data(n, dim, clusters=n // 25)
        # Made once before the clocks, which add its seconds where it is used.
        data.cosine
        own = own_similarities.seconds(data)
        about.setdefault("cosine_seconds", data.cosine_seconds)
        about.setdefault("own_similarities", own)
        for entrant in entrants:
            print(f"{entrant.objective['name']}, n {n}, dim {dim}, k {k}", flush=True)
            rows.append(race.run(entrant, data, k, service, own, say))
    return rows


def say(side):
    print(f"  {side['name']:22} {side['whole']:9.4f} s, value {side['value']:.6g}", flush=True)


if __name__ == "__main__":
    main()
