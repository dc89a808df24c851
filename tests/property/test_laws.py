"""The laws of an audit, over bytes of every kind."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scanning import Scan, run, scan, scan_files, watched

from fixtures import Files, Recipe, all_recipes, write
from fixtures.recipes.honest_repository import png
from fixtures.recipes.hostile_calls import PAYLOAD
from owaudit.model import wire
from owaudit.model.evidence import Evidence
from owaudit.model.report import Report

_BUDGET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_ALL = {recipe.name: recipe for recipe in all_recipes()}
_NAMES = (
    "model.pt",
    "model.pkl",
    "model.safetensors",
    "array.npy",
    "arrays.npz",
    "model.bin",
    "model",
    "a.txt",
)


def _only(recipe: Recipe) -> tuple[str, bytes]:
    ((path, content),) = recipe.build().items()
    return path, content


_CONTENTS = {
    recipe.name: _only(recipe)
    for recipe in _ALL.values()
    if len(recipe.build()) == 1 and len(_only(recipe)[1]) < 20_000
}
_SINGLE = sorted(_CONTENTS)
_CUTTABLE = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".p", ".npy", ".npz", ".safetensors", ".gguf")
"""Suffixes of weights: a text that is cut is still a text."""
_HONEST_BINARY = sorted(
    name
    for name, (path, _) in _CONTENTS.items()
    if name.startswith("honest-") and path.endswith(_CUTTABLE) and not name.endswith(("-p0", "-p1"))
)


def _audit(files: Files) -> Scan:
    with tempfile.TemporaryDirectory() as folder:
        return scan_files(files, Path(folder) / "target")


_BYTES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(_SINGLE).map(lambda name: _CONTENTS[name][1]),
    st.tuples(st.sampled_from(_SINGLE), st.integers(0, 20_000), st.binary(min_size=1, max_size=6)).map(
        lambda change: _overwritten(_CONTENTS[change[0]][1], change[1], change[2])
    ),
    st.tuples(st.sampled_from(_SINGLE), st.sampled_from(_SINGLE), st.integers(0, 20_000)).map(
        lambda cut: _CONTENTS[cut[0]][1][: cut[2]] + _CONTENTS[cut[1]][1]
    ),
)


def _overwritten(content: bytes, at: int, patch: bytes) -> bytes:
    at %= len(content) + 1
    return content[:at] + patch + content[at + len(patch) :]


class TestAnyBytes:
    """Any bytes give observations and coverage, never an exception, an import or a hang."""

    @_BUDGET
    @given(name=st.sampled_from(_NAMES), content=_BYTES)
    @example(name="model.pkl", content=PAYLOAD)
    def test_bytes_are_read_and_never_loaded(self, name: str, content: bytes) -> None:
        before = set(sys.modules)
        with watched() as events:
            audit = _audit({name: content})
        assert events == []
        assert not {"antigravity", "somepkg", "pty", "nt"} & (set(sys.modules) - before)
        assert audit.exit_code in (0, 1, 3)
        (artifact,) = audit.report["artifacts"]
        assert (artifact["path"], artifact["size"]) == (name, len(content))
        for part in artifact["coverage"]:
            assert part["parsed"] + part["payload"] + part["inert"] + part["unexplained"] == part["size"]

    @_BUDGET
    @given(name=st.sampled_from(_NAMES), content=_BYTES)
    def test_what_is_not_read_does_not_pass(self, name: str, content: bytes) -> None:
        audit = _audit({name: content})
        states = {part["state"] for artifact in audit.report["artifacts"] for part in artifact["coverage"]}
        if audit.exit_code == 0:
            assert states == {"read"}


class TestTruncation:
    """A model that was cut never passes, and a payload that is still whole never stops failing."""

    @_BUDGET
    @given(name=st.sampled_from(_HONEST_BINARY), share=st.floats(0, 1, exclude_max=True))
    def test_a_proper_prefix_of_a_model_does_not_pass(self, name: str, share: float) -> None:
        path, content = _CONTENTS[name]
        # Zeros at the very end may be padding that no reader needs.
        kept = int(share * len(content.rstrip(b"\0")))
        assert _audit({path: content[:kept]}).exit_code in (1, 3)

    @pytest.mark.parametrize("kept", range(PAYLOAD.index(b"R") + 1, len(PAYLOAD) + 1))
    def test_a_payload_without_its_end_fails(self, kept: int) -> None:
        assert _audit({"model.pkl": PAYLOAD[:kept]}).exit_code == 1

    @_BUDGET
    @given(cut=st.integers(0, 400))
    def test_a_checkpoint_without_its_directory_still_fails(self, cut: int) -> None:
        path, content = _CONTENTS["torch-call-os-system"]
        first = content.index(PAYLOAD) + len(PAYLOAD)
        assert _audit({path: content[: max(first, len(content) - cut)]}).exit_code == 1


class TestHiding:
    """Appending a payload to a model, or calling it something else, never hides it."""

    @_BUDGET
    @given(name=st.sampled_from([n for n in _SINGLE if n.startswith(("honest-", "quiet-"))]))
    def test_appended(self, name: str) -> None:
        path, content = _CONTENTS[name]
        audit = _audit({path: content + PAYLOAD})
        assert ("OWA1001" in audit.rules, audit.exit_code) == (True, 1)

    @_BUDGET
    @given(suffix=st.text("abcdefghijklmnopqrstuvwxyz0123456789_", max_size=8))
    @example(suffix="safetensors")
    @example(suffix="json")
    @example(suffix="md")
    def test_renamed(self, suffix: str) -> None:
        audit = _audit({f"model.{suffix}" if suffix else "model": PAYLOAD})
        assert ("OWA1001" in audit.rules, audit.exit_code) == (True, 1)

    @_BUDGET
    @given(seed=st.integers(0, 2**32), size=st.integers(1, 200))
    def test_in_front_or_behind_noise(self, seed: int, size: int) -> None:
        noise = random.Random(seed).randbytes(size)
        for content in (PAYLOAD + noise, png() + noise + PAYLOAD):
            audit = _audit({"model.bin": content})
            assert ("OWA1001" in audit.rules, audit.exit_code) == (True, 1)


class TestOrder:
    """The order of the walk and the number of workers change nothing."""

    @settings(max_examples=8, deadline=None)
    @given(
        order=st.permutations(sorted(n for n in _SINGLE if n.startswith("place-"))[:8]),
        jobs=st.integers(1, 3),
    )
    def test_report_is_the_same(self, order: list[str], jobs: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "target"
            for name in order:
                write(_ALL[name].build(), target / name)
            first = scan(target, "--jobs", str(jobs)).lasting
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "target"
            for name in sorted(order, reverse=True):
                write(_ALL[name].build(), target / name)
            assert scan(target, "--jobs", "1").lasting == first


class TestRoundTrips:
    """What is written as JSON is read back as the same value and gives the same bytes."""

    @_BUDGET
    @given(name=st.sampled_from(sorted(_ALL)))
    def test_evidence(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "target"
            write(_ALL[name].build(), target)
            code, text = run("collect", str(target), "--no-second-opinion")
        assert code == 0
        evidence = wire.loads(text, Evidence)
        assert wire.dumps(evidence) == text
        assert wire.loads(wire.dumps(evidence), Evidence) == evidence

    @_BUDGET
    @given(name=st.sampled_from(sorted(_ALL)))
    def test_report(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            audit = scan_files(_ALL[name].build(), Path(folder) / "target")
        report = wire.loads(audit.text, Report)
        assert wire.dumps(report) == audit.text

    @settings(max_examples=10, deadline=None)
    @given(name=st.sampled_from(sorted(_ALL)))
    def test_judging_stored_evidence_gives_the_same_report(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target, stored = Path(folder) / "target", Path(folder) / "evidence.json"
            write(_ALL[name].build(), target)
            whole = scan(target)
            stored.write_text(run("collect", str(target), "--no-second-opinion")[1], encoding="utf-8")
            code, text = run("judge", str(stored), "--format", "json")
        assert code == whole.exit_code
        assert {k: v for k, v in json.loads(text).items() if k != "run"} == whole.lasting
