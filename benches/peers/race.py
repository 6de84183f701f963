"""The large sizes: how long each side takes for the same selection."""

import resource
import time

from agreement import relative
from data import filled
from service import Refused

REPETITIONS = 3
LONG_SECONDS = 8


def run(race, data, k, service, say):
    """A row: every side's seconds, and the value of what it chose by the definition in float64."""
    f = race.define(data)
    row = {"objective": race.objective, "optimizer": race.optimizer, "bar": race.bar, "note": race.note, "n": data.n, "k": k, "sides": []}
    tiny = type(data)(40, data.dim, 4)
    for name, build, pick in race.rivals:
        clock = time.perf_counter()
        handle = build(data)
        built = time.perf_counter() - clock
        pick(build(tiny), 2)
        fixed = timed(lambda: pick(build(tiny), 2))[0]
        add(row, say, name, k, built, lambda: pick(handle, k), f, fixed)
    if race.numpy:
        add(row, say, "numpy", k, 0.0, lambda: race.numpy(data, k), f, 0.0)
    try:
        dataset = service.upload(f"{race.upload}-{data.n}", getattr(data, race.upload))
        runs = [service.select(dataset, filled(race.objective, data), {"k": k}, race.optimizer) for _ in range(REPETITIONS)]
    except Refused as refused:
        return row | {"fault": f"fewer refused: {refused}"}
    best = min(runs, key=lambda run: run.own_seconds)
    indices = best.result["indices"]
    side = {
        "name": "fewer", "build": 0.0, "seconds": best.own_seconds, "http": min(run.wall_seconds for run in runs),
        "cpu": min(run.cpu_seconds for run in runs), "fixed": 0.0, "value": float(f(indices)), "picks": len(indices),
        "plan": best.result.get("plan"), "kernel": best.result.get("kernel"), "termination": best.result["termination"],
    }
    say(side)
    row["sides"].append(side)
    reported = relative(best.result["objective_value"], float(race.reported(data)(indices) if race.reported else side["value"]))
    return row | {"fault": None if reported < 1e-5 else f"reports a value {reported:.1e} from the definition"}


def add(row, say, name, k, built, call, f, fixed):
    """The least of several runs, unless one run is long; `fixed` is what the same call takes on next to nothing."""
    best = timed(call)
    for _ in range(REPETITIONS - 1):
        if best[0] < LONG_SECONDS:
            best = min(best, timed(call), key=lambda run: run[0])
    seconds, cpu, picks = best
    side = {"name": name, "build": built, "seconds": max(seconds - fixed, 1e-6), "http": None, "cpu": cpu,
            "fixed": fixed, "value": float(f(picks)), "picks": len(picks)}
    say(side)
    row["sides"].append(side)


def timed(call):
    cpu, clock = processor(), time.perf_counter()
    answer = call()
    return time.perf_counter() - clock, processor() - cpu, answer


def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
