"""Small rule packs in a temporary folder, loaded beside the engine's own outcomes."""

from __future__ import annotations

from pathlib import Path

from owaudit.judge.packs import Pack, load_packs
from owaudit.shipped import shipped

POWERFUL = """
id = "OWA1001"
name = "pickle-powerful-process"
title = "Pickle reaches a name that starts processes"
severity = "critical"
family = "processes"
on = "pickle.name"
explanation = "It starts a program."
remediation = "Do not load it."
references = ["CWE-78"]

[[deny]]
match = ["os.system", "os.exec*", "subprocess", "acme.tools"]
why = "starts a process"
source = "Python library reference, subprocess"
"""

POWERFUL_CODE = """
id = "OWA1008"
name = "pickle-powerful-attribute-walk"
title = "Pickle reaches a name that walks attributes"
severity = "high"
family = "attribute walks"
on = "pickle.name"
explanation = "It walks."
remediation = "Do not load it."
references = []

[[deny]]
match = ["builtins.getattr", "builtins.eval", "code"]
why = "walks"
source = "Python library reference, functions"

[[deny]]
match = ["os"]
why = "everything of os"
source = "Python library reference, os"
"""

REVIEWED = """
reviewed = "pickle"
library = "python"
version = "3.11"

[[allow]]
match = ["collections.OrderedDict", "collections.Counter"]
use = "call"
why = "a container"
source = "CPython"

[[allow]]
match = ["builtins.getattr"]
use = "call"
arity = [2]
arguments = [{ slot = 0, use = "reference" }, { slot = 1, types = ["str"] }]
over = "builtins.getattr"
why = "literal names only"
source = "CPython"

[[allow]]
match = ["copyreg._reconstructor"]
use = "call"
arity = [3]
arguments = [
  { slot = 0, use = "construct", arguments_from = 3 },
  { slot = 1, names = ["builtins.object"] },
  { slot = 2, types = ["NoneType"] },
]
why = "an empty object"
source = "CPython"

[[allow]]
match = ["acme.run_later"]
use = "call"
arguments = [{ slot = 0, use = "call", arguments_from = 1 }]
why = "calls its first argument"
source = "acme"

[[allow]]
match = ["acme.Plain"]
use = "build"
why = "assigns fields"
source = "acme"

[[allow]]
match = ["acme.alone"]
use = "call"
arity = [0]
why = "no arguments"
source = "acme"

[[allow]]
match = ["acme.flag"]
use = "reference"
why = "a constant"
source = "acme"

[[allow]]
match = ["_codecs.encode"]
use = "call"
arity = [2]
arguments = [{ slot = 1, strings = ["latin1"] }, { slot = 0, types = ["str", "int"], at_most = 9 }]
why = "bytes"
source = "CPython"
"""


def builtin_without_names(tmp_path: Path) -> Path:
    """A copy of the engine's own tables alone, as a built-in pack."""
    folder = tmp_path / "builtin"
    folder.mkdir()
    for name in ("engine.toml", "unreviewed.toml", "standard-library.toml"):
        (folder / name).write_bytes((shipped("rules") / name).read_bytes())
    return folder


def small_packs(tmp_path: Path) -> tuple[Pack, ...]:
    """The engine's tables, two powerful families and one reviewed list."""
    folder = builtin_without_names(tmp_path)
    (folder / "powerful.toml").write_text(POWERFUL)
    (folder / "walks.toml").write_text(POWERFUL_CODE)
    (folder / "reviewed.toml").write_text(REVIEWED)
    return load_packs(builtin=folder, installed=False)
