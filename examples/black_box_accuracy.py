"""Chooses the training rows that a classifier learns most from. A set of rows is worth the validation accuracy of a
model trained on them, which no formula gives: the service searches, this process answers what each set is worth.

Needs numpy and scikit-learn (its digits come with it), and a service on 127.0.0.1:8080 (`fewer serve`), or wherever
FEWER_URL says."""

import json
import os
import time
import urllib.error
import urllib.request

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SERVICE = os.environ.get("FEWER_URL", "http://127.0.0.1:8080")
ROWS = 20  # how many training rows are chosen, of 600
SEEDS = range(5)


def call(method, path, body=None):
    """The status and the body of an answer, refusals too: one of them says that a job has no more questions."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVICE + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def expect(status, got):
    if got[0] != status:
        raise SystemExit(f"the service answered {got[0]}: {json.dumps(got[1])}")
    return got[1]


# The data in three parts: rows to choose from, rows that measure a choice while the search runs, and rows that the
# search never sees. Only the last tell what was gained; a search by validation accuracy fits the validation rows, too.
images, digits = load_digits(return_X_y=True)
train_x, rest_x, train_y, rest_y = train_test_split(images, digits, train_size=600, random_state=0, stratify=digits)
valid_x, test_x, valid_y, test_y = train_test_split(rest_x, rest_y, train_size=600, random_state=0, stratify=rest_y)


def accuracy(rows, x, y):
    """How often the nearest mean of the digits among these training rows is right about x. Put your own model here."""
    known = np.unique(train_y[rows])
    if len(known) == 0:
        return 0.0  # The empty set is asked for, too.
    means = np.array([train_x[rows][train_y[rows] == digit].mean(axis=0) for digit in known])
    distances = (means**2).sum(axis=1) - 2 * x @ means.T  # Squared, less what is the same for every mean.
    return float((known[distances.argmin(axis=1)] == y).mean())


def search(seed):
    """Lets the service choose, and answers its questions. Gives the rows, and the figures of the exchange."""
    job = expect(202, call("POST", "/v1/jobs", {
        "kind": "selection",
        # No dataset: the service never sees the rows, only how many there are. Accuracy is neither monotone nor
        # submodular, so `properties` vouches for nothing, and the result promises nothing.
        "objective": {"name": "external", "n": len(train_x)},
        "constraints": {"k": ROWS},
        # Each step asks for a sample of the candidates. A smaller epsilon: larger samples, more calls.
        "optimizer": {"name": "stochastic_greedy", "epsilon": 0.1},
        "seed": seed,
    }))["id"]
    calls, rounds, seconds_in_model = 0, 0, 0.0
    while True:
        # Waits on the service's side until it has a question, and comes back with 204 when it has none yet.
        status, asked = call("GET", f"/v1/jobs/{job}/questions?wait=30")
        if status == 204:
            continue
        if status == 409 and asked["code"] == "not_awaiting_answers":
            break  # The job has ended.
        expect(200, (status, asked))

        # The values of the sets, in their order. A round is one batch: this is where to use several processes or a GPU.
        started = time.perf_counter()
        values = [accuracy(rows, valid_x, valid_y) for rows in asked["sets"]]
        seconds_in_model += time.perf_counter() - started
        calls += len(values)
        rounds += 1
        # Should this answer get lost, the same one may be sent again; the round is kept even where the service stops.
        expect(202, call("POST", f"/v1/jobs/{job}/answers", {"round": asked["round"], "answers": values}))

    result = expect(200, call("GET", f"/v1/jobs/{job}/result"))
    return result, calls, rounds, seconds_in_model


def mean(values):
    """With its standard error, where there are several."""
    error = f" +- {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}" if len(values) > 1 else " " * 9
    return f"{np.mean(values):>12.3f}{error}"


names = ["chosen by the search", "a random set", "the best of as many random sets"]
valid, test = {name: [] for name in names}, {name: [] for name in names}
for seed in SEEDS:
    started = time.perf_counter()
    result, calls, rounds, in_model = search(seed)
    took = time.perf_counter() - started
    print(f"seed {seed}: {calls} calls in {rounds} rounds, {took:.2f} s, of which {in_model:.2f} s in the model")

    # What the same number of calls finds without a search.
    rng = np.random.default_rng(seed)
    tried = [rng.choice(len(train_x), ROWS, replace=False) for _ in range(calls)]
    best = max(tried, key=lambda rows: accuracy(rows, valid_x, valid_y))
    for name, rows in zip(names, (result["indices"], tried[0], best)):
        valid[name].append(accuracy(rows, valid_x, valid_y))
        test[name].append(accuracy(rows, test_x, test_y))

print(f"guarantee: none, {result['guarantee']['reason']}")
everything = "all rows"
valid[everything] = [accuracy(np.arange(len(train_x)), valid_x, valid_y)]
test[everything] = [accuracy(np.arange(len(train_x)), test_x, test_y)]
print(f"\n{f'accuracy of {ROWS} rows of {len(train_x)}':<34}{'validation':>12}{'test':>21}")
for name in valid:
    print(f"{name:<34}{mean(valid[name])}{mean(test[name])}")
