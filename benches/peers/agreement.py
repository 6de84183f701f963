"""Holds both sides of a pair to one another: values of the same sets, and picks where gaps exceed float error."""

import time

import numpy as np

from data import filled
from service import Refused

VALUE_TOLERANCE = 1e-5
# The libraries sum float32: two gains nearer than this share of f may come in either order.
TIE_SHARE_OF_VALUE = 2e-6
FOLLOWED = ("greedy", "lazy_greedy")


def compare(pair, data, k, service):
    """A row of the table, as plain numbers and words; `fault` says what is not as it should be."""
    theirs_time = Clock()
    handle = pair.build(data)
    built = theirs_time.lap()
    picks, value = pair.pick(handle, k)
    chosen = theirs_time.lap()
    f = pair.define(data)
    row = {
        "library": pair.library,
        "theirs": pair.theirs,
        "objective": pair.objective,
        "convention": pair.convention,
        "optimizer": pair.optimizer,
        "factor": pair.factor,
        "build_seconds": built,
        "pick_seconds": chosen,
        "fault": None,
        "value_theirs": value if value is None else value / pair.factor,
        "value_defined": float(f(picks)),
    }
    rng = np.random.default_rng(1)
    sets = {"picks": picks, "random": sorted(int(i) for i in rng.choice(data.n, len(picks), replace=False))}
    try:
        add_ours(row, pair, data, k, service, sets, f)
    except Refused as refused:
        row["fault"] = f"fewer refused: {refused}"
        return row
    own = {} if value is None else {"picks": value}
    if pair.value:
        own = {name: pair.value(handle, S) for name, S in sets.items()}
    row["differences"] = {name: relative(own[name] / pair.factor, row["values_ours"][name]) for name in own}
    row["from_definition"] = max(relative(row["values_ours"][name], f(S)) for name, S in sets.items())
    if max([row["from_definition"], *row["differences"].values()]) > VALUE_TOLERANCE:
        row["fault"] = "values differ"
    elif not row["same_picks"]:
        row["fault"] = "picks differ by more than float error"
    return row


def add_ours(row, pair, data, k, service, sets, f):
    dataset = service.upload(f"{pair.upload}-{data.n}", getattr(data, pair.upload))
    objective = filled(pair.objective, data)
    ours = service.select(dataset, objective, pair.constraints(data, k), pair.optimizer)
    indices = ours.result["indices"]
    row |= {
        "ours_seconds": ours.own_seconds,
        "ours_http_seconds": ours.wall_seconds,
        "ours_value": ours.result["objective_value"],
        "ours_defined": float(f(indices)),
    }

    def choose(include):
        constraints = pair.constraints(data, k) | {"include": include}
        return service.select(dataset, objective, constraints, pair.optimizer).result["indices"]

    follow = choose if pair.optimizer["name"] in FOLLOWED else None
    row["picks"], row["same_picks"] = same_picks(f, sets["picks"], indices, follow)
    values = [service.value_of(dataset, objective, chosen) for chosen in sets.values()]
    if pair.utility:
        # Gist adds a distance to the objective, which is valued here alone.
        utility = pair.utility(data)
        values = [value + f(S) - utility(S) for value, S in zip(values, sets.values())]
    row["values_ours"] = dict(zip(sets, values))


def same_picks(f, theirs, ours, choose):
    """What to print, and whether they agree: equal, or parted only where two items gain the same within float error.

    At such a tie ours is asked again with theirs' picks so far included, so that what follows is compared as well.
    """
    ties = []
    while (parts := first_difference(theirs, ours)) is not None:
        if parts == min(len(theirs), len(ours)):
            return f"the first {parts} equal; theirs has {len(theirs)}, ours {len(ours)}", False
        base = f(ours[:parts]) if parts else 0.0
        a, b = f([*ours[:parts], theirs[parts]]), f([*ours[:parts], ours[parts]])
        if abs(a - b) > TIE_SHARE_OF_VALUE * max(abs(a), abs(b), abs(base)):
            return f"equal to pick {parts}, where theirs gains {a - base:.6g}, ours {b - base:.6g}", False
        ties.append(parts)
        if choose is None:
            return f"equal to pick {ties[0]}, a tie there", True
        ours = choose(theirs[: parts + 1])
    after = (
        ""
        if not ties
        else f", after a tie at {ties[0]}"
        if len(ties) == 1
        else f", after {len(ties)} ties from {ties[0]} on"
    )
    return f"all {len(ours)} equal{after}", True


def first_difference(theirs, ours):
    """The first place where they differ, if there is one."""
    parted = (t for t, (a, b) in enumerate(zip(theirs, ours)) if a != b)
    return next(parted, None if len(theirs) == len(ours) else min(len(theirs), len(ours)))


def relative(a, b):
    return float(abs(a - b) / max(abs(a), abs(b), 1e-12))


class Clock:
    def __init__(self):
        self.start = time.perf_counter()

    def lap(self):
        now = time.perf_counter()
        self.start, passed = now, now - self.start
        return passed
