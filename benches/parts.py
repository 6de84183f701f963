"""A million rows in parts, killed on the way, and draws from a million kept gains.

1. **Parts**: 1,000,000 x 128 vectors in clusters, 40 random parts, 1 % of each (k = 10,000), within 4 GiB. Past half of the parts the
   service is killed (SIGKILL) and started again. It must go on from the parts that were done, within the memory that is allowed.
   With --twice it runs once more undisturbed, and both answers must be the same.
2. **Draws**: all parts of 1,000,000 small rows are ranked, and 100,000 items drawn again and again with `Prefer: wait`.

Needs the release binary (FEWER_BIN, target/release/fewer) and python3 alone. The exit code tells whether the targets were met.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ALLOWED = 4 << 30
DRAW_SECONDS = 0.3
NPY = "application/x-npy"


def npy_header(rows, columns):
    text = f"{{'descr': '<f2', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def vectors(path, rows, columns, seed, clusters=1000):
    """Rows in clusters as 16-bit floats of 0.25 to 1 in size: signs of a centre, one in eight of them turned, and random digits."""
    draw = random.Random(seed)
    high = bytes((0x34 + byte % 8) | (byte & 0x80) for byte in range(256))
    turn = bytes(0x80 if byte < 32 else 0 for byte in range(256))
    centres = [int.from_bytes(draw.randbytes(columns).translate(high), "little") for _ in range(clusters)]
    with open(path, "wb") as file:
        file.write(npy_header(rows, columns))
        row = bytearray(2 * columns)
        for _ in range(rows):
            turned = int.from_bytes(draw.randbytes(columns).translate(turn), "little")
            row[0::2] = draw.randbytes(columns)
            row[1::2] = (centres[draw.randrange(clusters)] ^ turned).to_bytes(columns, "little")
            file.write(row)


def features(path, rows, columns, seed):
    """Positive 16-bit floats."""
    draw = random.Random(seed)
    high = bytes(0x2C + byte % 16 for byte in range(256))
    with open(path, "wb") as file:
        file.write(npy_header(rows, columns))
        values = bytearray(draw.randbytes(2 * rows * columns))
        values[1::2] = bytes(values[1::2]).translate(high)
        file.write(values)


class Service:
    """`fewer serve` on a port of its own."""

    def __init__(self, binary, data, threads):
        self.log = open(os.path.join(data, "log"), "ab+")
        at = self.log.tell()
        self.child = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir", os.path.join(data, "data")]
            + ["--memory-bytes", str(ALLOWED), "--threads", str(threads), "--workers", "1"],
            stderr=self.log,
        )
        while True:
            self.log.seek(at)
            events = [json.loads(line) for line in self.log.read().splitlines() if line.startswith(b"{")]
            address = next((event["address"] for event in events if "address" in event), None)
            if address:
                self.base = f"http://{address}"
                return
            if self.child.poll() is not None:
                sys.exit("the service does not start")
            time.sleep(0.05)

    def ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.base + path, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.read().decode()}")

    def submit(self, body, path="/v1/jobs", wait=None):
        headers = {"Content-Type": "application/json"}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        return self.ask("POST", path, json.dumps(body).encode(), headers)

    def upload(self, path):
        with open(path, "rb") as file:
            size = str(os.path.getsize(path))
            return self.ask("POST", "/v1/datasets", file, {"Content-Type": NPY, "Content-Length": size})["id"]

    def peak(self):
        """Peak resident bytes so far."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

    def kill(self):
        self.child.kill()
        self.child.wait()

    def follow(self, job, until):
        """Polls until `until` says so of the job; prints each part."""
        seen = None
        while True:
            state = self.ask("GET", f"/v1/jobs/{job}")
            progress = state["progress"] or {}
            told = (progress.get("phase"), progress.get("done")) if progress.get("phase") == "selecting" else None
            if told and told != seen:
                seen = told
                print(f"  part {progress['done']} of {progress['total']}, {self.peak() / 2**30:.2f} GiB", flush=True)
            if until(state):
                return state
            time.sleep(0.25)


def done(state):
    progress = state["progress"] or {}
    return progress["done"] if progress.get("phase") == "selecting" else 0


def ended(state):
    if state["state"] in ("failed", "cancelled"):
        sys.exit(f"the job has {state['state']}: {state['error']}")
    return state["state"] == "succeeded"


def parts(arguments, data):
    rows, count = arguments.rows, arguments.parts
    kill_after = arguments.kill_after or count // 2
    path = os.path.join(data, "vectors.npy")
    print(f"parts: {rows} x {arguments.columns} vectors, {count} parts, k = {rows // 100}", flush=True)
    vectors(path, rows, arguments.columns, 1)
    service = Service(arguments.binary, data, arguments.threads)
    body = {
        "kind": "selection", "dataset": service.upload(path), "objective": {"name": "facility_location"}, "seed": 1,
        "constraints": {"k": rows // 100},
        "optimizer": {"name": "partitioned_greedy", "merge": False, "parts": {"by": "random", "count": count}},
    }
    if arguments.inner:
        body["optimizer"]["inner"] = arguments.inner
    os.remove(path)
    plan = service.submit(body, "/v1/jobs?validate_only=true")
    print(f"  plan: {plan['plan']}, {plan['memory_bytes'] / 2**30:.2f} GiB, {plan['flops']:.1e} operations", flush=True)
    began = time.monotonic()
    job = service.submit(body)["id"]
    before = done(service.follow(job, lambda state: ended(state) or done(state) >= kill_after))
    first = service.peak()
    service.kill()
    print(f"  killed after {before} parts and {time.monotonic() - began:.0f} s", flush=True)
    began = time.monotonic()
    service = Service(arguments.binary, data, arguments.threads)
    after = done(service.follow(job, lambda state: ended(state) or done(state) > 0))
    state = service.follow(job, ended)
    peak = max(first, service.peak())
    result = service.ask("GET", f"/v1/jobs/{job}/result")
    print(f"  attempt {state['attempt']}: {time.monotonic() - began:.0f} s more, {len(result['indices'])} items,", end=" ")
    print(f"f = {result['objective_value']:.1f}, peak {peak / 2**30:.2f} of {ALLOWED / 2**30:.0f} GiB; {result['timings_seconds']}")
    met = peak <= ALLOWED and state["attempt"] == 2 and after >= before and len(result["parts"]) == count
    if arguments.twice:
        again = service.submit(body)["id"]
        service.follow(again, ended)
        same = service.ask("GET", f"/v1/jobs/{again}/result")["parts"] == result["parts"]
        print(f"  undisturbed: {'the same parts' if same else 'OTHER PARTS'}, peak {service.peak() / 2**30:.2f} GiB")
        met = met and same
    service.kill()
    return met


def draws(arguments, data):
    rows, size = arguments.kept, arguments.kept // 10
    path = os.path.join(data, "features.npy")
    print(f"draws: {size} of {rows} kept gains", flush=True)
    features(path, rows, 2, 2)
    service = Service(arguments.binary, data, arguments.threads)
    job = service.submit({
        "kind": "selection", "dataset": service.upload(path), "objective": {"name": "feature_based"}, "constraints": {},
        "optimizer": {"name": "partitioned_greedy", "merge": False, "rank_all": True, "parts": {"count": arguments.parts}},
    })["id"]
    service.follow(job, ended)
    seconds, reading = [], []
    for seed in range(arguments.draws):
        body = {"kind": "resample", "job": job, "size": size, "seed": seed}
        began = time.monotonic()
        drawn = service.submit(body, wait=30)
        seconds.append(time.monotonic() - began)
        ended(drawn)
        began = time.monotonic()
        result = service.ask("GET", f"/v1/jobs/{drawn['id']}/result")
        reading.append(time.monotonic() - began)
        if len(result["indices"]) != size:
            sys.exit(f"{len(result['indices'])} items were drawn")
    ms = sorted(1000 * second for second in seconds)
    print(f"  drawn in {statistics.median(ms):.0f} ms at the median, {ms[-1]:.0f} ms at most; target {1000 * DRAW_SECONDS:.0f} ms", end="; ")
    print(f"its result, with python's own reading of the JSON, in {1000 * statistics.median(reading):.0f} ms")
    service.kill()
    return statistics.median(seconds) <= DRAW_SECONDS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.environ.get("FEWER_BIN") or "target/release/fewer")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=128)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--kept", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kill-after", type=int, help="parts; half of them when absent")
    parser.add_argument("--inner", help="what searches in a part")
    parser.add_argument("--twice", action="store_true", help="once more, undisturbed")
    parser.add_argument("--only", choices=["parts", "draws"])
    parser.add_argument("--dir", help="where the service keeps its data meanwhile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fewer-parts-", dir=arguments.dir) as data:
        chosen = [run for run in (parts, draws) if arguments.only in (None, run.__name__)]
        met = [run(arguments, data) for run in chosen]
    if not all(met):
        sys.exit("a target was missed")


if __name__ == "__main__":
    main()
