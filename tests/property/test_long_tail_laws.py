"""Laws of the readers for boosters, msgpack, XML, R, Core ML, Paddle, exported programs and programs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scanning import scan_files

from fixtures import Recipe, all_recipes
from owaudit.codec.file_names import name_problems
from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.codec.xml_events import XmlReader

_BUDGET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_FAMILIES = (
    "skops", "xgboost", "lightgbm", "mxnet", "flax", "pmml", "openvino", "xml", "r", "pt2", "wrapped-object",
    "coreml", "paddle", "tensorrt", "torch7", "caffe",
    "catboost",
    "executorch",
)  # fmt: skip


def _is_of_family(name: str) -> bool:
    bare = name.removeprefix("honest-").removeprefix("quiet-")
    return any(bare == family or bare.startswith(f"{family}-") for family in _FAMILIES)


def _single(recipe: Recipe) -> tuple[str, bytes] | None:
    files = recipe.build()
    return next(iter(files.items())) if len(files) == 1 else None


_SEEDS = {
    recipe.name: found
    for recipe in all_recipes()
    if _is_of_family(recipe.name) and (found := _single(recipe)) is not None
}
_HONEST = sorted(
    name
    for name, (path, _) in _SEEDS.items()
    if name.startswith("honest-") and not path.endswith((".pdiparams", ".rds"))
)
"""Parameters of Paddle are one tensor after another: cut between two, they are whole."""


def _exit_code(path: str, content: bytes) -> tuple[int, bool]:
    with tempfile.TemporaryDirectory() as folder:
        audit = scan_files({path: content}, Path(folder) / "target")
    crashed = "OWA9007" in audit.rules
    return audit.exit_code, crashed


class TestAnyBytes:
    """Bytes that begin as one of these formats never make a reader crash."""

    @_BUDGET
    @given(
        name=st.sampled_from(sorted(_SEEDS)),
        at=st.integers(0, 5000),
        patch=st.binary(min_size=1, max_size=8),
        cut=st.integers(0, 5000),
    )
    def test_patched(self, name: str, at: int, patch: bytes, cut: int) -> None:
        path, content = _SEEDS[name]
        at %= len(content) + 1
        changed = content[:at] + patch + content[at + len(patch) :]
        code, crashed = _exit_code(path, changed[: max(1, len(changed) - cut % 40)])
        assert (code in (0, 1, 3), crashed) == (True, False)

    @_BUDGET
    @given(name=st.sampled_from(sorted(_SEEDS)), tail=st.binary(max_size=200), kept=st.integers(1, 64))
    def test_spliced(self, name: str, tail: bytes, kept: int) -> None:
        path, content = _SEEDS[name]
        code, crashed = _exit_code(path, content[:kept] + tail)
        assert (code in (0, 1, 3), crashed) == (True, False)


class TestTruncation:
    """A model of these formats that was cut never passes."""

    @pytest.mark.parametrize("name", _HONEST)
    def test_half(self, name: str) -> None:
        path, content = _SEEDS[name]
        assert _exit_code(path, content[: len(content.rstrip()) // 2])[0] in (1, 3)


class TestNames:
    """Names of letters, digits, dots, dashes and underscores in ASCII are no disguise."""

    @given(st.from_regex(r"[a-z0-9][a-z0-9_-]{3,30}\.(?:safetensors|json|md|bin)", fullmatch=True))
    def test_plain_names_are_quiet(self, name: str) -> None:
        assert list(name_problems(name)) == []

    @given(st.text(max_size=40))
    def test_any_name_is_answered(self, name: str) -> None:
        for problem, detail in name_problems(name):
            assert problem
            assert detail


class TestEntities:
    """No entity is ever put in its place, and nothing behind its declaration is read."""

    @given(st.text("abcdefgh", min_size=1, max_size=8), st.integers(1, 60))
    def test_text_of_an_entity_is_never_seen(self, name: str, size: int) -> None:
        content = f'<!DOCTYPE r [<!ENTITY {name} "{"z" * size}">]><r a="&{name};">&{name};</r>'.encode()
        reader = XmlReader(Window.of(content), Place("m.xml"), "xml")
        assert list(reader.events()) == []
        assert [(entity.what, entity.size) for entity in reader.declarations] == [
            ("doctype", 0),
            ("entity", size),
        ]
