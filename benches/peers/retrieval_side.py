"""divsel and pyversity, which diversify what a search has found: what they are of ours."""

import divsel
import numpy as np
import pyversity

import definitions as define
from pair import GREEDY, Pair

COSINE = {"metric": "cosine"}
MODULAR = {"name": "modular", "scores": {"values": "$scores"}}
EPSILON = 0.1


def gist(metric, lam, utility="linear"):
    def pick(data, k):
        scores = data.scores if utility == "linear" else None
        full = divsel.gist_select_full(data.vectors, scores, k=k, lam=lam, eps=EPSILON, metric=metric, utility=utility)
        return [int(i) for i in full["selected"]], float(full["f_value"])

    return pick


def gist_pair(metric, lam, distance):
    return Pair(
        "divsel",
        f'gist_select(x, scores, lam={lam:g}, eps=0.1, metric="{metric}")',
        MODULAR,
        "its default metric is cosine, ours euclidean; `eps` 0.1 there, `epsilon` 0.05 here; may choose fewer than k",
        "vectors",
        build=lambda data: data,
        pick=gist(metric, lam),
        define=define.gist(define.modular, lam, distance),
        utility=define.modular,
        optimizer={"name": "gist", "lambda": lam, "epsilon": EPSILON, "distance": metric},
    )


def diversify(strategy, scored, value, **arguments):
    def pick(data, k):
        scores = data.scores if scored else np.zeros(data.n)
        chosen = pyversity.diversify(data.vectors, scores, k=k, strategy=strategy, **arguments)
        return [int(i) for i in chosen.indices], value(chosen.selection_scores.astype(np.float64))

    return pick


def pyversity_pair(call, objective, convention, definition, pick, upload="vectors", **more):
    return Pair("pyversity", call, objective, convention, upload, lambda data: data, pick, definition, **more)


COVERED = {"name": "feature_based", "concave": "sqrt"}

PAIRS = [
    gist_pair("euclidean", 1.0, define.euclidean),
    gist_pair("cosine", 10.0, define.cosine_distance),
    Pair(
        "divsel",
        'gist_select(x, lam=10, utility="facility_location")',
        {"name": "facility_location", "similarity": COSINE},
        'with metric="cosine" its similarity is cos; with "euclidean" it is 1 - d / max d, which has no counterpart here',
        "vectors",
        build=lambda data: data,
        pick=gist("cosine", 10.0, "facility_location"),
        define=define.gist(define.facility_location(define.cosine), 10.0, define.cosine_distance),
        utility=define.facility_location(define.cosine),
        optimizer={"name": "gist", "lambda": 10.0, "epsilon": EPSILON, "distance": "cosine"},
    ),
    pyversity_pair(
        'diversify(strategy="dpp", diversity=1)',
        {"name": "log_det", "similarity": {"metric": "cosine_signed"}, "ridge": 0.0},
        "no ridge: at the rank ours stops, it clamps to 0 and goes on; its scores are d², our gains ln d²",
        define.log_det(0.0),
        diversify("dpp", False, lambda scores: np.log(scores).sum(), diversity=1.0),
    ),
    pyversity_pair(
        'diversify(strategy="cover", diversity=1, gamma=0.5)',
        COVERED,
        'f = sum_i (sum_j s_ij)^gamma: the similarity matrix as the vectors; 0.5 is sqrt, others `{"power": gamma}`',
        define.feature_based(define.SQRT, "cosine_rows"),
        diversify("cover", False, np.sum, diversity=1.0, gamma=0.5),
        upload="cosine_rows",
    ),
    pyversity_pair(
        'diversify(scores, strategy="cover", diversity=0.5)',
        {"name": "mixture", "parts": [{"weight": 0.5, "objective": MODULAR}, {"weight": 0.5, "objective": COVERED}]},
        "scores weigh 1 - diversity, the cover weighs diversity",
        define.mixture((0.5, define.modular), (0.5, define.feature_based(define.SQRT, "cosine_rows"))),
        diversify("cover", True, np.sum, diversity=0.5, gamma=0.5),
        upload="cosine_rows",
    ),
    pyversity_pair(
        'diversify(strategy="msd", diversity=1)',
        {"name": "disparity_sum", "distance": "cosine"},
        "the same; with scores: `mixture` with `modular`, though it takes the largest score first whatever it adds",
        define.disparity_sum(define.cosine_distance),
        diversify("msd", False, np.sum, diversity=1.0),
        optimizer=GREEDY,
    ),
    pyversity_pair(
        'diversify(strategy="mmr", diversity=1)',
        {"name": "disparity_min", "distance": "cosine"},
        "its score is minus the largest similarity, clipped at 0; with scores MMR maximises no f",
        define.disparity_min(define.cosine_distance),
        diversify("mmr", False, lambda scores: 1 + scores[-1], diversity=1.0),
        optimizer=GREEDY,
    ),
]
