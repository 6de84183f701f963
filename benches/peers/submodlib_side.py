"""submodlib: what its functions are called, and what they are of ours.

Everything is float32 inside. Building an object makes the similarities, in scalar C++ from nested lists; choosing is
`maximize`. Each has f(S) as `evaluate`.
"""

import submodlib
from submodlib_cpp import ConcaveOverModular, FeatureBased

import definitions as define
from pair import GREEDY, Pair

# Where eta caps what a row can be given, 0.9 would leave all rows at their caps after a few picks.
ETA, WIDE_ETA, NU, RIDGE, LAMBDA = 0.9, 1.2, 0.6, 0.5, 0.4
COSINE = {"metric": "cosine"}
QUERY, PRIVATE = {"vectors": "$queries"}, {"vectors": "$privates"}
CONCEPTS = {"weights": "$weights"}
CONCAVES = (("squareRoot", "sqrt", define.SQRT), ("logarithmic", "log", define.LOG), ("inverse", "ratio", define.RATIO))


def maximiser(optimizer="LazyGreedy"):
    def pick(function, k):
        chosen = function.maximize(budget=k, optimizer=optimizer, show_progress=False)
        picks = [int(i) for i, _ in chosen]
        return picks, function.evaluate(set(picks))

    return pick


def graph(name, **arguments):
    return lambda data: getattr(submodlib, name)(
        n=data.n, mode="dense", data=data.vectors, **({"metric": "cosine"} | arguments)
    )


def directed(name, query=False, private=False, **arguments):
    def build(data):
        more = {"num_queries": len(data.queries), "queryData": data.queries} if query else {}
        if private:
            more |= {"num_privates": len(data.privates), "privateData": data.privates}
        return getattr(submodlib, name)(n=data.n, data=data.vectors, metric="cosine", **more, **arguments)

    return build


def covers(name, probabilistic, query=False, private=False):
    def build(data):
        masks = {"query_concepts": chosen(data.query_mask)} if query else {}
        if private:
            masks["private_concepts"] = chosen(data.private_mask)
        items = (
            {"probs": data.probabilities.tolist()}
            if probabilistic
            else {"cover_set": [chosen(row) for row in data.cover]}
        )
        return getattr(submodlib, name)(
            n=data.n, num_concepts=len(data.weights), concept_weights=data.weights.tolist(), **items, **masks
        )

    return build


def chosen(mask):
    return {int(i) for i in mask.nonzero()[0]}


def pair(theirs, objective, convention, build, definition, upload="vectors", naive=False, **more):
    """`naive` where the function is not submodular, so that lazy evaluation would not be greedy."""
    return Pair(
        "submodlib",
        theirs,
        objective,
        convention,
        upload,
        build,
        maximiser("NaiveGreedy" if naive else "LazyGreedy"),
        definition,
        value=lambda function, S: function.evaluate(set(S)),
        **({"optimizer": GREEDY} if naive else {}),
        **more,
    )


def cover_pairs(probabilistic):
    name, ours, upload = (
        ("ProbabilisticSetCover", "probabilistic_set_cover", "probabilities")
        if probabilistic
        else ("SetCover", "set_cover", "cover")
    )
    definition = define.probabilistic_set_cover if probabilistic else define.set_cover
    for kind, query, private in (
        ("", False, False),
        ("MutualInformation", True, False),
        ("ConditionalGain", False, True),
        ("ConditionalMutualInformation", True, True),
    ):
        masks = ({"query": "$query_mask"} if query else {}) | ({"private": "$private_mask"} if private else {})
        yield pair(
            f"{name}{kind}Function",
            {"name": ours} | CONCEPTS | masks,
            "sets of concept numbers there, a mask over the columns here"
            if masks
            else (
                "`probs` is the dataset" if probabilistic else "`cover_set` is the dataset, a column for each concept"
            ),
            covers(f"{name}{kind}Function", probabilistic, query, private),
            definition(query=query, private=private),
            upload=upload,
        )


PAIRS = [
    pair(
        "FacilityLocationFunction",
        {"name": "facility_location", "similarity": COSINE},
        "its cosine is unclipped, but the running maximum starts at 0: as clipped",
        graph("FacilityLocationFunction"),
        define.facility_location(define.cosine),
    ),
    pair(
        'FacilityLocationFunction(metric="euclidean")',
        {"name": "facility_location", "similarity": {"metric": "exp_distance"}},
        'its "euclidean" is exp(-d / dim), d not squared',
        graph("FacilityLocationFunction", metric="euclidean"),
        define.facility_location(define.exp_distance),
    ),
    pair(
        'FacilityLocationFunction(metric="dot")',
        {"name": "facility_location", "similarity": {"metric": "dot"}},
        "the same",
        graph("FacilityLocationFunction", metric="dot"),
        define.facility_location(define.dot),
    ),
    pair(
        "GraphCutFunction(lambdaVal=0.4)",
        {"name": "graph_cut", "similarity": COSINE, "lambda": LAMBDA},
        "the same lambda; it keeps negative similarities, ours refuses or clips them",
        graph("GraphCutFunction", lambdaVal=LAMBDA),
        define.graph_cut(LAMBDA),
    ),
    pair(
        "LogDeterminantFunction(lambdaVal=0.5)",
        {"name": "log_det", "similarity": {"metric": "cosine_signed"}, "ridge": RIDGE},
        "`lambdaVal` is the ridge on the diagonal; ours stops at the numerical rank, it goes on with noise",
        graph("LogDeterminantFunction", lambdaVal=RIDGE),
        define.log_det(RIDGE),
    ),
    *(
        pair(
            f"FeatureBasedFunction(mode={theirs})",
            {"name": "feature_based", "concave": ours},
            "it min–max scales every column first: upload the scaled columns to repeat it",
            lambda data, theirs=theirs: submodlib.FeatureBasedFunction(
                n=data.n,
                features=data.features.tolist(),
                numFeatures=data.dim,
                sparse=False,
                mode=getattr(FeatureBased, theirs),
            ),
            define.feature_based(concave, "scaled_features"),
            upload="scaled_features",
        )
        for theirs, ours, concave in CONCAVES
    ),
    *cover_pairs(False),
    *cover_pairs(True),
    pair(
        "DisparitySumFunction",
        {"name": "disparity_sum", "distance": "cosine"},
        "distance is 1 - similarity, so 1 - cos; each pair once in both",
        graph("DisparitySumFunction"),
        define.disparity_sum(define.cosine_distance),
        naive=True,
    ),
    pair(
        "DisparityMinFunction",
        {"name": "disparity_min", "distance": "cosine"},
        "the same distance; every first gain is 0: ours starts with the lowest item, it with whichever its set yields",
        graph("DisparityMinFunction"),
        define.disparity_min(define.cosine_distance),
        naive=True,
    ),
    pair(
        "FacilityLocationMutualInformationFunction(magnificationEta=1.2)",
        {"name": "facility_location_vmi", "similarity": COSINE, "query": QUERY, "eta": WIDE_ETA},
        "**its MutualInformation is our `_vmi`, its VariantMutualInformation our `_mi`**",
        directed("FacilityLocationMutualInformationFunction", query=True, magnificationEta=WIDE_ETA),
        define.facility_location_given(eta=WIDE_ETA),
    ),
    pair(
        "FacilityLocationVariantMutualInformationFunction(queryDiversityEta=0.9)",
        {"name": "facility_location_mi", "similarity": COSINE, "query": QUERY, "eta": ETA},
        "see the line above; `queryDiversityEta` is `eta`",
        directed("FacilityLocationVariantMutualInformationFunction", query=True, queryDiversityEta=ETA),
        define.facility_location_mi(ETA),
    ),
    pair(
        "GraphCutMutualInformationFunction",
        {"name": "graph_cut_mi", "similarity": COSINE, "query": QUERY, "lambda": 0.5},
        "it drops the factor 2 lambda: the same at lambda 0.5",
        directed("GraphCutMutualInformationFunction", query=True),
        define.graph_cut_mi(0.5),
    ),
    *(
        pair(
            f"ConcaveOverModularFunction(mode={theirs})",
            {"name": "concave_over_modular", "similarity": COSINE, "query": QUERY, "eta": ETA, "concave": ours},
            "`queryDiversityEta` is `eta`; its default mode is logarithmic, ours sqrt",
            directed(
                "ConcaveOverModularFunction",
                query=True,
                queryDiversityEta=ETA,
                mode=getattr(ConcaveOverModular, theirs),
            ),
            define.concave_over_modular(concave, ETA),
        )
        for theirs, ours, concave in CONCAVES
    ),
    pair(
        "LogDeterminantMutualInformationFunction(lambdaVal=0.5)",
        {"name": "log_det_mi", "query": QUERY, "eta": ETA, "ridge": RIDGE},
        "the ridge is on the query's kernel too; not submodular: greedy is a heuristic in both",
        directed("LogDeterminantMutualInformationFunction", query=True, lambdaVal=RIDGE, magnificationEta=ETA),
        define.difference(define.log_det(RIDGE), define.log_det_conditional(RIDGE, eta=ETA)),
        naive=True,
    ),
    pair(
        "FacilityLocationConditionalGainFunction(privacyHardness=0.6)",
        {"name": "facility_location_cg", "similarity": COSINE, "private": PRIVATE, "nu": NU},
        "`privacyHardness` is `nu`",
        directed("FacilityLocationConditionalGainFunction", private=True, privacyHardness=NU),
        define.facility_location_given(nu=NU),
    ),
    pair(
        "GraphCutConditionalGainFunction(lambdaVal=0.4)",
        {"name": "graph_cut_cg", "similarity": COSINE, "private": PRIVATE, "lambda": LAMBDA, "nu": NU},
        "`privacyHardness` is `nu`",
        directed("GraphCutConditionalGainFunction", private=True, lambdaVal=LAMBDA, privacyHardness=NU),
        define.graph_cut_cg(LAMBDA, NU),
    ),
    pair(
        "LogDeterminantConditionalGainFunction(lambdaVal=0.5)",
        {"name": "log_det_cg", "private": PRIVATE, "nu": NU, "ridge": RIDGE},
        "the ridge is on the private kernel too",
        directed("LogDeterminantConditionalGainFunction", private=True, lambdaVal=RIDGE, privacyHardness=NU),
        define.log_det_conditional(RIDGE, nu=NU),
    ),
    pair(
        "FacilityLocationConditionalMutualInformationFunction",
        {
            "name": "facility_location_cmi",
            "similarity": COSINE,
            "query": QUERY,
            "private": PRIVATE,
            "eta": WIDE_ETA,
            "nu": NU,
        },
        "`magnificationEta` is `eta`, `privacyHardness` is `nu`",
        directed(
            "FacilityLocationConditionalMutualInformationFunction",
            query=True,
            private=True,
            magnificationEta=WIDE_ETA,
            privacyHardness=NU,
        ),
        define.facility_location_given(eta=WIDE_ETA, nu=NU),
    ),
    pair(
        "LogDeterminantConditionalMutualInformationFunction(lambdaVal=0.5)",
        {"name": "log_det_cmi", "query": QUERY, "private": PRIVATE, "eta": ETA, "nu": NU, "ridge": RIDGE},
        "similarities of the query to the private rows are not scaled in either",
        directed(
            "LogDeterminantConditionalMutualInformationFunction",
            query=True,
            private=True,
            lambdaVal=RIDGE,
            magnificationEta=ETA,
            privacyHardness=NU,
        ),
        define.difference(define.log_det_conditional(RIDGE, nu=NU), define.log_det_conditional(RIDGE, eta=ETA, nu=NU)),
        naive=True,
    ),
]
