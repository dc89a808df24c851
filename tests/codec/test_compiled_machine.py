"""The machine compiled and pure: one source, one behaviour.

Where mypyc and a C compiler are at hand, the machine is built as the wheel builds it, and both
read the same recipes in processes of their own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

READ = """
import json, sys
from pathlib import Path
from owaudit.codec import pickle_machine
from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.model import wire
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.readers.pickle_stream import read

found = {}
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        facts = read(Window.of(path.read_bytes()), Place("f"), Limits())
        found[str(path)] = [wire.encode(f) if isinstance(f, Observation) else repr(f) for f in facts]
print(json.dumps([str(pickle_machine.__file__).endswith(".py"), found], sort_keys=True))
"""


def has_compiler() -> bool:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return bool(shutil.which(compiler)) and headers.exists() and importlib.util.find_spec("mypyc") is not None


@pytest.mark.skipif(not has_compiler(), reason="needs mypyc, a C compiler and the Python headers")
def test_compiled_and_pure_see_the_same(tmp_path: Path) -> None:
    from fixtures import all_recipes, write

    for recipe in all_recipes():
        write(recipe.build(), tmp_path / "recipes" / recipe.name)
    work = tmp_path / "build"
    hook = ROOT / ".ci" / "compile_machine.py"
    build = (
        "import importlib.util, sys, types\n"
        "from pathlib import Path\n"
        "stand_in = types.ModuleType('hatchling.builders.hooks.plugin.interface')\n"
        "generic = {'__class_getitem__': classmethod(lambda c, i: c)}\n"
        "stand_in.BuildHookInterface = type('BuildHookInterface', (), generic)\n"
        "sys.modules[stand_in.__name__] = stand_in\n"
        f"spec = importlib.util.spec_from_file_location('hook', {str(hook)!r})\n"
        "hook = importlib.util.module_from_spec(spec); spec.loader.exec_module(hook)\n"
        f"assert hook.compiled(Path({str(ROOT)!r}), Path({str(work)!r}))\n"
    )
    environment = {**os.environ, "MYPYC_OPT_LEVEL": "0"}
    subprocess.run([sys.executable, "-c", build], check=True, env=environment, cwd=tmp_path)
    answers = []
    for path in (work, ROOT):
        answer = subprocess.run(
            [sys.executable, "-c", READ, str(tmp_path / "recipes")],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(path)},
            cwd=tmp_path,
        )
        answers.append(json.loads(answer.stdout))
    assert [answer[0] for answer in answers] == [False, True]
    assert len(answers[0][1]) > 300
    assert answers[0][1] == answers[1][1]
