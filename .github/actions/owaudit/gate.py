"""Run the gate with the inputs of the action, which arrive as environment variables.

What decides is taken from a commit that the author of a pull request does not control: the base of the
pull request or merge group, otherwise the commit that started the workflow. Its small files are written
to a folder that ``owaudit gate --trusted`` reads policy, lock, baseline and pins from. The step itself
succeeds whatever the verdict, so that reports are uploaded; the last step of the action fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

COULD_NOT_RUN = 2
_CODES = (0, 1, COULD_NOT_RUN, 3)
_LARGEST = 1024 * 1024
"""Bytes of a file of the trusted tree; the files that inputs name may have 64 times as many."""
_TOTAL = 256 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_DECIDING = ("POLICY", "LOCK", "BASELINE", "MODELS")
_REGULAR = ("100644", "100755")


class Refused(Exception):
    """The action cannot run as it was asked to."""


def main(environment: Mapping[str, str]) -> int:
    """Run the gate, write its exit code as an output, and return the exit code of the step."""
    try:
        code = subprocess.run(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-I", "-m", "owaudit", "gate", *arguments(environment)], check=False
        ).returncode
    except Refused as problem:
        sys.stdout.write(f"::error title=owaudit::{escaped(str(problem))}\n")
        code = COULD_NOT_RUN
    output = Path(environment["GITHUB_OUTPUT"])
    stated = output.read_text(encoding="utf-8") if output.is_file() else ""
    ended = "\nexit-code<<" in f"\n{stated}"
    if code not in _CODES or not ended:
        code = COULD_NOT_RUN
    with output.open("a", encoding="utf-8", newline="\n") as stream:
        # A gate that could not run has written nothing; whoever reads the outputs still finds a verdict.
        if not ended:
            stream.write("verdict=error\n")
        stream.write(f"gate-exit-code={code}\n")
    return 0


def escaped(text: str) -> str:
    """The text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def arguments(environment: Mapping[str, str]) -> list[str]:
    """The words after ``owaudit gate``.

    Raises:
        Refused: an input is wrong, or files that decide cannot be had from a trusted commit.
    """
    given = {name[8:]: value for name, value in environment.items() if name.startswith("OWAUDIT_")}
    words = ["--github"]
    for name, option in (
        ("POLICY", "--policy"),
        ("LOCK", "--lock"),
        ("BASELINE", "--baseline"),
        ("MODELS", "--models"),
        ("SARIF_CATEGORY", "--category"),
    ):
        if value := given.get(name, "").strip():
            words += [option, value]
    if value := given.get("FAIL_ON", "").strip():
        words += ["--fail-on", value]
    words += [] if flag(given, "SUMMARY") else ["--no-summary"]
    words += [] if flag(given, "ANNOTATIONS") else ["--no-annotations"]
    words += [] if flag(given, "SECOND_OPINION") else ["--no-second-opinion"]
    flag(given, "FAIL_ON_INCONCLUSIVE")
    words += ["--formats", formats(given)]
    words += ["--output-dir", given.get("OUTPUT_DIR", "").strip() or f"{given['WORK']}/reports"]
    if anchor := workflow_file(environment):
        words += ["--anchor", anchor]
    if not flag(given, "TRUST_PULL_REQUEST") and (tree := trusted_tree(environment, given)) is not None:
        words += ["--trusted", str(tree)]
    paths = [line.strip() for line in given.get("PATHS", "").splitlines() if line.strip()]
    if not paths and not given.get("MODELS", "").strip():
        raise Refused("neither paths nor models are given")
    return [*words, "--", *paths]


def flag(given: Mapping[str, str], name: str) -> bool:
    """An input that is ``true`` or ``false`` and nothing else."""
    value = given.get(name, "").strip().lower()
    if value not in ("true", "false"):
        raise Refused(f"the input {name.lower().replace('_', '-')} is neither true nor false")
    return value == "true"


def formats(given: Mapping[str, str]) -> str:
    """The formats that are asked for, with SARIF where it is to be uploaded."""
    wanted = [name.strip() for name in given.get("FORMATS", "").replace("\n", ",").split(",")]
    if flag(given, "SARIF_UPLOAD"):
        wanted.append("sarif")
    return ",".join(name for name in wanted if name)


def workflow_file(environment: Mapping[str, str]) -> str:
    """The workflow that runs, relative to its repository: it names models that nothing else names."""
    reference = environment.get("GITHUB_WORKFLOW_REF", "").partition("@")[0]
    path = "/".join(reference.split("/")[2:])
    return path if re.match(r"\.github/workflows/[\w.-]+\Z", path) else ""


def trusted_tree(environment: Mapping[str, str], given: Mapping[str, str]) -> Path | None:
    """Write the small files of the trusted commit; None where no input names a file of the workspace.

    Raises:
        Refused: the workspace is no clone, or the commit is not in it and cannot be fetched.
    """
    workspace = Path.cwd()
    named = [value for name in _DECIDING if (value := inside(given.get(name, "").strip(), workspace))]
    if not named:
        return None
    commit = trusted_commit(environment)
    git = ["git", "-c", f"safe.directory={workspace.as_posix()}", "-C", str(workspace)]
    if not commit or not has_commit(git, commit):
        raise Refused(
            "policy, lock, baseline and models are taken from the base of a pull request, or the commit "
            "that started the workflow, and the checkout does not hold it: check out with fetch-depth: 0, "
            "or name files outside the workspace"
        )
    folder = Path(given["WORK"]) / "trusted"
    folder.mkdir()
    write_tree(git, commit, folder, frozenset(named))
    return folder


def inside(path: str, workspace: Path) -> str:
    """The path relative to the workspace, POSIX; empty where it is empty or lies elsewhere."""
    if not path:
        return ""
    try:
        relative = Path(os.path.relpath(workspace / path, workspace))
    except ValueError:  # another drive
        return ""
    return "" if relative.is_absolute() or ".." in relative.parts else relative.as_posix()


def trusted_commit(environment: Mapping[str, str]) -> str:
    """The base of the pull request or merge group, otherwise the commit that started the workflow."""
    event: object = {}
    if file := environment.get("GITHUB_EVENT_PATH"):
        try:
            event = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Refused(f"the event cannot be read: {error}") from error
    for keys in (("pull_request", "base", "sha"), ("merge_group", "base_sha")):
        value = event
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value if _COMMIT.match(value) else ""
    if environment.get("GITHUB_EVENT_NAME", "").startswith(("pull_request", "merge_group")):
        return ""
    commit = environment.get("GITHUB_SHA", "")
    return commit if _COMMIT.match(commit) else ""


def has_commit(git: list[str], commit: str) -> bool:
    """Is the commit in the clone, if need be after asking its origin once?"""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
    look = [*git, "cat-file", "-e", f"{commit}^{{commit}}"]
    fetch = [*git, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--depth=1", "origin", commit]
    try:
        if subprocess.run(look, check=False, env=environment, **quiet).returncode == 0:  # noqa: S603
            return True
        subprocess.run(fetch, check=False, env=environment, timeout=300, **quiet)  # noqa: S603
        return subprocess.run(look, check=False, env=environment, **quiet).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def write_tree(git: list[str], commit: str, folder: Path, named: frozenset[str]) -> None:
    """Write the regular files of a commit that are small, and those that are named; no filter runs."""
    chosen, total = [], 0
    for path, blob, size in _blobs(git, commit):
        parts = PurePosixPath(path).parts
        plain = ".." not in parts and not any(":" in part or "\\" in part for part in parts)
        if plain and size <= (64 * _LARGEST if path in named else _LARGEST) and total + size <= _TOTAL:
            chosen.append((parts, blob, size))
            total += size
    asked = "".join(f"{blob}\n" for _, blob, _ in chosen).encode("ascii")
    read = subprocess.run([*git, "cat-file", "--batch"], input=asked, check=True, capture_output=True)  # noqa: S603
    at = 0
    for parts, _, size in chosen:
        start = read.stdout.index(b"\n", at) + 1
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read.stdout[start : start + size])
        at = start + size + 1


def _blobs(git: list[str], commit: str) -> Iterator[tuple[str, str, int]]:
    listed = subprocess.run([*git, "ls-tree", "-r", "-z", "-l", commit], check=True, capture_output=True)  # noqa: S603
    for row in listed.stdout.split(b"\0"):
        about, tab, path = row.partition(b"\t")
        words = about.decode("ascii", "replace").split()
        if tab and len(words) == 4 and words[0] in _REGULAR and words[3].isdigit():
            try:
                yield path.decode("utf-8"), words[2], int(words[3])
            except UnicodeDecodeError:
                continue


if __name__ == "__main__":
    sys.exit(main(os.environ))
