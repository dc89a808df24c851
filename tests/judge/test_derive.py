"""Deriving policy lines from sources: what counts as inert, the first reason where not, and the bounds.

Every case is a small source in a temporary folder and the whole answer for it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from owaudit.errors import UsageError
from owaudit.judge import source_tree
from owaudit.judge.derive import DerivedName, derive, policy_text
from owaudit.judge.policy import read_policy
from owaudit.model.observation import Use
from owaudit.model.policy import AllowedName

_FIELDS = "loading only assigns fields"


def _derive(tmp_path: Path, source: str) -> list[tuple[str, str, str, str]]:
    """Name, use ("-" for none), reason and place of everything in one module ``nets``."""
    (tmp_path / "nets.py").write_text(source, "utf-8")
    return [(one.name, str(one.use or "-"), one.reason, one.place) for one in derive(tmp_path)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            "class Plain:\n    def __init__(self, x):\n        self.x = open(x)\n",
            [("nets.Plain", "build", _FIELDS, "nets.py:1")],
            id="initializer-does-not-run",
        ),
        pytest.param(
            "from dataclasses import dataclass, field\n"
            "@dataclass\nclass Config:\n    a: int = 1\n    b: list = field(default_factory=list)\n",
            [("nets.Config", "build", _FIELDS, "nets.py:3")],
            id="dataclass",
        ),
        pytest.param(
            "class Old:\n    def __setstate__(self, state):\n        self.__dict__.update(state)\n"
            "        if 'bias' not in state:\n            self.bias = None\n",
            [("nets.Old", "build", "`__setstate__` only assigns fields", "nets.py:1")],
            id="setstate-assigns",
        ),
        pytest.param(
            "import os\nclass Evil:\n    def __setstate__(self, state):\n        os.system(state['cmd'])\n",
            [("nets.Evil", "-", "`__setstate__` calls `os.system`", "nets.py:4")],
            id="setstate-starts-process",
        ),
        pytest.param(
            "from os import system as tidy\nclass Evil:\n"
            "    def __setstate__(self, state):\n        tidy('x')\n",
            [("nets.Evil", "-", "`__setstate__` calls `os.system`", "nets.py:4")],
            id="import-alias",
        ),
        pytest.param(
            "import os\nrun = os.system\nclass Evil:\n    def __setstate__(self, state):\n        run('x')\n",
            [("nets.Evil", "-", "`__setstate__` calls `os.system`", "nets.py:5")],
            id="module-alias",
        ),
        pytest.param(
            "def fill(x):\n    eval(x)\nclass Evil:\n    def __setstate__(self, state):\n"
            "        fill(state)\n",
            [("nets.Evil", "-", "`__setstate__` calls `eval`", "nets.py:2")],
            id="through-a-function",
        ),
        pytest.param(
            "class A:\n    def __setstate__(self, s):\n        exec(s)\nclass B(A):\n    pass\n"
            "class C(A):\n    def __setstate__(self, s):\n        self.s = s\n",
            [
                ("nets.A", "-", "`__setstate__` calls `exec`", "nets.py:3"),
                ("nets.B", "-", "`__setstate__` calls `exec`", "nets.py:3"),
                ("nets.C", "build", "`__setstate__` only assigns fields", "nets.py:6"),
            ],
            id="inherited-and-overridden",
        ),
        pytest.param(
            "class A:\n    def __setstate__(self, s):\n        exec(s)\n"
            "class B(A):\n    def __setstate__(self, s):\n        super().__setstate__(s)\n",
            [
                ("nets.A", "-", "`__setstate__` calls `exec`", "nets.py:3"),
                ("nets.B", "-", "`__setstate__` calls `exec`", "nets.py:3"),
            ],
            id="super",
        ),
        pytest.param(
            "class Shadow:\n    def __setstate__(self, s):\n        self.__dict__ = s\n        self.go(1)\n"
            "    def go(self, x):\n        self.x = x\n",
            [("nets.Shadow", "-", "`__setstate__` calls `self.go`, which a state can replace", "nets.py:4")],
            id="method-a-state-can-replace",
        ),
        pytest.param(
            "class Called:\n    def __setstate__(self, s):\n        s['hook'](1)\n",
            [("nets.Called", "-", "`__setstate__` calls a computed value", "nets.py:3")],
            id="calls-what-it-was-given",
        ),
        pytest.param(
            "class Meta(type):\n    def __call__(cls, *a):\n        return print(a)\n"
            "class Net(metaclass=Meta):\n    pass\n",
            [
                (
                    "nets.Meta",
                    "-",
                    "base class `builtins.type` is not in the source or a reviewed list",
                    "nets.py:1",
                ),
                ("nets.Net", "-", "its metaclass defines `Meta.__call__`", "nets.py:1"),
            ],
            id="metaclass",
        ),
        pytest.param(
            "class Door:\n    @property\n    def path(self):\n        return self._path\n"
            "    @path.setter\n    def path(self, value):\n        self._path = open(value).read()\n",
            [("nets.Door", "-", "`path.setter` calls `open`", "nets.py:7")],
            id="property-setter-opens",
        ),
        pytest.param(
            "class Door:\n    @property\n    def path(self):\n        return self._path\n"
            "    @path.setter\n    def path(self, value):\n        self._path = value\n",
            [("nets.Door", "build", _FIELDS, "nets.py:1")],
            id="property-setter-assigns",
        ),
        pytest.param(
            "class Door:\n    path = property(None, lambda self, value: print(value))\n",
            [("nets.Door", "-", "`path.setter` is set to something that cannot be read", "nets.py:1")],
            id="property-call",
        ),
        pytest.param(
            "import shutil\nclass Tmp:\n    def __del__(self):\n        shutil.rmtree(self.path)\n",
            [("nets.Tmp", "-", "`__del__` calls `shutil.rmtree`", "nets.py:4")],
            id="del",
        ),
        pytest.param(
            "from acme.base import Model\nclass Net(Model):\n    pass\n",
            [
                (
                    "nets.Net",
                    "-",
                    "base class `acme.base.Model` is not in the source or a reviewed list",
                    "nets.py:2",
                )
            ],
            id="unknown-base",
        ),
        pytest.param(
            "class Proxy:\n    def __getattr__(self, name):\n        return getattr(self.inner, name)\n",
            [("nets.Proxy", "-", "`__getattr__` reads an attribute whose name is computed", "nets.py:3")],
            id="getattr-computed",
        ),
        pytest.param(
            "class Record:\n    def __getattr__(self, name):\n        if name in self.__dict__:\n"
            "            return self.__dict__[name]\n        raise AttributeError(name)\n",
            [("nets.Record", "build", "`__getattr__` only assigns fields", "nets.py:1")],
            id="getattr-from-fields",
        ),
        pytest.param(
            "import os\nclass Key:\n    def __hash__(self):\n        return os.getpid()\n",
            [("nets.Key", "-", "`__hash__` calls `os.getpid`", "nets.py:4")],
            id="hash",
        ),
        pytest.param(
            "import os\nclass Log(list):\n    def append(self, x):\n        os.remove(x)\n",
            [("nets.Log", "-", "`append` calls `os.remove`", "nets.py:4")],
            id="append",
        ),
        pytest.param(
            "import functools\n@functools.lru_cache\nclass Net:\n    pass\n",
            [("nets.Net", "-", "decorator `functools.lru_cache` may replace the class", "nets.py:2")],
            id="decorator",
        ),
        pytest.param(
            "class Desc:\n    def __set__(self, owner, value):\n        print(value)\n"
            "class Net:\n    d = Desc()\n",
            [
                ("nets.Desc", "build", _FIELDS, "nets.py:1"),
                ("nets.Net", "-", "class attribute `d` is a descriptor with its own `__set__`", "nets.py:5"),
            ],
            id="descriptor",
        ),
        pytest.param(
            "class Net:\n    pass\nNet.__setstate__ = lambda self, s: print(s)\n",
            [("nets.Net", "-", "`Net.__setstate__` is set from outside the class", "nets.py:3")],
            id="patched",
        ),
        pytest.param(
            "import os\nif os.name == 'nt':\n    class Net:\n        pass\nelse:\n"
            "    class Net:\n        def __del__(self):\n            os.remove('x')\n",
            [("nets.Net", "-", "`__del__` calls `os.remove`", "nets.py:8")],
            id="conditional-definitions",
        ),
        pytest.param(
            "import enum\nclass Mode(enum.Enum):\n    FAST = 1\n    SLOW = 2\n",
            [
                (
                    "nets.Mode",
                    "call",
                    "an enumeration; its members are looked up by value",
                    "nets.py:2",
                ),
                ("nets.Mode.FAST", "reference", "a member of an enumeration", "nets.py:3"),
                ("nets.Mode.SLOW", "reference", "a member of an enumeration", "nets.py:4"),
            ],
            id="enumeration",
        ),
        pytest.param(
            "from collections import namedtuple\nfrom typing import NamedTuple\n"
            "Point = namedtuple('Point', 'x y')\nclass Pair(NamedTuple):\n    a: int\n",
            [
                ("nets.Pair", "build", _FIELDS, "nets.py:4"),
                ("nets.Point", "build", "a named tuple", "nets.py:3"),
            ],
            id="named-tuples",
        ),
        pytest.param(
            "class Fault(ValueError):\n    def __init__(self, code):\n        self.code = code\n"
            "        super().__init__(code)\n",
            [("nets.Fault", "call", "pickle calls the class; `__init__` only assigns fields", "nets.py:1")],
            id="exception",
        ),
        pytest.param(
            "class Red:\n    def __init__(self, a):\n        self.a = open(a)\n"
            "    def __reduce__(self):\n        return type(self), (1,)\n",
            [("nets.Red", "-", "`__init__` calls `open`", "nets.py:3")],
            id="reduce-calls-the-class",
        ),
        pytest.param(
            "def make(x):\n    return Red()\nclass Red:\n    def __reduce__(self):\n"
            "        return make, (1,)\n",
            [
                ("nets.Red", "build", _FIELDS, "nets.py:3"),
                ("nets.make", "call", "named by `__reduce__`; it only makes and fills objects", "nets.py:1"),
            ],
            id="reduce-names-a-function",
        ),
        pytest.param(
            "def make(cls):\n    return cls()\nclass Red:\n    def __reduce__(self):\n"
            "        return make, (Red,)\n",
            [
                ("nets.Red", "build", _FIELDS, "nets.py:3"),
                ("nets.make", "-", "calls the value `cls`", "nets.py:2"),
            ],
            id="reduce-names-a-trampoline",
        ),
        pytest.param(
            "class Red:\n    def __reduce__(self):\n        return self.how()\n",
            [
                (
                    "nets.Red",
                    "build",
                    f"{_FIELDS}; its `__reduce__` may call names that need lines of their own",
                    "nets.py:1",
                )
            ],
            id="reduce-not-clear",
        ),
        pytest.param(
            "import torch.nn as nn\nfrom torch import nn as other\nclass Net(nn.Module):\n"
            "    class Block(other.Linear):\n        pass\n",
            [
                ("nets.Net", "build", _FIELDS, "nets.py:3"),
                ("nets.Net.Block", "build", _FIELDS, "nets.py:4"),
            ],
            id="modules-and-nested-classes",
        ),
        pytest.param(
            "class Loop:\n    def __setstate__(self, s):\n        while True:\n            pass\n",
            [("nets.Loop", "-", "`__setstate__` has a `while` loop, which is not followed", "nets.py:3")],
            id="while",
        ),
        pytest.param(
            "KNOWN = {}\nclass Reg:\n    def __setstate__(self, s):\n        KNOWN[1] = s\n",
            [("nets.Reg", "-", "`__setstate__` changes `KNOWN`, which is not its own", "nets.py:4")],
            id="changes-a-global",
        ),
        pytest.param(
            "class Swap:\n    def __setstate__(self, s):\n        self.__class__ = s\n",
            [("nets.Swap", "-", "`__setstate__` sets `__class__`", "nets.py:3")],
            id="changes-its-class",
        ),
        pytest.param(
            "class A(B):\n    pass\nclass B(A):\n    pass\n",
            [
                ("nets.A", "-", "the bases of `A` go in a circle", "nets.py:1"),
                ("nets.B", "-", "the bases of `B` go in a circle", "nets.py:3"),
            ],
            id="circular-bases",
        ),
        pytest.param(
            "class Broken(:\n",
            [("nets", "-", "the file was not read: not valid Python: invalid syntax (line 1)", "nets.py")],
            id="syntax-error",
        ),
    ],
)
def test_one_module(tmp_path: Path, source: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert _derive(tmp_path, source) == expected


def test_bases_are_found_through_re_exports(tmp_path: Path) -> None:
    package = tmp_path / "src" / "acme"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from .deep import Base\n", "utf-8")
    (package / "deep" / "__init__.py").write_text("from .core import *\n", "utf-8")
    (package / "deep" / "core.py").write_text("class Base:\n    pass\n", "utf-8")
    (package / "nets.py").write_text("import acme\nclass Net(acme.Base):\n    pass\n", "utf-8")
    assert derive(tmp_path) == (
        DerivedName(
            name="acme.deep.core.Base", use=Use.BUILD, reason=_FIELDS, place="src/acme/deep/core.py:1"
        ),
        DerivedName(name="acme.nets.Net", use=Use.BUILD, reason=_FIELDS, place="src/acme/nets.py:2"),
    )


def test_a_package_keeps_its_name_when_it_is_the_directory_itself(tmp_path: Path) -> None:
    inner = tmp_path / "acme" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "acme" / "__init__.py").touch()
    (inner / "__init__.py").touch()
    (inner / "nets.py").write_text("class Net:\n    pass\n", "utf-8")
    assert [one.name for one in derive(inner)] == ["acme.deep.nets.Net"]


def test_names_the_caller_has_read_count_as_reviewed(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("import acme\nclass Net(acme.Model):\n    pass\n", "utf-8")
    assert [one.use for one in derive(tmp_path)] == [None]
    assert [one.use for one in derive(tmp_path, assume=["acme.Model"])] == [Use.BUILD]


def test_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "owaudit_never_imported.py").write_text(
        "raise SystemExit('imported')\nclass Net:\n    pass\n", "utf-8"
    )
    assert [one.name for one in derive(tmp_path)] == ["owaudit_never_imported.Net"]
    assert "owaudit_never_imported" not in sys.modules


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("class Secret:\n    pass\n", "utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "linked.py").symlink_to(outside / "secret.py")
    (inside / "folder").symlink_to(outside, target_is_directory=True)
    os.mkfifo(inside / "pipe.py")
    assert derive(inside) == ()


def test_environments_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    for folder in ("venv", ".hidden", "__pycache__"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nets.py").write_text("class Net:\n    pass\n", "utf-8")
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert derive(tmp_path) == ()


def test_a_file_that_is_too_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_tree, "FILE_BYTES", 20)
    assert _derive(tmp_path, "class Net:\n    pass  # and more\n") == [
        ("nets", "-", "the file was not read: longer than 20 bytes", "nets.py")
    ]


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_tree, "FILES", 1)
    for name in ("a.py", "b.py"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="more than 1 Python files"):
        derive(tmp_path)


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone: not a directory of Python sources"):
        derive(tmp_path / "gone")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("class Net:\n    x = " + "(" * 5000 + ")" * 5000, id="parentheses"),
        pytest.param("class Net:\n    def __hash__(self):\n        return " + "-" * 3000 + "1", id="signs"),
        pytest.param("class Net:\n    def __hash__(self):\n        return a" + ".b" * 3000, id="attributes"),
        pytest.param("x = " + "+".join("1" * 4000), id="sum"),
        pytest.param("\x00", id="nul"),
        pytest.param(
            "".join(f"def f{i}(): f{i + 1}(); f{i + 1}()\n" for i in range(500))
            + "def f500(): pass\nclass Net:\n    def __hash__(self):\n        return f0()\n",
            id="calls-that-double",
        ),
        pytest.param(
            "".join(f"class C{i}(C{i + 1}): pass\n" for i in range(300)) + "class C300: pass\n", id="bases"
        ),
    ],
)
def test_sources_made_to_be_slow_or_deep_end(tmp_path: Path, source: str) -> None:
    assert all(isinstance(one, tuple) and len(one) == 4 for one in _derive(tmp_path, source))


def test_the_policy_text_is_a_policy(tmp_path: Path) -> None:
    derived = (
        DerivedName(name="acme.Bad", use=None, reason="`__del__` calls `x`\n[gate]", place='a".py:1'),
        DerivedName(name="acme.Net", use=Use.BUILD, reason=_FIELDS, place='a"\\\n.py:1'),
    )
    text = policy_text(derived)
    assert text == (
        "# Derived from sources without running them. Read each line before you keep it.\n"
        "[imports]\n"
        "allow = [\n"
        '  { name = "acme.Net", use = "build", reason = "loading only assigns fields (a\\"\\\\?.py:1)" },\n'
        "]\n"
        "\n"
        "# Left out, because loading them may do more than assign fields:\n"
        '# acme.Bad: `__del__` calls `x`?[gate] (a".py:1)\n'
    )
    (tmp_path / "owaudit.toml").write_text(text, "utf-8")
    assert read_policy(tmp_path / "owaudit.toml").allowed_names == (
        AllowedName(name="acme.Net", use=Use.BUILD, reason=f'{_FIELDS} (a"\\?.py:1)'),
    )
