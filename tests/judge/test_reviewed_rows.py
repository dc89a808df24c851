"""The lists of reviewed names: their shape, that every name is exact, and that none stands twice.

The rows are read with ``tomllib`` here, so a fault of the reader of rule packs cannot hide one.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from owaudit.judge.packs import load_packs
from owaudit.shipped import shipped

_FILES = sorted((shipped("rules") / "reviewed").glob("*.toml"))
_HEAD = {"reviewed", "library", "version", "allow"}
_ROW = {"match", "use", "why", "source", "arity", "arguments", "over"}
_CONDITION = {"slot", "use", "strings", "names", "types", "at_most", "arguments_from"}
_USES = ("reference", "construct", "build", "call")
_KIND_WORDS = """
NoneType bool int float complex str bytes tuple list dict set frozenset bytearray persistent blob
"""
_KINDS = frozenset(_KIND_WORDS.split())


def _table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _rows() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, row) for path in _FILES for row in _table(path)["allow"]]


def _problem_of_name(name: str) -> str:
    """Why this is not one exact dotted name of a pickle, or an empty string."""
    if name.count(".") < 1:
        return "names a whole module"
    for part in name.split("."):
        if not part.isidentifier():
            return f"has the part {part!r}"
    return ""


def test_the_lists_that_ship() -> None:
    assert [path.stem for path in _FILES] == [
        "accelerate",
        "catboost",
        "dateutil",
        "fastai",
        "joblib",
        "lightgbm",
        "lightning",
        "numpy",
        "omegaconf",
        "pandas",
        "python",
        "pytz",
        "scikit-learn",
        "scipy",
        "torch",
        "torchvision",
        "transformers",
        "ultralytics",
        "xgboost",
    ]


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_each_list_says_of_what_it_is(path: Path) -> None:
    table = _table(path)
    assert set(table) == _HEAD
    assert table["reviewed"] == "pickle"
    assert table["library"] == path.stem
    assert table["version"].strip()


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_each_row_is_whole(path: Path) -> None:
    for row in _table(path)["allow"]:
        assert set(row) <= _ROW, row["match"][0]
        assert row["use"] in _USES, row["match"][0]
        assert row["match"], row["why"]
        assert row["why"].strip(), row["match"][0]
        assert row["source"].strip(), row["match"][0]


def test_names_are_exact() -> None:
    found = {name: _problem_of_name(name) for _, row in _rows() for name in row["match"]}
    assert {name: problem for name, problem in found.items() if problem} == {}


def test_no_name_stands_twice() -> None:
    counted = Counter(name for _, row in _rows() for name in row["match"])
    assert [name for name, count in counted.items() if count > 1] == []


def test_conditions_name_kinds_and_names_that_exist() -> None:
    wrong = []
    reviewed = {name for _, row in _rows() for name in row["match"]}
    for library, row in _rows():
        for condition in row.get("arguments", []):
            if set(condition) - _CONDITION or condition["slot"] < 0:
                wrong.append((library, condition))
            for kind in condition.get("types", []):
                instance = kind.removeprefix("instance:")
                if kind not in _KINDS and (instance == kind or instance not in {*reviewed, "*"}):
                    wrong.append((library, kind))
            wrong += [(library, name) for name in condition.get("names", []) if name not in reviewed]
    assert wrong == []


def test_each_slot_has_one_condition() -> None:
    twice = [
        row["match"][0]
        for _, row in _rows()
        for count in Counter(condition["slot"] for condition in row.get("arguments", [])).values()
        if count > 1
    ]
    assert twice == []


def test_names_that_call_what_they_are_given_have_conditions() -> None:
    trampolines = (
        "builtins.getattr",
        "builtins.type",
        "collections.defaultdict",
        "copyreg.__newobj__",
        "copyreg._reconstructor",
        "functools.partial",
        "numpy._core.multiarray._reconstruct",
        "numpy.core.multiarray._reconstruct",
        "numpy.ma.core._mareconstruct",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "pandas.core.indexes.base._new_Index",
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neighbors._kd_tree.newObj",
        "torch._tensor._rebuild_from_type_v2",
    )
    by_name = {name: row for _, row in _rows() for name in row["match"]}
    slots = {name: [item["slot"] for item in by_name[name].get("arguments", [])] for name in trampolines}
    assert {name for name, given in slots.items() if 0 not in given} == set()


def test_compiled_unpickling_functions_have_conditions() -> None:
    bare = [
        name
        for _, row in _rows()
        for name in row["match"]
        if (name.rpartition(".")[2].startswith("__pyx_unpickle") or name.endswith(".newObj"))
        and not any("names" in item and item["slot"] == 0 for item in row.get("arguments", []))
    ]
    assert bare == []


def test_distributions_of_scipy_are_not_reviewed() -> None:
    reviewed = {name for _, row in _rows() for name in row["match"]}
    assert [name for name in sorted(reviewed) if name.startswith("scipy.stats.")] == [
        "scipy.stats._distn_infrastructure.rv_continuous_frozen",
        "scipy.stats._distn_infrastructure.rv_discrete_frozen",
        "scipy.stats._distn_infrastructure.rv_frozen",
    ]


def test_the_engine_reads_every_row() -> None:
    written = Counter((library, len(row["match"]), row["use"]) for library, row in _rows())
    read = Counter(
        (row.library, len(row.match), str(row.use))
        for pack in load_packs()
        for sheet in pack.reviewed
        for row in sheet.rows()
    )
    assert read == written
