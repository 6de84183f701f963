"""A service of its own on a free port, and what is asked of it over HTTP."""

import io
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import numpy as np

THREADS = 2
LONGEST_WAIT_SECONDS = 60


class Refused(Exception):
    """A problem that the service answered with, or a job that failed."""


@dataclass
class Selection:
    """A finished job: its result; seconds over HTTP from submitting to the result, and of the service's processor."""

    result: dict
    wall_seconds: float
    cpu_seconds: float

    @property
    def own_seconds(self):
        """What the job itself counts: similarities and selecting."""
        timings = self.result["timings_seconds"]
        return timings["similarity"] + timings["selecting"]


class Service:
    def __init__(self, binary):
        self.binary = binary
        self.uploaded = {}
        self.upload_seconds = {}

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.log = pathlib.Path(self.directory.name) / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    self.binary,
                    "serve",
                    "--listen",
                    "127.0.0.1:0",
                    "--data-dir",
                    f"{self.directory.name}/data",
                    "--threads",
                    str(THREADS),
                    "--log-format",
                    "json",
                ],
                stderr=log,
            )
        for _ in range(100):
            address = re.search(r'"address":"([^"]+)"', self.log.read_text())
            if address:
                self.url = f"http://{address[1]}"
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit(f"peers: {self.binary} does not serve")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def call(self, method, path, body=None, media_type="application/json", **headers):
        request = urllib.request.Request(self.url + path, body, {"Content-Type": media_type} | headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            first = (problem.get("errors") or [{}])[0]
            raise Refused(
                f"{error.code} {problem.get('code')}: {first.get('detail') or problem.get('detail')}"
            ) from None

    def upload(self, name, array):
        """The id of the dataset that holds `array`, sent once."""
        key = (name, array.shape)
        if key not in self.uploaded:
            file = io.BytesIO()
            np.save(file, np.ascontiguousarray(array))
            start = time.perf_counter()
            dataset = self.call("POST", f"/v1/datasets?name={name}", file.getvalue(), "application/x-npy")
            self.upload_seconds[dataset["id"]] = time.perf_counter() - start
            self.uploaded[key] = dataset["id"]
        return self.uploaded[key]

    def select(self, dataset, objective, constraints, optimizer):
        body = {
            "kind": "selection",
            "dataset": dataset,
            "objective": objective,
            "constraints": constraints,
            "optimizer": optimizer,
        }
        cpu = self.cpu_seconds()
        start = time.perf_counter()
        job = self.call("POST", "/v1/jobs", json.dumps(body).encode(), Prefer=f"wait={LONGEST_WAIT_SECONDS}")
        while job["state"] not in ("succeeded", "failed", "cancelled"):
            time.sleep(0.05)
            job = self.call("GET", f"/v1/jobs/{job['id']}")
        if job["state"] != "succeeded":
            raise Refused(f"{job['state']}: {job['error']}")
        result = self.call("GET", f"/v1/jobs/{job['id']}/result")
        return Selection(result, time.perf_counter() - start, self.cpu_seconds() - cpu)

    def value_of(self, dataset, objective, chosen):
        """f of one set: a job that has exactly that set to include."""
        constraints = {"k": len(chosen), "include": chosen}
        return self.select(dataset, objective, constraints, {"name": "greedy"}).result["objective_value"]

    def cpu_seconds(self):
        """Of the whole process: a tick is 10 ms, so small jobs show as 0."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def version(self):
        return subprocess.run([self.binary, "--version"], check=True, capture_output=True, text=True).stdout.strip()
