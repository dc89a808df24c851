"""Each row of the name lists is a claim about pickles, so each one is held against a pickle.

A powerful name that is called must be found, a reviewed name that is used as its row allows must
be quiet, and the same reviewed name used more strongly must not be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures import opcodes as op
from owaudit.codec.pickle_facts import new_trace, run_pickle, trace_facts
from owaudit.codec.pickle_machine import Machine
from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.judge.names import NameLists, judge_names
from owaudit.judge.packs import load_packs
from owaudit.model.evidence import Evidence, Target
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.model.policy import Policy
from owaudit.shipped import shipped

RULES = shipped("rules")
POWERFUL = {"OWA1001", "OWA1006", "OWA1007", "OWA1008", "OWA1009", "OWA1010", "OWA1011", "OWA1012", "OWA1013"}


def tables(folder: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((RULES / folder).glob("*.toml")):
        yield path, tomllib.loads(path.read_text("utf-8"))


def name(dotted: str) -> bytes:
    module, _, attribute = dotted.rpartition(".")
    return op.stack_name(module, attribute)


def judged(pickles: dict[str, bytes]) -> dict[str, set[tuple[str, str]]]:
    """Pickle by label to the findings ``(rule, name)`` about names in it."""
    observations: list[Observation] = []
    for label, content in pickles.items():
        trace = new_trace(Limits())
        run_pickle(Machine(Window.of(content), 0, trace, Limits()), trace)
        observations += trace_facts(trace, Place(label))
    evidence = Evidence(
        reader_version="1",
        target=Target(name="rows", files=len(pickles), size=0),
        observations=tuple(observations),
    )
    found: dict[str, set[tuple[str, str]]] = {label: set() for label in pickles}
    for item in judge_names(evidence, NameLists(load_packs(installed=False)), Policy())[0]:
        assert item.match.observation is not None
        found[item.match.observation.location.artifact].add((item.meta.id, item.match.key))
    return found


def example(entry: str) -> str:
    """A dotted name that an entry of a powerful list covers."""
    if entry.startswith("**."):
        entry = "somepkg.mod." + entry.removeprefix("**.")
    parts = [part.replace("*", "x") if part != "*" else "part" for part in entry.split(".")]
    return ".".join(parts if len(parts) > 1 else [*parts, "part"])


def test_every_powerful_entry_is_found_when_it_is_called() -> None:
    carved_out = {
        entry
        for _, table in tables("reviewed")
        for row in table["allow"]
        if "over" in row
        for entry in row["match"]
    }
    pickles = {}
    for path, table in tables("powerful"):
        for row in table["deny"]:
            for entry in row["match"]:
                dotted = example(entry)
                if dotted not in carved_out:
                    label = f"{path.name}: {entry}"
                    pickles[label] = op.pickle(op.call(name(dotted), op.text("x")), protocol=4)
    found = judged(pickles)
    assert len(pickles) > 4000
    # Python 2 spellings are found under the name they have today, so the name itself is not compared.
    missed = [label for label, keys in found.items() if not any(rule in POWERFUL for rule, _ in keys)]
    assert "\n".join(missed) == ""


SAMPLES = {
    "NoneType": op.NONE,
    "bool": op.NEWTRUE,
    "int": op.integer(1),
    "float": op.floating(1.5),
    "str": op.text("x"),
    "bytes": op.blob(b"x"),
    "tuple": op.EMPTY_TUPLE,
    "list": op.EMPTY_LIST,
    "dict": op.EMPTY_DICT,
    "set": op.EMPTY_SET,
    "frozenset": op.MARK + op.FROZENSET,
    "bytearray": op.byte_array(b"x"),
    "blob": op.blob(b"x" * 300),
}


def argument(conditions: list[dict[str, Any]]) -> bytes:
    """A value that keeps every condition of one slot."""
    merged: dict[str, Any] = {}
    for condition in conditions:
        merged.update(condition)
    if merged.get("names"):
        return name(merged["names"][0])
    if merged.get("strings"):
        return op.text(merged["strings"][0])
    if merged.get("use"):
        return name("collections.OrderedDict") if merged["use"] != "reference" else op.NONE
    for kind in merged.get("types", ()):
        if kind in SAMPLES:
            return SAMPLES[kind]
        if kind.startswith("instance:") and kind != "instance:*":
            return op.call(name(kind.removeprefix("instance:")))
    if "at_most" in merged:
        return op.integer(0)
    return SAMPLES["NoneType"]


def uses(row: dict[str, Any], dotted: str) -> dict[str, bytes]:
    """Pickles that use a reviewed name as strongly as its row allows."""
    by_slot: dict[int, list[dict[str, Any]]] = {}
    for condition in row.get("arguments", ()):
        by_slot.setdefault(condition["slot"], []).append(condition)
    count = row["arity"][0] if row.get("arity") else max(by_slot, default=-1) + 1
    arguments = [argument(by_slot.get(slot, [])) for slot in range(count)]
    made = name(dotted) + op.arguments_of(*arguments) + op.NEWOBJ
    return {
        "reference": name(dotted),
        "construct": made,
        "build": made + op.EMPTY_DICT + op.BUILD,
        "call": op.call(name(dotted), *arguments),
    }


def test_every_reviewed_name_is_quiet_as_far_as_its_row_goes() -> None:
    pickles = {}
    for path, table in tables("reviewed"):
        for index, row in enumerate(table["allow"]):
            for dotted in row["match"]:
                use = row.get("use", "call")
                pickles[f"{path.name}: {index}: {dotted}"] = op.pickle(uses(row, dotted)[use], protocol=4)
    found = judged(pickles)
    assert len(pickles) > 3000
    loud = {
        label: sorted(keys)
        for label, keys in found.items()
        if any(key == label.rpartition(": ")[2] for _, key in keys)
    }
    assert loud == {}


def test_no_reviewed_class_may_be_called_unless_a_row_says_so() -> None:
    allowed: dict[str, str] = {}
    order = ["reference", "construct", "build", "call"]
    for _, table in tables("reviewed"):
        for row in table["allow"]:
            for dotted in row["match"]:
                use = row.get("use", "call")
                if order.index(use) >= order.index(allowed.get(dotted, "reference")):
                    allowed[dotted] = use
    weaker = [dotted for dotted, use in allowed.items() if use in ("reference", "build", "construct")]
    pickles = {dotted: op.pickle(op.call(name(dotted), op.text("x")), protocol=4) for dotted in weaker}
    found = judged(pickles)
    assert len(weaker) > 1000
    assert [dotted for dotted in weaker if not any(key == dotted for _, key in found[dotted])] == []
