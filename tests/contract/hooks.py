"""What a document cannot tell schemathesis: formats that are no JSON, and which datasets and jobs there are."""

import io
import itertools
import json
import os
import struct
import urllib.request

import pyarrow
import pyarrow.parquet
import schemathesis
from hypothesis import strategies as st

URL = os.environ["FEWER_URL"]
KEY = os.environ["FEWER_AUTH__API_KEY"]
ARROW, PARQUET, NPY = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet", "application/x-npy"
PREFLIB = "text/x-preflib"
VECTORS = {
    "kind": "vectors",
    "vectors": [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8], [-1.0, 0.0]],
    "ids": ["a", "b", "c", "d", "e"],
    "columns": {"section": ["libs", "games", "libs", "games", None], "size": [1, 2, 3, 4, 5]},
}
# Types of a result, in turn; there is none of the last.
ACCEPTED = itertools.cycle(["application/json", "application/x-ndjson", "text/csv", NPY, ARROW, PARQUET, "image/png"])


def npy(rows):
    """A matrix as NumPy writes it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    values = [value for row in rows for value in row]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)


def table(rows):
    vectors = pyarrow.array(rows, type=pyarrow.list_(pyarrow.float32(), len(rows[0])))
    return pyarrow.table({"vector": vectors, "section": [f"s{row % 2}" for row in range(len(rows))]})


def arrow(rows):
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table(rows).schema) as writer:
        writer.write_table(table(rows))
    return sink.getvalue()


def parquet(rows):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table(rows), sink)
    return sink.getvalue()


def matrices(written):
    """Matrices of some shape, as `written` writes them."""
    numbers = st.floats(-10, 10, width=32)
    rows = st.integers(1, 4).flatmap(
        lambda dim: st.lists(st.lists(numbers, min_size=dim, max_size=dim), min_size=1, max_size=6)
    )
    return rows.map(written)


schemathesis.openapi.media_type(NPY, matrices(npy))
schemathesis.openapi.media_type(ARROW, matrices(arrow))
schemathesis.openapi.media_type(PARQUET, matrices(parquet))


def preflib(orders):
    """Strict orders as PrefLib writes them, each of one voter."""
    counts = {"ALTERNATIVES": max(map(max, orders)), "VOTERS": len(orders), "UNIQUE ORDERS": len(orders)}
    header = [f"# NUMBER {key}: {count}" for key, count in counts.items()]
    return "\n".join(header + [f"1: {','.join(map(str, order))}" for order in orders]).encode()


ORDERS = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=6, unique=True), min_size=1, max_size=5)
schemathesis.openapi.media_type(PREFLIB, ORDERS.map(preflib))


@schemathesis.deserializer(NPY)
def read_npy(context, response):
    assert response.content.startswith(b"\x93NUMPY"), "no .npy file"
    return "read"


@schemathesis.deserializer(ARROW)
def read_arrow(context, response):
    picks(pyarrow.ipc.open_stream(response.content).read_all())
    return "read"


@schemathesis.deserializer(PARQUET)
def read_parquet(context, response):
    picks(pyarrow.parquet.read_table(io.BytesIO(response.content)))
    return "read"


def picks(found):
    assert {"rank", "index", "gain"} <= set(found.column_names), found.column_names
    assert b"objective_value" in found.schema.metadata, found.schema.metadata


def post(path, body, **headers):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", **headers}
    with urllib.request.urlopen(urllib.request.Request(URL + path, json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)


def stored():
    """The id of a dataset that is there: other requests may have deleted it meanwhile."""
    return post("/v1/datasets", VECTORS)["id"]


def ended():
    """The id of a job that has ended, likewise."""
    body = {"kind": "selection", "inline": VECTORS, "objective": {"name": "facility_location"}, "constraints": {"k": 3}}
    return post("/v1/jobs", body, Prefer="wait=10")["id"]


def asking():
    """The id of a job that asks: its first round has three sets."""
    body = {"kind": "selection", "objective": {"name": "external", "n": 2}, "constraints": {"k": 1}}
    return post("/v1/jobs", body)["id"]


def explaining():
    """The id of an attribution that asks: its first round is the empty set."""
    body = {
        "kind": "attribution",
        "regions": {"count": 2},
        "classes": 2,
        "weights": {"effectiveness": 0},
        "evaluator": {"answers": True},
    }
    return post("/v1/jobs", body)["id"]


ASKING = itertools.cycle([asking, explaining])


def studied():
    """The id of a study that has ended."""
    body = {
        "kind": "bias_study",
        "latent": {"generator": "impartial_culture", "candidates": 4},
        "bias": {"model": "swapping"},
        "strengths": [0.5],
        "rules": [{"rule": "k_borda"}],
        "rankings": [3],
        "k": 2,
        "repetitions": 2,
    }
    return post("/v1/jobs", body, Prefer="wait=10")["id"]


def rectangular(rows):
    """Rows as long as the first, and at least one number."""
    width = max(1, len(rows[0])) if rows else 1
    return [(row + [1.0] * width)[:width] for row in rows] or [[1.0]]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Data that fits the document, and makes more sense than a schema can ask for: else next to none would be taken."""
    label = case.operation.label
    fits = case.meta is None or case.meta.generation.mode.is_positive
    if not fits:
        return
    if label in ("GET /v1/jobs/{id}/result", "GET /v1/jobs/{id}/events"):
        # A stream ends where its job has.
        case.path_parameters = {"id": ended()}
    if label == "GET /v1/jobs/{id}/result":
        case.headers["Accept"] = next(ACCEPTED)
        if "k" in case.query:
            case.query["k"] = 1 + int(case.query["k"]) % 3
    if label == "GET /v1/jobs/{id}/plot.svg":
        case.path_parameters = {"id": studied()}
        case.query.pop("what", None)
    if label == "GET /v1/jobs/{id}/questions":
        case.path_parameters = {"id": next(ASKING)()}
        case.query["wait"] = int(case.query.get("wait") or 0) % 2
    if label == "POST /v1/jobs/{id}/answers" and isinstance(case.body, dict):
        answers = case.body["answers"]
        if any(isinstance(answer, dict) for answer in answers):
            case.path_parameters = {"id": explaining()}
            case.body = {"round": 1, "answers": [{"probs": [0.25, 0.75], "complement": {"probs": [0.5, 0.5]}}]}
        else:
            case.path_parameters = {"id": asking()}
            case.body = {"round": 1, "answers": (answers + [0.0] * 3)[:3]}
    if label == "POST /v1/datasets":
        binary = isinstance(case.body, bytes)
        body = case.body if isinstance(case.body, dict) else {}
        if isinstance(body.get("vectors"), list):
            case.body = {"kind": "vectors", "vectors": rectangular(body["vectors"])}
        if binary or "vectors" in body:
            case.query = {name: value for name, value in case.query.items() if name == "name"}
    if label == "POST /v1/jobs" and isinstance(case.body, dict) and case.body.get("kind") == "selection":
        if not isinstance(case.body.get("inline"), dict) or isinstance(case.body.get("dataset"), str):
            case.body["dataset"] = stored()
            case.body.pop("inline", None)
        constraints = case.body["constraints"]
        constraints["k"] = 1 + (constraints.get("k") or 0) % 5
