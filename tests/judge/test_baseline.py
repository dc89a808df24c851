"""Baselines: the same finding on the same bytes is known, everything else is new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_maker import evidence, read
from excuse_maker import digest_of, files, made, policy

from owaudit.errors import FormatError
from owaudit.judge.baseline import Baseline, apply_baseline, read_baseline
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import load_packs
from owaudit.judge.standing import Files
from owaudit.model import wire
from owaudit.model.artifact import Artifact, Digest
from owaudit.model.code_facts import CodeReference
from owaudit.model.location import Location
from owaudit.model.policy import Policy
from owaudit.model.report import BaselineUsed, Run, Status
from owaudit.model.rule import Axis, Severity

PATHS = ("a.pkl", "config.json", "modeling.py")
FILES = files(*PATHS)


def _earlier(*findings: Any) -> Baseline:
    """A report that holds these findings and the files of this module."""
    artifacts = [Artifact(path=p, size=10, digests=(Digest("sha256", digest_of(p)),)) for p in PATHS]
    report = judge(
        evidence(artifacts=artifacts, coverage=[read(path) for path in PATHS]),
        Policy(),
        load_packs(installed=False),
        run=Run(),
        tool_version="1",
    )
    return Baseline(replace(report, findings=tuple(item.finding for item in findings)), "0" * 64)


def _applied(
    earlier: tuple[Any, ...], now: tuple[Any, ...], places: Files = FILES, also: tuple[str, ...] = ()
) -> tuple[bool, BaselineUsed]:
    known, used = apply_baseline(_earlier(*earlier), now, places, policy(also=also))
    assert used is not None
    return known == {item.finding.fingerprint for item in now}, used


def test_the_same_finding_on_the_same_bytes_is_known() -> None:
    used = BaselineUsed(sha256="0" * 64, known=1, reopened=(), vanished=0)
    assert _applied((made(),), (made(),)) == (True, used)


def test_a_new_finding_is_not_known_and_a_vanished_one_is_counted() -> None:
    used = BaselineUsed(sha256="0" * 64, known=0, reopened=(), vanished=1)
    assert _applied((made("OWA1003"),), (made(),)) == (False, used)


def test_a_changed_file_reopens_its_findings() -> None:
    print_ = made().finding.fingerprint
    used = BaselineUsed(sha256="0" * 64, known=0, reopened=(print_,), vanished=0)
    assert _applied((made(),), (made(),), files(*PATHS, changed=("a.pkl",))) == (False, used)


def test_a_graver_finding_is_open_again() -> None:
    worse = made(severity=Severity.CRITICAL)
    assert _applied((made(),), (worse,))[0] is False
    assert _applied((worse,), (made(),))[0] is True


def test_a_waived_finding_of_the_past_is_not_known() -> None:
    assert _applied((made(status=Status.WAIVED),), (made(),))[0] is False
    assert _applied((made(status=Status.BASELINE),), (made(),))[0] is True


@pytest.mark.parametrize(("rule", "axis"), [("OWA3001", Axis.INTEGRITY), ("OWA9002", Axis.LOAD)])
def test_records_and_gaps_are_known_only_where_the_policy_names_the_rule(rule: str, axis: Axis) -> None:
    finding = made(rule, axis=axis)
    assert _applied((finding,), (finding,))[0] is False
    assert _applied((finding,), (finding,), also=(rule,))[0] is True


def test_a_finding_about_the_whole_target_is_never_known() -> None:
    assert _applied((made(path=""),), (made(path=""),))[0] is False


def test_a_changed_program_reopens_the_settings_that_name_it() -> None:
    reference = CodeReference(
        locations=(Location(artifact="config.json"),),
        mechanism="auto_map",
        key="k",
        target="modeling.M",
        path="modeling.py",
    )
    finding = made("OWA5101", "config.json", reference)
    assert _applied((finding,), (finding,))[0] is True
    assert _applied((finding,), (finding,), files(*PATHS, changed=("modeling.py",)))[0] is False


def test_a_baseline_is_the_json_of_a_report() -> None:
    report = _earlier(made()).report
    read_back = read_baseline(wire.dumps(report))
    assert read_back.report == report
    assert len(read_back.sha256) == 64
    with pytest.raises(FormatError):
        read_baseline("{}")
