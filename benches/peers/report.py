"""The page docs/peers.md, from the results alone."""

import shown

HEAD = """# Beside the libraries our users come from

Written by `make peers`, which makes an environment with the libraries, starts the service, and asks both sides for the
same selections. Ratios are of one run on one machine; repeat it on yours:

```sh
make peers               # this page and the tables of migration.md; took {minutes:.0f} min
make peers ARGS=--quick  # small sizes, to target/peers
```

{cores} cores of {processor}; {fewer} with {threads} threads, over HTTP on the same machine; the libraries with as many
threads as they take: apricot's `naive`, divsel and numpy use all cores, submodlib and apricot's `lazy` one.
Python {python}, {libraries}.
Data: clusters around a shared mean, by a seed (`benches/peers/data.py`), {n} items, {dim} dimensions, k = {k}.
"""

COUNTED = """## What is counted

* **fewer**: what the job says it took for similarities and selecting, from the vectors. "Over HTTP" is the time from the
  POST of the job until its result has arrived, on a dataset that is there already; the upload took {upload}.
* **libraries, from vectors**: with the similarities they make themselves (apricot {apricot}, submodlib {submodlib}, measured
  once), building and choosing; imports and the compiling of numba kernels are left out, though apricot compiles anew in
  every fit (the column says for how long). The fastest of a library's exact searches counts.
* **given the matrix by numpy**: the same with the similarities by one float64 product in numpy instead ({cosine}), as
  people do who know; ours still makes its own.
* **choosing alone**: `fit` or `maximize` with everything made, and of fewer `selecting`.
* Each is the least of three runs, or of one where that takes more than 8 seconds. Processor seconds are of the counted run,
  without building; those of fewer are of the whole process and in steps of 0.01.
* **value**: f of what was chosen, by the definition in float64 for every side.
"""


def page(results):
    about, races, pairs = results["about"], results["races"], results["pairs"]
    n, dim, k = about["sizes"]["large"]
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    uploads = [side["upload"] for row in races for side in row["sides"] if side["name"] == "fewer"]
    made = about["cosine_seconds"]
    return "\n".join(
        [
            HEAD.format(**{**about, "libraries": libraries}, minutes=max(about["seconds"] / 60, 1), n=n, dim=dim, k=k),
            "## The bars\n",
            bars(races),
            "",
            COUNTED.format(
                upload=shown.seconds(max(uploads)) if uploads else "no time",
                cosine=shown.seconds(made),
                **{name: shown.seconds(value) for name, value in about["own_similarities"].items()},
            ),
            "## Times\n",
            times(races),
            "",
            *notes(races),
            "## Values and picks\n",
            agreement_text(about),
            pair_table(pairs),
            "",
            "## What does not agree\n",
            faults(pairs, races),
        ]
    )


def sides(row):
    ours = next((side for side in row["sides"] if side["name"] == "fewer"), None)
    libraries = [side for side in row["sides"] if side["name"] not in ("fewer", "numpy")]
    numpy = next((side for side in row["sides"] if side["name"] == "numpy"), None)
    return ours, libraries, numpy


def bars(races):
    rows = []
    for row in filter(lambda row: row["bar"], races):
        times, whom = row["bar"]
        ours, libraries, numpy = sides(row)
        name = f"`{row['objective']['name']}`, {times} times {'Chen’s recursion in numpy' if whom == 'numpy' else whom}"
        if ours is None:
            rows.append([name, f"not measured: {row['fault']}", "", "", ""])
            continue
        rivals = [numpy] if whom == "numpy" else libraries
        rows.append(
            [
                name,
                verdict(rivals, "alone", ours["whole"], times),
                verdict(rivals, "whole", ours["whole"], times),
                verdict(rivals, "choosing", ours["choosing"], times),
                verdict(rivals, "alone", ours["http"], times),
            ]
        )
    head = [
        "must be faster",
        "from vectors",
        "given the matrix by numpy",
        "choosing alone",
        "from vectors, ours over HTTP",
    ]
    return shown.table(head, rows)


def verdict(rivals, what, ours, times):
    """The ratio to the fastest of the rivals, and whether it is enough."""
    timed = [side for side in rivals if side[what] is not None]
    if not timed:
        return ""
    best = min(timed, key=lambda side: side[what])
    ratio = best[what] / max(ours, 1e-6)
    return f"{'' if ratio >= times else 'missed: '}**{shown.ratio(ratio)}** ({best['name']})"


def times(races):
    rows = []
    for row in races:
        ours, libraries, numpy = sides(row)
        label = (
            f"`{row['objective']['name']}`"
            if row["optimizer"]["name"] != "gist"
            else f"`gist`, `{row['objective']['name']}`, n {row['n']}, k {row['k']}"
        )
        for side in row["sides"]:
            slower = shown.ratio(side["alone"] / ours["whole"]) if ours and side is not ours else ""
            rows.append(
                [
                    label,
                    side["name"],
                    shown.seconds(side["alone"] or side["whole"]),
                    slower,
                    shown.seconds(side["whole"]),
                    shown.seconds(side["choosing"]),
                    f"{side['cpu']:.2f}",
                    shown.seconds(side["compiling"]) if side["compiling"] > 0.05 else "",
                    shown.seconds(side.get("http")),
                    shown.number(side["value"]),
                ]
            )
            label = ""
    head = [
        "",
        "who",
        "from vectors",
        "times fewer's",
        "given the matrix",
        "choosing alone",
        "processor s",
        "compiling, each fit",
        "over HTTP",
        "value",
    ]
    return shown.table(head, rows)


def notes(races):
    lines = [f"* `{row['objective']['name']}`: {row['note']}." for row in races if row["note"]]
    return [*lines, ""] if lines else []


def agreement_text(about):
    n, dim, k = about["sizes"]["pairs"]
    return (
        f"{n} items, {dim} dimensions, k = {k}. Both sides value the set that the library chose, and a random one where\n"
        "the library can; the largest relative difference is in the table, and so is ours to the definition in float64.\n"
        "Where two items gain the same within float32's error, either may come first: there fewer is asked again with the\n"
        "library's picks included, so that what follows is compared as well. How the arguments translate is in [migration.md](migration.md).\n"
    )


def pair_table(pairs):
    rows = []
    for row in pairs:
        differences = row.get("differences") or {}
        rows.append(
            [
                f"`{row['objective']['name']}`",
                f"{row['library']} `{row['theirs']}`",
                f"{max(differences.values()):.0e}" if differences else "",
                f"{row['from_definition']:.0e}" if "from_definition" in row else "",
                row.get("picks", row["fault"]),
                shown.seconds(row["build_seconds"] + row["pick_seconds"]),
                shown.seconds(row.get("ours_seconds")),
                shown.seconds(row.get("ours_http_seconds")),
            ]
        )
    head = [
        "fewer",
        "theirs",
        "values differ by",
        "ours from the definition",
        "picks",
        "theirs takes",
        "fewer takes",
        "over HTTP",
    ]
    return shown.table(head, rows)


def faults(pairs, races):
    lines = [
        f"* {row['library']} `{row['theirs']}`: {row['fault']}; {row.get('picks', '')}."
        for row in pairs
        if row["fault"]
    ]
    lines += [f"* `{row['objective']['name']}` at n = {row['n']}: {row['fault']}." for row in races if row["fault"]]
    return (
        "\n".join(lines or [f"Nothing: all {len(pairs)} pairs have the same values and the same picks, up to ties."])
        + "\n"
    )
