"""What a scan writes: the same exit code in every format, whole files, places in a repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from owaudit.cli import main
from owaudit.render import renderers

FAILS = b"cos\nsystem\n(S'echo hi'\ntR."
SUFFIXES = {name: renderer.suffixes[0] for name, renderer in renderers().items() if not renderer.draw}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a model that fails and a text that passes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "models/pelican").mkdir(parents=True)
    (tmp_path / "models/pelican/a.pkl").write_bytes(FAILS)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/README.md").write_text("Hello.\n")
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(*words: str) -> int:
    code = main([*words], standalone_mode=False)
    assert isinstance(code, int)
    return code


def scan(*words: str) -> int:
    return run("scan", *words, "--no-second-opinion", "--jobs", "1")


@pytest.mark.parametrize(("target", "code"), [("models", 1), ("plain", 0), ("empty", 3)])
def test_no_format_changes_the_exit_code(
    repository: Path, capfd: pytest.CaptureFixture[str], target: str, code: int
) -> None:
    assert {scan(target, "--format", name) for name in SUFFIXES} == {code}
    assert capfd.readouterr().err == ""


def test_every_suffix_writes_its_format_twice_alike(
    repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written = []
    for _ in range(2):
        outputs = [word for suffix in SUFFIXES.values() for word in ("-o", f"out{suffix}")]
        assert scan("models", *outputs) == 1
        written.append({name: Path(f"out{suffix}").read_bytes() for name, suffix in SUFFIXES.items()})
    assert written[0] == written[1]
    assert not [path for path in os.listdir() if path.startswith(".owaudit-")]
    Path("again.json").write_bytes(written[0]["json"])
    # The page states the command, and stored reports know no working directory.
    for name in ("csv", "cyclonedx", "junit", "markdown"):
        capfd.readouterr()
        assert run("report", "again.json", "--format", name) == 1
        assert capfd.readouterr().out.encode() == written[0][name]


def place(path: str = "x.sarif") -> Any:
    (outcome,) = json.loads(Path(path).read_bytes())["runs"][0]["results"]
    where = outcome["locations"][0]["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["models/pelican"], ("models/pelican/a.pkl", 1)),
        (["models/pelican/a.pkl"], ("models/pelican/a.pkl", 1)),
        (["models"], ("models/pelican/a.pkl", 1)),
        (["."], ("models/pelican/a.pkl", 1)),
        (["models", "plain"], ("models/pelican/a.pkl", 1)),
        (["models/pelican", "--base", "vendored"], ("vendored/a.pkl", 1)),
        (["models/pelican", "--anchor", "models.lock:7"], ("models.lock", 7)),
        (["models/pelican", "--anchor", "models.lock"], ("models.lock", 1)),
    ],
)
def test_a_finding_is_shown_where_the_repository_has_it(
    repository: Path, capfd: pytest.CaptureFixture[str], words: list[str], shown: tuple[str, int]
) -> None:
    scan(*words, "-o", "x.sarif")
    assert place() == shown


def test_a_model_outside_is_shown_by_its_own_path(
    repository: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "plain")
    scan(str(repository / "models/pelican"), "-o", "x.sarif")
    assert place() == ("a.pkl", 1)
    assert str(repository) not in Path("x.sarif").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--anchor", "/etc/passwd:3"], "found '/etc/passwd'"),
        (["--anchor", "../x"], "found '../x'"),
        (["--anchor", "x:0"], "expected a line from 1, found 'x:0'"),
        (["--base", "/srv"], "found '/srv'"),
        (["-o", "x.docx"], "expected a file name that ends in one of"),
    ],
)
def test_a_bad_place_is_refused_before_any_work(
    repository: Path, capfd: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert scan("models", *words) == 2
    assert said in capfd.readouterr().err
