"""Ratios against named peers and limits, in one run on one machine; never part of the tests.

    python tests/benchmarks/ratios.py [--owaudit CMD] [--picklescan CMD] [--modelscan CMD] [--runs N]

Builds its inputs in a temporary folder, runs every command in turn (A B A B ...) and prints the
median wall time and peak memory of each, and how many times faster and smaller owaudit is. A peer
that is not installed is left out and named.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pickle
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HASH = (
    "import hashlib,sys\n"
    "from concurrent.futures import ThreadPoolExecutor as T\n"
    "def h(p):\n"
    "    with open(p,'rb') as f: return hashlib.file_digest(f,'sha256').hexdigest()\n"
    "with T(2) as t: print(list(t.map(h,sys.argv[1:])))\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall seconds and peak memory in MiB of one run, its largest process."""

    seconds: float
    mebibytes: float


def rows(path: Path) -> None:
    """200,000 rows of int, float, str and datetime: 2.8 million opcodes in 9 MB."""
    rng = random.Random(1)
    start = datetime.datetime(2020, 1, 1)
    table = [
        (i, rng.random(), f"name-{i}", start + datetime.timedelta(seconds=i * 7)) for i in range(200_000)
    ]
    path.write_bytes(pickle.dumps(table, protocol=4))


def vocabulary(path: Path) -> None:
    """A dictionary of 300,000 words."""
    path.write_bytes(pickle.dumps({f"token{i}": i for i in range(300_000)}, protocol=4))


def arrays(path: Path) -> None:
    """240 MB of floats in one pickle: one long byte string."""
    path.write_bytes(pickle.dumps({"w": os.urandom(1 << 20) * 240}, protocol=4))


def weights(folder: Path, size: int) -> list[Path]:
    """Two safetensors files of ``size`` bytes each."""
    block = os.urandom(32 << 20)
    found = []
    for number in (1, 2):
        count = size // len(block)
        header = {
            f"layer.{i}.weight": {
                "dtype": "BF16",
                "shape": [len(block) // 4096, 2048],
                "data_offsets": [i * len(block), (i + 1) * len(block)],
            }
            for i in range(count)
        }
        text = json.dumps(header).encode()
        path = folder / f"model-{number}.safetensors"
        with path.open("wb") as stream:
            stream.write(len(text).to_bytes(8, "little") + text)
            for _ in range(count):
                stream.write(block)
        found.append(path)
    return found


def run(command: list[str]) -> Cost:
    """Run one command to its end; its output and exit code do not matter here."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(time.perf_counter() - begun, usage.ru_maxrss * unit / (1 << 20))


def compare(title: str, ours: list[str], others: dict[str, list[str]], runs: int) -> None:
    """Run all commands in turn and print the ratios of the medians, with the spread of ours."""
    costs: dict[str, list[Cost]] = {name: [] for name in ("owaudit", *others)}
    commands = {"owaudit": ours, **others}
    for turn in range(runs + 1):
        for name, command in commands.items():
            cost = run(command)
            if turn:  # the first turn warms the page cache
                costs[name].append(cost)
    own = [cost.seconds for cost in costs["owaudit"]]
    own_memory = statistics.median(cost.mebibytes for cost in costs["owaudit"])
    print(f"\n{title}")
    spread = f"({min(own):.3f} to {max(own):.3f})"
    print(f"  owaudit     {statistics.median(own):7.3f} s {spread}  {own_memory:6.0f} MiB")
    for name in others:
        seconds = statistics.median(cost.seconds for cost in costs[name])
        memory = statistics.median(cost.mebibytes for cost in costs[name])
        print(
            f"  {name:<11} {seconds:7.3f} s  {memory:6.0f} MiB   "
            f"owaudit takes 1/{seconds / statistics.median(own):.2f} of the time, "
            f"{own_memory / memory:.2f} of the memory"
        )


def main() -> None:
    """Build, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--owaudit", default="owaudit")
    parser.add_argument("--picklescan", default="picklescan")
    parser.add_argument("--modelscan", default="modelscan")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--weights", type=int, default=2 << 30, help="bytes of each weights file, 0 for none")
    arguments = parser.parse_args()
    scan = [*shlex.split(arguments.owaudit), "scan", "--quiet", "--no-second-opinion"]
    scanners = {
        name: [*shlex.split(command), "-p"]
        for name, command in (("picklescan", arguments.picklescan), ("modelscan", arguments.modelscan))
        if shutil.which(shlex.split(command)[0])
    }
    print("not installed:", ", ".join({"picklescan", "modelscan"} - scanners.keys()) or "none")
    with tempfile.TemporaryDirectory(prefix="owaudit-bench-") as name:
        folder = Path(name)
        for title, build in (
            ("2.8 million opcodes: rows of int, float, str, datetime", rows),
            ("vocabulary of 300,000 entries", vocabulary),
        ):
            path = folder / "input.pkl"
            build(path)
            compare(
                title, [*scan, str(path)], {k: [*v, str(path)] for k, v in scanners.items()}, arguments.runs
            )
        path = folder / "arrays.pkl"
        arrays(path)
        hashing = [sys.executable, "-c", HASH]
        compare(
            "240 MB of floats in one pickle",
            [*scan, str(path)],
            {"sha256": [*hashing, str(path)]},
            arguments.runs,
        )
        path.unlink()
        if arguments.weights:
            paths = [str(p) for p in weights(folder, arguments.weights)]
            compare(
                f"two safetensors files of {arguments.weights >> 20} MiB",
                [*scan, *paths],
                {"sha256": [*hashing, *paths]},
                arguments.runs,
            )


if __name__ == "__main__":
    main()
