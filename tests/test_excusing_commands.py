"""``--baseline`` and ``--framework`` on the command line, and waivers from a policy file to the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scanning import run

from owaudit.cli import main

# protocol 2: import somepkg.mod fn, call it with (), stop
_CALL = b"\x80\x02csomepkg.mod\nfn\n)R."


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one pickle that calls what nobody has reviewed, on 20 November 2026."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795132800")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.pkl").write_bytes(_CALL)
    return folder


def _scan(*options: str) -> tuple[int, list[tuple[str, str]]]:
    code, text = run("scan", "model", "--no-second-opinion", "--format", "json", *options)
    return code, [(finding["rule"], finding["status"]) for finding in json.loads(text)["findings"]]


def test_a_baseline_excuses_until_a_file_changes(target: Path) -> None:
    assert _scan("-o", "earlier.json") == (1, [("OWA1002", "open")])
    assert _scan("--baseline", "earlier.json") == (0, [("OWA1002", "baseline")])
    (target / "b.pkl").write_bytes(_CALL)
    assert _scan("--baseline", "earlier.json") == (1, [("OWA1002", "open"), ("OWA1002", "baseline")])
    (target / "b.pkl").unlink()
    (target / "a.pkl").write_bytes(_CALL.replace(b"fn", b"gn"))
    assert _scan("--baseline", "earlier.json") == (1, [("OWA1002", "open")])


def test_both_halves_take_the_same_baseline(target: Path) -> None:
    _scan("-o", "earlier.json")
    run("collect", "model", "-o", "evidence.json")
    assert run("judge", "evidence.json", "--baseline", "earlier.json", "--quiet")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "missing.json"),
        ("other.json", "{}", "--baseline other.json: not a JSON report of owaudit"),
        ("model/inside.json", "{}", "lies in the target; what is audited cannot excuse itself"),
    ],
)
def test_a_baseline_that_cannot_count(name: str, content: str | None, message: str, target: Path) -> None:
    if content is not None:
        Path(name).write_text(content, encoding="utf-8")
    outcome = CliRunner().invoke(main, ["scan", "model", "--baseline", name])
    assert outcome.exit_code == 2
    assert message in outcome.stderr


def _policy(digest: str, expires: str) -> str:
    return (
        f'[[waivers]]\nid = "W-1"\nrule = "OWA1002"\nsha256 = "{digest}"\nowner = "models"\n'
        f'reason = "read"\ncreated = 2026-11-01\nexpires = {expires}\n'
    )


def test_a_waiver_of_a_policy_decides_the_exit_code(target: Path) -> None:
    _, text = run("scan", "model", "--no-second-opinion", "--format", "json")
    digest = json.loads(text)["artifacts"][0]["digests"][0]["hex"]
    policy = Path("owaudit.toml")
    policy.write_text(_policy(digest, "2026-11-20"), encoding="utf-8")
    assert _scan() == (0, [("OWA1002", "waived")])
    policy.write_text(_policy(digest, "2026-11-19"), encoding="utf-8")
    assert _scan() == (1, [("OWA1002", "open")])
    policy.write_text(_policy("0" * 64, "2026-11-20"), encoding="utf-8")
    assert _scan() == (1, [("OWA1002", "open")])


def test_two_runs_with_waivers_and_controls_are_equal(target: Path) -> None:
    Path("owaudit.toml").write_text(_policy("0" * 64, "2026-11-20"), encoding="utf-8")
    options = ("scan", "model", "--no-second-opinion", "--framework", "mitre-atlas", "--format")
    for form in ("json", "html", "text"):
        assert run(*options, form) == run(*options, form)


def test_frameworks_are_asked_for_by_name(target: Path) -> None:
    _, text = run("scan", "model", "--format", "json", "--framework", "s2c2f", "--framework", "s2c2f")
    report = json.loads(text)
    assert [framework["key"] for framework in report["frameworks"]] == ["s2c2f"]
    assert {c["id"]: c["state"] for c in report["controls"]}["SCA-4"] == "contradicts"
    outcome = CliRunner().invoke(main, ["scan", "model", "--framework", "iso"])
    assert (outcome.exit_code, "no framework is called 'iso'" in outcome.stderr) == (2, True)


def test_limits_of_a_policy_bound_the_reading(target: Path) -> None:
    Path("owaudit.toml").write_text("[limits]\nnesting_depth = 1\n", encoding="utf-8")
    _, text = run("scan", "model", "--no-second-opinion", "--format", "json")
    report = json.loads(text)
    assert (report["limits"]["nesting_depth"], report["policy"]["effective"]["limits"]["nesting_depth"]) == (
        1,
        1,
    )
