"""The large sizes: how long each side takes for the same selection, and what it chose is worth."""

import resource
import time

import apricot_compiled
from agreement import relative
from data import Data, filled
from service import Refused

REPETITIONS = 3
LONG_SECONDS = 8


def run(race, data, k, service, own, say):
    """A row: for each side its seconds from vectors to picks, those of choosing alone, and f of the picks in float64.

    `own` has the seconds of each library's own similarities.
    """
    f = race.define(data)
    row = {
        "objective": race.objective,
        "optimizer": race.optimizer,
        "bar": race.bar,
        "note": race.note,
        "n": data.n,
        "dim": data.dim,
        "k": k,
        "sides": [],
        "fault": None,
    }
    for name, build, pick, from_matrix in race.rivals:
        built, _, handle = timed(lambda: build(data))
        compiling = compile_seconds(lambda: pick(build(Data(40, data.dim, 4)), 2))
        choosing, cpu, picks = least(lambda: pick(handle, k))
        helped = built + choosing + (data.cosine_seconds if from_matrix else 0.0)
        alone = own[name.split()[0]] + choosing if from_matrix else helped
        side = {
            "name": name,
            "alone": alone,
            "whole": helped,
            "choosing": choosing,
            "cpu": cpu,
            "compiling": compiling,
            "value": float(f(picks)),
        }
        say(side)
        row["sides"].append(side)
    if race.numpy:
        whole, cpu, picks = least(lambda: race.numpy(data, k))
        side = {
            "name": "numpy",
            "alone": whole,
            "whole": whole,
            "choosing": None,
            "cpu": cpu,
            "compiling": 0.0,
            "value": float(f(picks)),
        }
        say(side)
        row["sides"].append(side)
    try:
        side, fault = ours(race, data, k, service, f)
    except Refused as refused:
        return row | {"fault": f"fewer refused: {refused}"}
    say(side)
    row["sides"].append(side)
    return row | {"fault": fault}


def ours(race, data, k, service, f):
    dataset = service.upload(f"{race.upload}-{data.n}", getattr(data, race.upload))
    objective = filled(race.objective, data)
    runs = [service.select(dataset, objective, {"k": k}, race.optimizer) for _ in range(REPETITIONS)]
    best = min(runs, key=lambda run: run.own_seconds)
    indices = best.result["indices"]
    side = {
        "name": "fewer",
        "alone": None,
        "whole": best.own_seconds,
        "choosing": best.result["timings_seconds"]["selecting"],
        "http": min(run.wall_seconds for run in runs),
        "cpu": min(run.cpu_seconds for run in runs),
        "compiling": 0.0,
        "upload": service.upload_seconds[dataset],
        "value": float(f(indices)),
        "picks": len(indices),
        "plan": best.result.get("plan"),
        "kernel": best.result.get("kernel"),
        "termination": best.result["termination"],
    }
    defined = race.reported(data)(indices) if race.reported else side["value"]
    off = relative(best.result["objective_value"], float(defined))
    return side, None if off < 1e-5 else f"fewer reports a value {off:.1e} from the definition"


def compile_seconds(call):
    """What a fit of apricot takes besides, each time; next to nothing for the others."""
    apricot_compiled.forget()
    return max(timed(call)[0] - timed(call)[0], 0.0)


def least(call):
    """The shortest of several runs, unless one run is long already."""
    best = timed(call)
    for _ in range(REPETITIONS - 1):
        if best[0] < LONG_SECONDS:
            best = min(best, timed(call), key=lambda run: run[0])
    return best


def timed(call):
    cpu, clock = processor_seconds(), time.perf_counter()
    answer = call()
    return time.perf_counter() - clock, processor_seconds() - cpu, answer


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
