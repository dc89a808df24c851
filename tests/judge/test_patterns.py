"""Names match by whole components, and never by a part of one."""

from __future__ import annotations

import pytest

from owaudit.judge.patterns import PatternIndex, problem

_ENTRIES = ("os.system", "os.exec*", "subprocess", "code.*", "torch.utils.*.run", "a*.b", "**.__globals__")


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("os.system", ["os.system"]),
        ("os.system.__call__", ["os.system"]),
        ("os.systems", []),
        ("os", []),
        ("os.execvp", ["os.exec*"]),
        ("os.exec", ["os.exec*"]),
        ("os.exe", []),
        ("subprocess", ["subprocess"]),
        ("subprocess.anything.deeper", ["subprocess"]),
        ("subprocesses.Popen", []),
        ("my.subprocess.Popen", []),
        ("code", []),
        ("code.interact", ["code.*"]),
        ("torch.utils.x.run", ["torch.utils.*.run"]),
        ("torch.utils.run", []),
        ("ab.b.c", ["a*.b"]),
        ("f.__globals__", ["**.__globals__"]),
        ("z.b.c.d.__globals__.get", ["**.__globals__"]),
        ("__globals__", []),
        ("f.__globals__s", []),
        ("", []),
        ("..", []),
    ],
)
def test_what_covers_a_name(name: str, entries: list[str]) -> None:
    index: PatternIndex[None] = PatternIndex()
    for entry in _ENTRIES:
        index.add(entry, None)
    assert [hit.entry for hit in index.find(name)] == entries


def test_wider_entries_come_first() -> None:
    index: PatternIndex[int] = PatternIndex()
    for value, entry in enumerate(("os.path.join", "os", "os.*")):
        index.add(entry, value)
    assert [(hit.entry, hit.depth, hit.value) for hit in index.find("os.path.join")] == [
        ("os", 1, 1),
        ("os.*", 1, 2),
        ("os.path.join", 3, 0),
    ]


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("os.system", ""),
        ("os.*", ""),
        ("os..system", "an empty component"),
        ("", "an empty component"),
        ("**.__globals__", ""),
        ("**.a.b", "no single component after '**.'"),
        ("**.", "no single component after '**.'"),
        (".".join("a" * 25), "more than 24 components"),
        ("os.*exec", "a '*' that is not at the end of the component '*exec'"),
    ],
)
def test_entries_that_cannot_be_matched_are_named(entry: str, wrong: str) -> None:
    assert problem(entry) == wrong
