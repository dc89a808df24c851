"""Build hook: compile the pickle machine into the wheel where mypyc and a C compiler are at hand.

The sources go into the wheel either way. Without a compiler, or with ``OWAUDIT_PURE=1``, the wheel
stays pure and behaves the same; ``owaudit doctor`` says which one is in use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULES = ("pickle_values", "pickle_trace", "pickle_calls", "pickle_machine")
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX") or ".so"


class CompileMachine(BuildHookInterface[Any]):
    """Adds the compiled modules of ``owaudit/codec`` to a standard wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together; editable installs stay pure."""
        if version != "standard" or os.environ.get("OWAUDIT_PURE") == "1":
            return
        self.work = Path(tempfile.mkdtemp(prefix="owaudit-build-"))
        found = compiled(Path(self.root), self.work)
        if not found:
            self.app.display_warning("owaudit: no working mypyc and C compiler, the wheel stays pure")
            return
        for path in found:
            build_data["force_include"][str(path)] = str(path.relative_to(self.work))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Called when the wheel is written."""
        if hasattr(self, "work"):
            shutil.rmtree(self.work, ignore_errors=True)


def compiled(root: Path, work: Path) -> list[Path]:
    """Compile a copy of the package below ``work``; return the built files, none where it fails."""
    shutil.copytree(root / "owaudit", work / "owaudit", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    sources = [f"owaudit/codec/{module}.py" for module in MODULES]
    environment = {"MYPYC_OPT_LEVEL": "3", **os.environ}
    try:
        subprocess.run(  # noqa: S603 - our own sources
            [sys.executable, "-m", "mypyc", *sources],
            cwd=work,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "output", b"") or b""
        print(output.decode("utf-8", "replace")[-2000:], file=sys.stderr)  # noqa: T201
        return []
    return sorted(path for path in work.rglob(f"*{SUFFIX}") if "build" not in path.relative_to(work).parts)
