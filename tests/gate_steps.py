"""Run the steps of the composite action as a runner would: bash, temporary files, inputs in the environment.

Only what needs the network is left to a run by hand: the steps that use other actions and the install
step. What these would give is stood for by the interpreter and the folder of the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ACTION = Path(__file__).resolve().parents[1] / ".github/actions/owaudit"
BASH = shutil.which("bash") or "bash"
_EXPRESSION = re.compile(r"\$\{\{\s*(inputs|steps)\.([\w.-]+)\s*\}\}\Z")
_QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def action() -> dict[str, Any]:
    """The action's metadata."""
    loaded = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@dataclass(frozen=True, slots=True)
class Ran:
    """What one use of the action did: the code of its last step, the log, outputs and summary."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def commands(self) -> list[str]:
        """The workflow commands that the runner would obey, in order."""
        found, stopped = [], ""
        for line in re.split(r"\r\n|\r|\n", self.log):
            if stopped:
                stopped = "" if line.strip() == f"::{stopped}::" else stopped
            elif match := re.match(r"\s*::stop-commands::(\w+)", line):
                stopped = match[1]
            elif re.match(r"\s*(?:::[\w-]+|##\[)", line):
                found.append(line)
        return found


class Runner:
    """A workspace with a temporary folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.temporary = folder / "runner"
        self.event = folder / "event.json"
        for path in (self.workspace, self.temporary):
            path.mkdir()
        self.event.write_text("{}", encoding="utf-8")

    def git(self, *words: str) -> str:
        """Run git in the workspace and return what it says."""
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=self.workspace, env={**os.environ, **_QUIET}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, message: str = "state") -> str:
        """Commit everything in the workspace; return the commit."""
        if not (self.workspace / ".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def use(self, *, runner: Mapping[str, str] | None = None, **inputs: str) -> Ran:
        """Use the action with these inputs (``fail_on`` for ``fail-on``) and return what it did."""
        loaded = action()
        values = {name: str(row.get("default", "")) for name, row in loaded["inputs"].items()}
        values |= {"second-opinion": "false"} | {key.replace("_", "-"): v for key, v in inputs.items()}
        outputs = {
            "install": {"python": sys.executable, "work": str(self._work())},
            "python": {},
            "artifact": {},
        }
        summary = self.temporary / "summary.md"
        summary.write_bytes(b"")
        log, code = "", 0
        for step in loaded["runs"]["steps"]:
            if "run" not in step or step.get("id") == "install":
                continue
            file = self.temporary / f"output-{step.get('id', 'last')}"
            file.write_bytes(b"")
            given = {key: _value(text, values, outputs) for key, text in step.get("env", {}).items()}
            files = {"GITHUB_OUTPUT": str(file), "GITHUB_STEP_SUMMARY": str(summary)}
            done = subprocess.run(
                [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.workspace,
                env={**self._environment(), **(runner or {}), **files, **given},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            outputs[step.get("id", "last")] = dict(read_outputs(file.read_text(encoding="utf-8")))
            log += done.stdout.decode("utf-8")
            code = code or done.returncode
        stated = {name: _value(row["value"], values, outputs) for name, row in loaded["outputs"].items()}
        return Ran(code, log, stated, summary.read_text(encoding="utf-8"))

    def _work(self) -> Path:
        number = len(list(self.temporary.glob("work-*")))
        folder = self.temporary / f"work-{number}"
        folder.mkdir()
        return folder

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "OWAUDIT_"))
        }
        return kept | _QUIET | {
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/gate.yml@refs/heads/main",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
        }  # fmt: skip


def _value(text: str, inputs: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]) -> str:
    match = _EXPRESSION.match(text)
    assert match, f"an expression that this runner does not know: {text}"
    if match[1] == "inputs":
        return inputs[match[2]]
    step, _, name = match[2].partition(".outputs.")
    return outputs[step].get(name, "")


def read_outputs(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of a file of outputs, read as the runner reads it."""
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, heredoc, delimiter = line.partition("<<")
        if heredoc and "=" not in name:
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                raise AssertionError(f"no end of {name}")
            yield name, "\n".join(value)
        else:
            name, equals, value_text = line.partition("=")
            assert equals, f"no output: {line!r}"
            yield name, value_text
