"""Each function by its definition, in float64 numpy: what both sides are held to. All take the data and return f(S)."""

import numpy as np

from data import unit

SQRT, LOG, RATIO = np.sqrt, np.log1p, lambda z: z / (1 + z)


def facility_location(similarity):
    return lambda data: lambda S: similarity(data)[:, S].max(axis=1, initial=0).sum()


def cosine(data):
    return data.cosine


def cosine_squared(data):
    return data.cosine**2


def euclidean_gap(data):
    return data.squared_distance.max() - data.squared_distance


def exp_distance(data):
    return np.exp(-np.sqrt(data.squared_distance) / data.dim)


def dot(data):
    x = data.vectors.astype(np.float64)
    return x @ x.T


def graph_cut(lam):
    return lambda data: lambda S: data.cosine[:, S].sum() - lam * data.cosine[np.ix_(S, S)].sum()


def saturated_coverage(alpha):
    def of(data):
        cap = alpha * data.cosine.sum(axis=1)
        return lambda S: np.minimum(data.cosine[:, S].sum(axis=1), cap).sum()

    return of


def sum_redundancy(data):
    return lambda S: -data.cosine[np.ix_(S, S)].sum()


def feature_based(concave, features="features"):
    return lambda data: lambda S: concave(getattr(data, features)[S].sum(axis=0, dtype=np.float64)).sum()


def modular(data):
    return lambda S: data.scores[S].sum()


def mixture(*parts):
    return lambda data: lambda S: sum(weight * f(data)(S) for weight, f in parts)


def set_cover(weighted=True, query=False, private=False):
    def of(data):
        w = masked(data, weighted, query, private)
        return lambda S: (w * (data.cover[S] > 0).any(axis=0)).sum()

    return of


def probabilistic_set_cover(query=False, private=False):
    def of(data):
        w = masked(data, True, query, private)
        return lambda S: (w * (1 - np.prod(1 - data.probabilities[S].astype(np.float64), axis=0))).sum()

    return of


def masked(data, weighted, query, private):
    w = data.weights if weighted else np.ones(len(data.weights))
    return w * (data.query_mask if query else 1) * (~data.private_mask if private else 1)


def log_determinant(matrix):
    return np.linalg.slogdet(matrix)[1] if len(matrix) else 0.0


def log_det(ridge):
    return lambda data: lambda S: log_determinant(data.cosine[np.ix_(S, S)] + ridge * np.eye(len(S)))


def log_det_conditional(ridge, eta=None, nu=None):
    """log_det given the private rows (`nu`) or given the query (`eta`) or both, whichever is not None."""

    def of(data):
        u, rows, scale = unit(data.vectors), [], []
        for points, factor in ((data.queries, eta), (data.privates, nu)):
            if factor is not None:
                rows.append(unit(points))
                scale += [factor] * len(points)
        given = np.vstack(rows)
        cross = u @ given.T * np.array(scale)
        inverse = np.linalg.inv(given @ given.T + ridge * np.eye(len(given)))
        kernel = data.cosine + ridge * np.eye(data.n) - cross @ inverse @ cross.T
        return lambda S: log_determinant(kernel[np.ix_(S, S)])

    return of


def difference(f, g):
    return lambda data: (lambda a, b: lambda S: a(S) - b(S))(f(data), g(data))


def disparity_sum(distance):
    return lambda data: lambda S: distance(data)[np.ix_(S, S)].sum() / 2


def disparity_min(distance):
    def of(data):
        d = distance(data)
        return lambda S: d[np.ix_(S, S)][np.triu_indices(len(S), 1)].min() if len(S) > 1 else 0.0

    return of


def cosine_distance(data):
    return 1 - data.cosine


def clipped_max(data, points):
    return (unit(data.vectors) @ unit(points).T).max(axis=1)


def facility_location_given(eta=None, nu=None):
    """facility_location with each row's share capped by the query (`eta`) and less what private rows give (`nu`)."""

    def of(data):
        cap = np.inf if eta is None else eta * clipped_max(data, data.queries)
        floor = 0 if nu is None else nu * clipped_max(data, data.privates)
        return lambda S: np.maximum(np.minimum(data.cosine[:, S].max(axis=1, initial=0), cap) - floor, 0).sum()

    return of


def facility_location_mi(eta):
    def of(data):
        s = unit(data.vectors) @ unit(data.queries).T
        return lambda S: s[S].max(axis=0, initial=0).sum() + eta * s[S].max(axis=1).sum()

    return of


def graph_cut_mi(lam):
    return lambda data: lambda S: 2 * lam * (unit(data.vectors)[S] @ unit(data.queries).T).sum()


def graph_cut_cg(lam, nu):
    def of(data):
        private = (unit(data.vectors) @ unit(data.privates).T).sum(axis=1)
        return lambda S: graph_cut(lam)(data)(S) - 2 * lam * nu * private[S].sum()

    return of


def concave_over_modular(concave, eta):
    def of(data):
        s = unit(data.vectors) @ unit(data.queries).T
        return lambda S: eta * concave(s[S].sum(axis=1)).sum() + concave(s[S].sum(axis=0)).sum()

    return of


def gist(utility, lam, distance):
    """utility + lam * the smallest distance, which is the largest of all for fewer than two items."""

    def of(data):
        g, d = utility(data), distance(data)
        smallest = lambda S: d[np.ix_(S, S)][np.triu_indices(len(S), 1)].min() if len(S) > 1 else d.max()
        return lambda S: g(S) + lam * smallest(S)

    return of


def euclidean(data):
    return np.sqrt(data.squared_distance)
