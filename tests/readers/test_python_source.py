"""What a program calls, under which name, and when."""

from __future__ import annotations

import json

import pytest

from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.code_facts import ProgramCall, ProgramRead, SecretShape
from owaudit.model.limits import Limits
from owaudit.readers.python_source import READERS, read_python

_PLACE = Place("program.py")
_NOTEBOOK = next(reader for reader in READERS if reader.format == "notebook")


def _calls(source: str) -> list[tuple[str, str, str]]:
    found = read_python(Window.of(source.encode()), _PLACE, Limits())
    return [(item.name, item.capability, item.moment) for item in found if isinstance(item, ProgramCall)]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system('x')",
        "import os as o\no.system('x')",
        "from os import system\nsystem('x')",
        "from os import system as s\ns('x')",
        "import os\ns = os.system\ns('x')",
        "import os\ngetattr(os, 'sys' + 'tem')('x')",
        "import os\ngetattr(os, ''.join(['sys', 'tem']))('x')",
        "import os\ngetattr(os, 'metsys'[::-1])('x')",
        "__import__('os').system('x')",
        "import importlib\nimportlib.import_module('os').system('x')",
        "import importlib as i\nm = i.import_module('o' + 's')\nm.system('x')",
        "import sys\nsys.modules['os'].system('x')",
        "import os\nos.__dict__['system']('x')",
        "import os\nvars(os)['system']('x')",
        "exec('import os\\nos.system(1)')",
        "eval(\"__import__('os').system(1)\")",
        "try:\n    import os\nfinally:\n    os.system('x')",
        "import os\nclass A:\n    x = os.system('x')",
        "import os\ndef f(a=os.system('x')):\n    pass",
        "import os\ndef f():\n    os.system('x')\nf()",
        "import os\nclass A:\n    def __init__(self):\n        os.system('x')\nA()",
        "import os\nrun = lambda: os.system('x')\nrun()",
    ],
)
def test_one_call_many_spellings(source: str) -> None:
    assert _calls(source) == [("os.system", "process", "import")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\ndef f():\n    os.system('x')", [("os.system", "process", "call")]),
        ("import os\nif __name__ == '__main__':\n    os.system('x')", [("os.system", "process", "call")]),
        (
            "import os\nclass A:\n    def __init__(self):\n        os.system('x')",
            [("os.system", "process", "build")],
        ),
        ("import torch\ntorch.load('x')", [("torch.load", "unpickling", "import")]),
        ("import torch\ntorch.load('x', weights_only=True)", []),
        ("import yaml\nyaml.load('x', Loader=yaml.SafeLoader)", []),
        ("open('x')\nopen('x', 'rb')", []),
        ("open('x', 'w')", [("builtins.open", "file-write", "import")]),
        ("import re, torch\nre.compile('a')\ntorch.compile(f)\nmodel.eval()", []),
        ("import importlib\nimportlib.import_module('json')", []),
        (
            "import importlib\nimportlib.import_module(name)",
            [("importlib.import_module", "runtime-import", "import")],
        ),
        ("import os\nos.path.join('a', 'b')\nos.environ.get('A')\nos.makedirs('x')", []),
        ("from .os import system\nsystem('x')", []),
    ],
)
def test_calls(source: str, expected: list[tuple[str, str, str]]) -> None:
    assert _calls(source) == expected


@pytest.mark.parametrize(
    "argument",
    [
        "base64.b64decode('eA==')",
        "zlib.decompress(b'x')",
        "bytes.fromhex('78').decode()",
        "codecs.decode('k', 'rot13')",
    ],
)
def test_decoded_text_that_runs(argument: str) -> None:
    source = f"import base64, zlib, codecs\nexec({argument})"
    found = read_python(Window.of(source.encode()), _PLACE, Limits())
    assert [item.computed for item in found if isinstance(item, ProgramCall)] == [True]


def test_what_was_read() -> None:
    (program,) = [
        item
        for item in read_python(Window.of(b"import torch.nn\nfrom .a import b\n"), _PLACE, Limits())
        if isinstance(item, ProgramRead)
    ]
    assert (program.language, program.imports, program.capabilities) == ("python", ("torch",), ())


@pytest.mark.parametrize("source", ["print 'x'", "def", "x = 'a\n", "\x00", "# coding: utf-7\nx"])
def test_no_python_of_today(source: str) -> None:
    with pytest.raises(FormatError):
        _calls(source)


@pytest.mark.parametrize(
    "source", ["x = " + "(" * 3000 + ")" * 3000, "x = " + "-" * 9000 + "1", "a" * (1 << 20) + "a"]
)
def test_deep_and_long_programs_are_refused(source: str) -> None:
    with pytest.raises(LimitExceeded):
        _calls(source)


def test_cells_of_a_notebook() -> None:
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "import os\n"]},
             {"cell_type": "markdown", "source": "os.system('x')"},
             {"cell_type": "code", "source": "!pip install x\nos.system('x')"}]  # fmt: skip
    window = Window.of(json.dumps({"cells": cells}).encode())
    found = list(_NOTEBOOK.read(window, Place("a.ipynb"), Limits()))
    calls = [(i.name, i.location.line) for i in found if isinstance(i, ProgramCall)]
    # cells of code are counted, texts are not
    assert calls == [("shell", 2), ("os.system", 2)]


def test_a_credential_is_shown_in_part() -> None:
    source = "TOKEN = 'hf_" + "a1B" * 12 + "'"
    found = [
        i for i in read_python(Window.of(source.encode()), _PLACE, Limits()) if isinstance(i, SecretShape)
    ]
    assert [(i.family, i.shown) for i in found] == [("Hugging Face token", "hf_a1B…")]
