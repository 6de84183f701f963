"""Training data in rounds, as INGENIOUS chooses it (Renduchintala et al. 2023): rank all rows once by how well they
represent the rest, train on samples that prefer large gains, draw again from the same ranking, and rank anew when the
network's features have changed. Then a linear probe tells whether that helps: beside random rows, and beside rows
chosen by facility location.

Needs numpy and scikit-learn (its digits come with it), and a service on 127.0.0.1:8080 (`fewer serve`), or wherever
FEWER_URL says."""

import json
import os
import time
import urllib.error
import urllib.request

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SERVICE = os.environ.get("FEWER_URL", "http://127.0.0.1:8080")
SHARES = (0.05, 0.10, 0.25)
SEEDS = range(10)


def call(method, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(SERVICE + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        raise SystemExit(f"{method} {path} was refused: {refusal.read().decode()}") from None


def run(**job):
    """Id and result of a job, and the seconds until they were here."""
    started = time.perf_counter()
    job = call("POST", "/v1/jobs", job, Prefer="wait=60")  # One request, where the job is done in a minute.
    while job["state"] not in ("succeeded", "failed", "cancelled"):
        time.sleep(0.1)
        job = call("GET", f"/v1/jobs/{job['id']}")
    if job["state"] != "succeeded":
        raise SystemExit(f"{job['id']} {job['state']}: {job['error']}")
    result = call("GET", f"/v1/jobs/{job['id']}/result")
    return job["id"], result, time.perf_counter() - started


def upload(features, ids):
    """By their ids rows are known again in datasets of other features."""
    body = {"kind": "vectors", "vectors": np.round(features, 5).tolist(), "ids": ids}
    return call("POST", "/v1/datasets", body)["id"]


def rank(dataset):
    """Every row of every part in its order, with its gain. Parts are small, so this works for millions of rows."""
    return run(
        kind="selection",
        dataset=dataset,
        objective={"name": "facility_location"},
        constraints={},  # No k: all rows of a part but the last get their place.
        optimizer={
            "name": "partitioned_greedy",
            "parts": {"by": "random", "count": 6},
            "merge": False,
            "rank_all": True,
        },
    )


def resample(ranking, size, seed):
    """Draws from a ranking; no vector is touched."""
    return run(kind="resample", job=ranking, size=size, seed=seed, weights="taylor_softmax", scope="part")


def facility_location(dataset, size, **more):
    objective = {"name": "facility_location"}
    return run(kind="selection", dataset=dataset, objective=objective, constraints={"k": size}, **more)


# The digits, of which a third is for tests; of each training image also copies, shifted by a pixel to the left and to
# the right. So there are 3,600 rows to train on, many of which tell little that others do not.
images, digits = load_digits(return_X_y=True)
images = images / 16


def split(seed):
    x, test_x, y, test_y = train_test_split(images, digits, train_size=1200, random_state=seed, stratify=digits)
    square = np.pad(x.reshape(-1, 8, 8), ((0, 0), (0, 0), (1, 1)))
    copies = {"left": square[:, :, 2:], "as-is": square[:, :, 1:-1], "right": square[:, :, :-2]}
    ids = [f"{row}-{shift}" for shift in copies for row in range(len(x))]
    return np.concatenate([copy.reshape(-1, 64) for copy in copies.values()]), np.tile(y, 3), ids, test_x, test_y


def train(network, x, y, epochs):
    for _ in range(epochs):
        network.partial_fit(x, y, classes=range(10))


def new_network(seed):
    return MLPClassifier(hidden_layer_sizes=(64,), batch_size=32, random_state=seed)


def features(network, x):
    """What a network makes of images before it decides."""
    return np.maximum(x @ network.coefs_[0] + network.intercepts_[0], 0)


def probe(x, y, test_x, test_y):
    """Accuracy of a linear classifier on pixels: what the rows teach, whatever network chose them."""
    return LogisticRegression(max_iter=2000).fit(x, y).score(test_x, test_y)


# One training run. The network starts with an epoch of all rows, so that its features mean something.
x, y, ids, test_x, test_y = split(seed=0)
network = new_network(seed=0)
train(network, x, y, epochs=1)
size = len(x) // 10
print(f"{len(x)} rows; the network after one epoch of all: {network.score(test_x, test_y):.3f}")

dataset = upload(features(network, x), ids)
ranking, result, seconds = rank(dataset)
print(f"ranked {len(result['indices'])} rows in {len(result['parts'])} parts, {seconds:.2f} s")
samples = []
for seed in range(1, 6):
    _, drawn, seconds = resample(ranking, size, seed)
    samples.append(drawn["indices"])
    train(network, x[samples[-1]], y[samples[-1]], epochs=10)
    print(f"sample {seed}: {size} rows in {1000 * seconds:.0f} ms, the network after 10 epochs of them:"
          f" {network.score(test_x, test_y):.3f}")
pair = call("POST", "/v1/compare", {"a": {"items": samples[0]}, "b": {"items": samples[1]}, "universe": len(x)})
print(f"the first two share {pair['intersection']} rows; by chance it would be {pair['expected_intersection']:.1f}")

# The features are others by now. Refresh: the same specification on new features. A ranking has all rows anyway; a
# selection may start from an earlier one, and keeps what is still good.
refreshed = upload(features(network, x), ids)
ranking, _, seconds = rank(refreshed)
_, drawn, _ = resample(ranking, size, seed=6)
train(network, x[drawn["indices"]], y[drawn["indices"]], epochs=10)
print(f"refreshed the ranking in {seconds:.2f} s, the network after 10 epochs of a sample of it:"
      f" {network.score(test_x, test_y):.3f}")
core, before, _ = facility_location(dataset, size)
for name, more in (("anew", {}), ("from the old ones", {"warm_start": {"job": core}})):
    _, result, seconds = facility_location(refreshed, size, **more)
    shared = len(set(before["ids"]) & set(result["ids"]))
    print(f"facility location {name}: value {result['objective_value']:.1f}, {shared} of {size} rows as before,"
          f" {seconds:.2f} s")

# Does it help? Each seed is another split, another network, another ranking and another draw. It depends on the data:
# of digits, facility location's rows teach a linear probe more than random rows do, most where they are few; samples by
# gain do not.
names = ("random", "facility location", "INGENIOUS")
accuracies = {(name, share): [] for name in names for share in SHARES}
everything = []
for seed in SEEDS:
    x, y, ids, test_x, test_y = split(seed)
    network = new_network(seed)
    train(network, x, y, epochs=1)
    dataset = upload(features(network, x), ids)
    ranking, _, _ = rank(dataset)
    # Greedy's first rows are its answer for a smaller k.
    chosen = facility_location(dataset, int(max(SHARES) * len(x)))[1]["indices"]
    shuffled = np.random.default_rng(seed).permutation(len(x))
    for share in SHARES:
        size = int(share * len(x))
        rows = (shuffled[:size], chosen[:size], resample(ranking, size, seed)[1]["indices"])
        for name, of in zip(names, rows):
            accuracies[name, share].append(probe(x[of], y[of], test_x, test_y))
    everything.append(probe(x, y, test_x, test_y))


def mean(values, sign=""):
    values = np.array(values)
    return f"{values.mean():{sign}.3f} +- {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


print(f"\naccuracy of a linear probe, mean and standard error over {len(SEEDS)} seeds; of all rows: {mean(everything)}")
print(f"{'':<28}" + "".join(f"{100 * share:>14.0f} %" for share in SHARES))
for name in names:
    print(f"{name:<28}" + "".join(f"{mean(accuracies[name, share]):>16}" for share in SHARES))
# The splits differ more than the choices do: differences within a seed tell more.
for name in names[1:]:
    pairs = (np.subtract(accuracies[name, share], accuracies["random", share]) for share in SHARES)
    print(f"{name + ' - random':<28}" + "".join(f"{mean(pair, '+'):>16}" for pair in pairs))
