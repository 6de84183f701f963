"""Explains one answer of an image classifier: which parts of a digit it rests on, by LiMA and by SMDL-Attribution. The
classifier stays in this process; the service searches, and asks what the classifier says of the image with some parts
shown and the others hidden.

    python3 examples/attribution_over_http.py [PICTURE.png [IMAGE]]

writes heat maps, insertion and deletion curves as PICTURE.png (attribution.png), of test image IMAGE (0; with 99 it is
an 8 that the classifier takes for a 9).

Needs numpy, scikit-learn (its digits come with it) and matplotlib, and a service on 127.0.0.1:8080 (`fewer serve`), or
wherever FEWER_URL says."""

import json
import os
import sys
import urllib.error
import urllib.request

import matplotlib

matplotlib.use("Agg")  # Pictures go to files; no screen is needed.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SERVICE = os.environ.get("FEWER_URL", "http://127.0.0.1:8080")
PICTURE = sys.argv[1] if len(sys.argv) > 1 else "attribution.png"
IMAGE = int(sys.argv[2]) if len(sys.argv) > 2 else 0
GRID = 4  # Regions a side: 16 blocks of 2 x 2 pixels. With 8, every pixel is a region.
POOL = 8  # How many of the least promising regions the other end of the search looks at.


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


# The model: a small network, trained on half of the digits. Any other will do that tells probabilities.
images, digits = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, digits, test_size=0.5, random_state=0)
model = MLPClassifier(hidden_layer_sizes=(64,), max_iter=500, random_state=0).fit(train_x, train_y)
image = test_x[IMAGE]
target = int(model.predict([image])[0])
print(f"the classifier is right about {100 * model.score(test_x, test_y):.1f} % of the test images;"
      f" image {IMAGE} is labelled {test_y[IMAGE]}, it says {target}")

# The regions: each pixel has the number of its block, row by row. What is hidden looks like the mean of all images.
side = np.arange(8) * GRID // 8
region = (side[:, None] * GRID + side[None, :]).ravel()
count = GRID * GRID
hidden = train_x.mean(axis=0)


def show(sets):
    """One image a set, of which only the regions of the set are shown."""
    shown = np.zeros((len(sets), count), dtype=bool)
    for row, regions in enumerate(sets):
        shown[row, regions] = True
    return np.where(shown[:, region], image, hidden)


def features(x):
    """What the network makes of images before it decides."""
    return np.maximum(x @ model.coefs_[0] + model.intercepts_[0], 0)


def answer(sets, evidence):
    """What the model says of each set of regions and of its complement: a round is one batch."""
    complements = [sorted(set(range(count)) - set(regions)) for regions in sets]
    x = show(sets + complements)
    said = [{"probs": probs} for probs in model.predict_proba(x).tolist()]
    if evidence:
        # SMDL asks an evidential network of its own how sure it is. There is none here: the outputs before the softmax
        # stand for it.
        outputs = features(x) @ model.coefs_[1] + model.intercepts_[1]
        said = [{**one, "evidence": output} for one, output in zip(said, outputs.tolist())]
    return [{**shown, "complement": rest} for shown, rest in zip(said, said[len(sets):])]


def attribute(preset):
    job = expect(202, call("POST", "/v1/jobs", {
        "kind": "attribution",
        "preset": preset,  # Weights of the four terms, and where the confidence comes from.
        "regions": {
            "count": count,
            "areas": np.bincount(region).tolist(),
            # Each region alone, as the model sees it: regions that look alike to it explain little together.
            "features": features(show([[i] for i in range(count)])).tolist(),
        },
        "classes": 10,
        "target": target,
        "optimizer": {"name": "bidirectional_greedy", "pool": POOL},
        "evaluator": {"answers": True},
    }))["id"]
    while True:
        # Waits on the service's side until it has a question, and comes back with 204 when it has none yet.
        status, asked = call("GET", f"/v1/jobs/{job}/questions?wait=30")
        if status == 204:
            continue
        if status == 409 and asked["code"] == "not_awaiting_answers":
            break  # The job has ended.
        expect(200, (status, asked))
        answers = answer(asked["sets"], evidence=preset == "smdl")
        expect(202, call("POST", f"/v1/jobs/{job}/answers", {"round": asked["round"], "answers": answers}))
    return expect(200, call("GET", f"/v1/jobs/{job}/result"))["attribution"]


def curves(order):
    """Probability of the target as the regions of an order are shown one by one, and as they are hidden one by one."""
    first = [order[:t] for t in range(count + 1)]
    return [model.predict_proba(show(sets))[:, target] for sets in (first, [order[t:] for t in range(count + 1)])]


def area_under(curve):
    return float(np.sum((curve[1:] + curve[:-1]) / 2) / count)  # All regions are of one size.


# What an order that knows nothing gets: without it, an area under a curve says little.
rng = np.random.default_rng(0)
random_curves = np.array([curves(rng.permutation(count)) for _ in range(100)]).mean(axis=0)

found = {preset: attribute(preset) for preset in ("lima", "smdl")}
greedy_calls = count * (count + 1)
for preset, result in found.items():
    print(f"\n{preset}: regions, most important first: {' '.join(map(str, result['ranking']))}")
    print(f"insertion {result['insertion_auc']:.3f} (higher is better), deletion {result['deletion_auc']:.3f} (lower)")
    print(f"{result['model_calls']} model calls in {result['rounds']} rounds; greedy takes {greedy_calls},"
          f" {greedy_calls / result['model_calls']:.2f} times as many")
print(f"\nrandom orders: insertion {area_under(random_curves[0]):.3f}, deletion {area_under(random_curves[1]):.3f}")

figure, axes = plt.subplots(1, 5, figsize=(17, 4.2), layout="constrained")
ink = image.reshape(8, 8)
axes[0].imshow(ink, cmap="gray_r")
axes[0].set_title(f"labelled {test_y[IMAGE]}, classified as {target}")
for axis, (preset, result) in zip(axes[1:], found.items()):
    # A region at rank r, from 0, weighs count - r. It colours the paper; the ink stays dark.
    heat = np.array(result["region_weights"])[region].reshape(8, 8) / count
    axis.imshow(plt.get_cmap("YlOrRd")(heat)[..., :3] * (1 - 0.7 * ink[..., None]))
    for rank, i in enumerate(result["ranking"], start=1):
        rows, columns = np.divmod(np.flatnonzero(region == i), 8)
        disc = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axis.text(columns.mean(), rows.mean(), rank, ha="center", va="center", fontsize=8, bbox=disc)
    axis.set_title(f"{preset}: 1 matters most")
for axis in axes[:3]:
    axis.set_axis_off()
share = np.arange(count + 1) / count
for axis, what, verb, at_random in zip(axes[3:], ("insertion", "deletion"), ("shown", "hidden"), random_curves):
    for (preset, result), line in zip(found.items(), ("-", "-.")):
        axis.plot(result["areas"], result[f"{what}_curve"], line, label=f"{preset}, area {result[f'{what}_auc']:.3f}")
    axis.plot(share, at_random, "--", color="gray", label=f"random, area {area_under(at_random):.3f}")
    axis.set(title=what, xlabel=f"share {verb}", ylabel=f"probability of {target}", ylim=(-0.03, 1.03))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
figure.savefig(PICTURE, dpi=100)
print(f"\nwrote {PICTURE}")
