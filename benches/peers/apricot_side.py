"""apricot-select: what its functions are called, and what they are of ours.

It has no f(S): the value it gives is the sum of the gains of its run. A matrix of similarities goes in as data with
metric="precomputed"; its own metrics are not ours of the same name.
"""

import apricot
import numpy as np

import definitions as define
from pair import Pair


def similarity(data):
    return data.cosine


def selector(cls, data_of=similarity, optimizer="lazy", **arguments):
    """`build` and `pick` of a selector: fit is what computes similarities and chooses, so building is only the data."""

    def build(data):
        return data_of(data)

    def pick(matrix, k):
        chosen = cls(k, optimizer=optimizer, **arguments).fit(matrix)
        return [int(i) for i in chosen.ranking], float(np.sum(chosen.gains))

    return {"build": build, "pick": pick}


def vectors(data):
    return data.vectors.astype(np.float64)


def features(data):
    return data.features.astype(np.float64)


def pick_mixture(matrix, k):
    parts = [
        apricot.FacilityLocationSelection(k, metric="precomputed"),
        apricot.SumRedundancySelection(k, metric="precomputed"),
    ]
    mixture = apricot.MixtureSelection(k, parts, optimizer="lazy")
    mixture.weights = np.array([1.0, 0.05])
    chosen = mixture.fit(matrix)
    return [int(i) for i in chosen.ranking], float(np.sum(chosen.gains))


INITIAL = [7, 11]


def pick_with_initial(matrix, k):
    chosen = apricot.FacilityLocationSelection(
        k - len(INITIAL), metric="precomputed", initial_subset=INITIAL, optimizer="lazy"
    ).fit(matrix)
    return INITIAL + [int(i) for i in chosen.ranking], None


def pick_with_costs(handle, k):
    matrix, costs = handle
    chosen = apricot.FacilityLocationSelection(k, metric="precomputed", optimizer="naive").fit(
        matrix, sample_cost=costs
    )
    return [int(i) for i in chosen.ranking], None


FACILITY = {"name": "facility_location", "similarity": {"metric": "cosine"}}
COSINE = {"metric": "cosine"}

PAIRS = [
    Pair(
        "apricot",
        'FacilityLocationSelection(k, metric="precomputed")',
        FACILITY,
        "the matrix is yours: max(0, cos) here; apricot refuses a negative entry",
        "vectors",
        **selector(apricot.FacilityLocationSelection, metric="precomputed"),
        define=define.facility_location(define.cosine),
    ),
    Pair(
        "apricot",
        'FacilityLocationSelection(k, metric="cosine")',
        {"name": "facility_location", "similarity": {"metric": "cosine_squared"}},
        'its "cosine" is cos²: opposite vectors count as equal',
        "vectors",
        **selector(apricot.FacilityLocationSelection, vectors, metric="cosine"),
        define=define.facility_location(define.cosine_squared),
    ),
    Pair(
        "apricot",
        "FacilityLocationSelection(k)",
        {"name": "facility_location", "similarity": {"metric": "euclidean_gap"}},
        'its default "euclidean" is max(D) - D with D the squared distances',
        "vectors",
        **selector(apricot.FacilityLocationSelection, vectors, metric="euclidean"),
        define=define.facility_location(define.euclidean_gap),
    ),
    Pair(
        "apricot",
        "FacilityLocationSelection(k, initial_subset=[7, 11])",
        FACILITY,
        "`include`: it comes first in `indices` and counts towards k; apricot's ranking leaves it out and adds k more",
        "vectors",
        build=similarity,
        pick=pick_with_initial,
        define=define.facility_location(define.cosine),
        constraints=lambda data, k: {"k": k, "include": INITIAL},
    ),
    Pair(
        "apricot",
        "FacilityLocationSelection(budget).fit(X, sample_cost=c)",
        FACILITY,
        "`knapsack`: apricot runs the ratio greedy alone; ours is the best of ratio, plain and single",
        "vectors",
        build=lambda data: (data.cosine, data.costs),
        pick=pick_with_costs,
        define=define.facility_location(define.cosine),
        constraints=lambda data, k: {"knapsack": {"values": data.costs.tolist(), "budget": k}},
    ),
    Pair(
        "apricot",
        "GraphCutSelection(k, alpha=2.5)",
        {"name": "graph_cut", "similarity": COSINE, "lambda": 0.4},
        "`alpha` is on the first sum: lambda = 1 / alpha, and its f is alpha times ours",
        "vectors",
        **selector(apricot.GraphCutSelection, metric="precomputed", alpha=2.5),
        define=define.graph_cut(0.4),
        factor=2.5,
    ),
    Pair(
        "apricot",
        "SaturatedCoverageSelection(k, alpha=0.05)",
        {"name": "saturated_coverage", "similarity": COSINE, "alpha": 0.05},
        "the cap is alpha times the row's sum in both, whatever its documentation says; default 0.1 in both",
        "vectors",
        **selector(apricot.SaturatedCoverageSelection, metric="precomputed", alpha=0.05),
        define=define.saturated_coverage(0.05),
    ),
    Pair(
        "apricot",
        "SumRedundancySelection(k)",
        {"name": "sum_redundancy", "similarity": COSINE},
        "ordered pairs and the diagonal in both",
        "vectors",
        **selector(apricot.SumRedundancySelection, metric="precomputed"),
        define=define.sum_redundancy,
    ),
    *(
        Pair(
            "apricot",
            f'FeatureBasedSelection(k, concave_func="{theirs}")',
            {"name": "feature_based", "concave": ours},
            convention,
            "features",
            **selector(apricot.FeatureBasedSelection, features, concave_func=theirs),
            define=define.feature_based(concave),
        )
        for theirs, ours, concave, convention in (
            ("sqrt", "sqrt", define.SQRT, "the default of both"),
            ("log", "log", define.LOG, "ln(1 + x) in both"),
            ("sigmoid", "ratio", define.RATIO, "its sigmoid is x / (1 + x)"),
        )
    ),
    Pair(
        "apricot",
        "MaxCoverageSelection(k, threshold=1)",
        {"name": "set_cover"},
        "on 0 / 1 data; its `threshold` caps a column's sum, ours is what an entry must exceed to be in the set",
        "cover",
        **selector(apricot.MaxCoverageSelection, lambda data: data.cover.astype(np.float64), threshold=1.0),
        define=define.set_cover(weighted=False),
    ),
    Pair(
        "apricot",
        "MixtureSelection(k, [FacilityLocation…, SumRedundancy…])",
        {
            "name": "mixture",
            "parts": [
                {"weight": 1.0, "objective": FACILITY},
                {"weight": 0.05, "objective": {"name": "sum_redundancy", "similarity": COSINE}},
            ],
        },
        "`weights=` fails under numpy 2 (set the attribute after); its parts share one matrix, ours have each their own",
        "vectors",
        build=similarity,
        pick=pick_mixture,
        define=define.mixture((1.0, define.facility_location(define.cosine)), (0.05, define.sum_redundancy)),
    ),
]
