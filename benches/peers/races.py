"""What is raced at the large sizes, against whom, and how many times faster fewer has to be."""

from collections.abc import Callable
from dataclasses import dataclass

import apricot
import divsel
import numpy as np
import pyversity
import submodlib
from submodlib_cpp import FeatureBased

import definitions as define
import numpy_greedy
from data import unit
from pair import GREEDY, LAZY

COSINE = {"metric": "cosine"}
QUERY, PRIVATE = {"vectors": "$queries"}, {"vectors": "$privates"}
LIBRARIES, CHEN = "the best library", "numpy"


@dataclass(frozen=True)
class Race:
    """`rivals` are (name, build, pick, whether it was given the similarity matrix, which fewer makes in its own time).

    `numpy` takes the data and k; `bar` is (how many times faster, than whom).

    `reported` is what `objective_value` is by definition where that is not `define`, which all sides are judged by.
    """

    objective: dict
    upload: str
    define: Callable
    rivals: list
    numpy: Callable | None
    optimizer: dict
    bar: tuple | None = None
    note: str = ""
    reported: Callable | None = None


def matrix(data):
    return data.cosine


def apricot_rivals(cls, data_of=matrix, optimizers=("naive", "lazy"), **arguments):
    def pick(optimizer):
        return lambda matrix, k: [int(i) for i in cls(k, optimizer=optimizer, **arguments).fit(matrix).ranking]

    return [(f"apricot {optimizer}", data_of, pick(optimizer), data_of is matrix) for optimizer in optimizers]


def submodlib_rivals(build, *optimizers, from_matrix=True):
    def pick(optimizer):
        return lambda f, k: [int(i) for i, _ in f.maximize(budget=k, optimizer=optimizer, show_progress=False)]

    return [(f"submodlib {optimizer}", build, pick(optimizer), from_matrix) for optimizer in optimizers]


def graph(name, kernel="sijs", **arguments):
    return lambda data: getattr(submodlib, name)(n=data.n, mode="dense", **{kernel: data.cosine}, **arguments)


def scaled(data):
    return data.scaled_features.astype(np.float64)


def submodlib_features(data):
    return submodlib.FeatureBasedFunction(
        n=data.n, features=scaled(data).tolist(), numFeatures=data.dim, sparse=False, mode=FeatureBased.squareRoot
    )


def submodlib_covers(data):
    return submodlib.SetCoverFunction(
        n=data.n,
        cover_set=[{int(i) for i in row.nonzero()[0]} for row in data.cover],
        num_concepts=len(data.weights),
        concept_weights=data.weights.tolist(),
    )


def submodlib_probabilities(data):
    return submodlib.ProbabilisticSetCoverFunction(
        n=data.n,
        probs=data.probabilities.tolist(),
        num_concepts=len(data.weights),
        concept_weights=data.weights.tolist(),
    )


def submodlib_query(data):
    return submodlib.FacilityLocationVariantMutualInformationFunction(
        n=data.n,
        num_queries=len(data.queries),
        query_sijs=unit(data.vectors) @ unit(data.queries).T,
        queryDiversityEta=0.9,
    )


def submodlib_private(data):
    return submodlib.FacilityLocationConditionalGainFunction(
        n=data.n,
        num_privates=len(data.privates),
        data_sijs=data.cosine,
        private_sijs=unit(data.vectors) @ unit(data.privates).T,
        privacyHardness=0.6,
    )


def pyversity_rival(strategy):
    def pick(data, k):
        chosen = pyversity.diversify(data.vectors, np.zeros(data.n), k=k, strategy=strategy, diversity=1.0)
        return [int(i) for i in chosen.indices]

    return (f"pyversity {strategy}", lambda data: data, pick, False)


def divsel_gist(data, k):
    return divsel.gist_select(data.vectors, data.scores, k=k, lam=1.0, eps=0.1, metric="euclidean")


LARGE = [
    Race(
        {"name": "facility_location", "similarity": COSINE},
        "vectors",
        define.facility_location(define.cosine),
        apricot_rivals(apricot.FacilityLocationSelection, metric="precomputed")
        + submodlib_rivals(graph("FacilityLocationFunction", separate_rep=False), "LazyGreedy"),
        lambda data, k: numpy_greedy.facility_location(data.vectors, k),
        LAZY,
    ),
    Race(
        {"name": "saturated_coverage", "similarity": COSINE, "alpha": 0.1},
        "vectors",
        define.saturated_coverage(0.1),
        apricot_rivals(apricot.SaturatedCoverageSelection, metric="precomputed", alpha=0.1),
        lambda data, k: numpy_greedy.saturated_coverage(data.vectors, k),
        LAZY,
        (50, LIBRARIES),
        "submodlib's is an empty stub",
    ),
    Race(
        {"name": "feature_based", "concave": "sqrt"},
        "scaled_features",
        define.feature_based(define.SQRT, "scaled_features"),
        apricot_rivals(apricot.FeatureBasedSelection, scaled, concave_func="sqrt")
        + submodlib_rivals(submodlib_features, "LazyGreedy", from_matrix=False),
        lambda data, k: numpy_greedy.feature_based(data.scaled_features, k),
        LAZY,
        (50, LIBRARIES),
        "on columns scaled from 0 to 1, which submodlib does in any case",
    ),
    Race(
        {"name": "graph_cut", "similarity": COSINE, "lambda": 0.4},
        "vectors",
        define.graph_cut(0.4),
        apricot_rivals(apricot.GraphCutSelection, metric="precomputed", alpha=2.5)
        + submodlib_rivals(graph("GraphCutFunction", "ggsijs", lambdaVal=0.4), "LazyGreedy"),
        lambda data, k: numpy_greedy.graph_cut(data.vectors, k),
        LAZY,
        (10, LIBRARIES),
    ),
    Race(
        {"name": "log_det", "similarity": {"metric": "cosine_signed"}, "ridge": 1.0},
        "vectors",
        define.log_det(1.0),
        submodlib_rivals(graph("LogDeterminantFunction", lambdaVal=1.0), "LazyGreedy") + [pyversity_rival("dpp")],
        lambda data, k: numpy_greedy.log_det(data.vectors, k),
        LAZY,
        (4, CHEN),
        "numpy is Chen's recursion; pyversity has no ridge and maximises another f",
    ),
    Race(
        {"name": "sum_redundancy", "similarity": COSINE},
        "vectors",
        define.sum_redundancy,
        apricot_rivals(apricot.SumRedundancySelection, metric="precomputed"),
        lambda data, k: numpy_greedy.sum_redundancy(data.vectors, k),
        LAZY,
    ),
    Race(
        {"name": "disparity_min", "distance": "cosine"},
        "vectors",
        define.disparity_min(define.cosine_distance),
        [pyversity_rival("mmr")],
        lambda data, k: numpy_greedy.disparity_min(data.vectors, k),
        GREEDY,
    ),
    Race(
        {"name": "disparity_sum", "distance": "cosine"},
        "vectors",
        define.disparity_sum(define.cosine_distance),
        [pyversity_rival("msd")],
        lambda data, k: numpy_greedy.disparity_sum(data.vectors, k),
        GREEDY,
    ),
    Race(
        {"name": "set_cover", "weights": "$weights"},
        "cover",
        define.set_cover(),
        submodlib_rivals(submodlib_covers, "LazyGreedy", from_matrix=False),
        lambda data, k: numpy_greedy.cover(data.cover, data.weights, k),
        LAZY,
        note="apricot's has no weights",
    ),
    Race(
        {"name": "probabilistic_set_cover", "weights": "$weights"},
        "probabilities",
        define.probabilistic_set_cover(),
        submodlib_rivals(submodlib_probabilities, "LazyGreedy", from_matrix=False),
        lambda data, k: numpy_greedy.cover(data.probabilities, data.weights, k),
        LAZY,
    ),
    Race(
        {"name": "facility_location_mi", "similarity": COSINE, "query": QUERY, "eta": 0.9},
        "vectors",
        define.facility_location_mi(0.9),
        submodlib_rivals(submodlib_query, "LazyGreedy", from_matrix=False),
        lambda data, k: numpy_greedy.facility_location_mi(data.vectors, data.queries, k),
        LAZY,
    ),
    Race(
        {"name": "facility_location_cg", "similarity": COSINE, "private": PRIVATE, "nu": 0.6},
        "vectors",
        define.facility_location_given(nu=0.6),
        submodlib_rivals(submodlib_private, "LazyGreedy"),
        lambda data, k: numpy_greedy.facility_location_cg(data.vectors, data.privates, k),
        LAZY,
    ),
]

# divsel's search grows with the thresholds as well: at the large size it would take longer than all others together.
SMALLER = [
    Race(
        {"name": "modular", "scores": {"values": "$scores"}},
        "vectors",
        define.gist(define.modular, 1.0, define.euclidean),
        [("divsel gist_select", lambda data: data, divsel_gist, False)],
        None,
        {"name": "gist", "lambda": 1.0, "epsilon": 0.1, "distance": "euclidean"},
        note="values with the distance",
        reported=define.modular,
    ),
]
