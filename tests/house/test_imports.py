"""Starting is light: heavy packages are imported where they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = ("sigstore", "cryptography", "jinja2", "numpy", "modelscan", "safetensors", "torch", "rich.progress")
_PROBE = """
import sys
from owaudit.cli import main
try:
    main(["--version"])
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write(",".join(name for name in {names!r} if name in sys.modules))
"""


def test_version_imports_nothing_heavy() -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", _PROBE.format(names=_HEAVY)], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("owaudit")


@pytest.mark.parametrize("module", ["owaudit", "owaudit.model", "owaudit.errors"])
def test_the_lower_floors_are_standard_library_only(module: str) -> None:
    names = ["click", "rich", "jinja2", "safetensors", "numpy"]
    probe = f"import sys, {module}\nprint(*[n for n in {names!r} if n in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert outcome.stdout == "\n"
