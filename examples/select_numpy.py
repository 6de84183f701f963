"""Chooses 50 of 5,000 vectors through the service. Needs numpy, and a service on 127.0.0.1:8080 (`fewer serve`), or
wherever FEWER_URL says."""

import io
import json
import os
import time
import urllib.request

import numpy as np

SERVICE = os.environ.get("FEWER_URL", "http://127.0.0.1:8080")


def call(method, path, body=None, media_type="application/json"):
    request = urllib.request.Request(SERVICE + path, body, {"Content-Type": media_type}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


# 100 clusters of very different sizes, as embeddings have them.
rng = np.random.default_rng(0)
centres = rng.normal(size=(100, 128))
cluster = (rng.pareto(0.5, size=5000) % 100).astype(int)
vectors = (centres[cluster] + 0.5 * rng.normal(size=(5000, 128))).astype(np.float32)

file = io.BytesIO()
np.save(file, vectors)
dataset = call("POST", "/v1/datasets?name=clusters", file.getvalue(), "application/x-npy")

job = call("POST", "/v1/jobs", json.dumps({
    "kind": "selection",
    "dataset": dataset["id"],
    "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
    "constraints": {"k": 50},
}).encode())
while job["state"] not in ("succeeded", "failed", "cancelled"):
    time.sleep(0.1)
    job = call("GET", f"/v1/jobs/{job['id']}")

result = call("GET", f"/v1/jobs/{job['id']}/result")
chosen = vectors[result["indices"]]
print(f"{len(chosen)} vectors, value {result['objective_value']:.3f}")
print(f"guarantee: {result['guarantee']['statement']}")
print(f"measured: at least {100 * result['certificate']['ratio']:.1f} % of the best possible")
print(f"{len(set(cluster[result['indices']]))} of {len(set(cluster))} clusters are represented")
