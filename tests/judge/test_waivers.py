"""Waivers: what they cover, what they never cover, and what is said of those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from excuse_maker import RULES, TODAY, digest_of, files, made, policy, waiver

from owaudit.judge.waivers import apply_waivers
from owaudit.model.code_facts import CodeReference
from owaudit.model.evidence import Diagnostic
from owaudit.model.location import Location
from owaudit.model.policy import Policy
from owaudit.model.report import WaiverState
from owaudit.model.rule import Axis

A = made()
FILES = files("a.pkl", "b.pkl", "config.json", "sub/modeling.py")


def _outcome(set_up: Policy, *findings: Any, today: str = TODAY) -> list[tuple[WaiverState, str, list[str]]]:
    waived = apply_waivers(set_up, findings, FILES, RULES, today)
    active = [result for result in waived.results if result.state is WaiverState.ACTIVE]
    assert set(waived.covered) == {print_ for result in active for print_ in result.findings}
    return [(result.state, result.detail, list(result.findings)) for result in waived.results]


def _one(
    entry: Any, *findings: Any, today: str = TODAY, also: tuple[str, ...] = ()
) -> tuple[WaiverState, str]:
    (outcome,) = _outcome(policy(entry, also=also), *(findings or (A,)), today=today)
    return outcome[:2]


def test_an_active_waiver_covers_its_finding() -> None:
    assert _outcome(policy(waiver()), A) == [(WaiverState.ACTIVE, "", [A.finding.fingerprint])]


@pytest.mark.parametrize(
    ("today", "state", "detail"),
    [
        ("2026-11-01", WaiverState.ACTIVE, ""),
        ("2026-11-20", WaiverState.ACTIVE, ""),
        ("2026-11-21", WaiverState.EXPIRED, "It ended on 2026-11-20."),
        ("2026-10-31", WaiverState.INVALID, "It was created after the day of this audit."),
        ("", WaiverState.INVALID, "The day of the audit is not known."),
    ],
)
def test_the_last_day_counts_and_the_day_after_does_not(today: str, state: WaiverState, detail: str) -> None:
    assert _one(waiver(), today=today) == (state, detail)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"problem": "Owner: expected a string, found 3."}, "Owner: expected a string, found 3."),
        ({"owner": ""}, "It has no owner."),
        ({"reason": " "}, "It has no reason."),
        ({"rule": ""}, "It has no rule."),
        ({"rule": "OWA1999"}, "No loaded rule has the id OWA1999."),
        ({"sha256": ()}, "It names neither the sha256 of a file nor an artifact."),
        ({"sha256": ("12",)}, "'12' is not a SHA-256: 64 hex digits in lower case."),
        ({"expires": ""}, "It has no date expires."),
        ({"expires": "31.12.2026"}, "expires is not a date such as 2026-01-31: '31.12.2026'."),
        ({"expires": "20261231"}, "expires is not a date such as 2026-01-31: '20261231'."),
        ({"expires": "2026-02-30"}, "expires is not a date such as 2026-01-31: '2026-02-30'."),
        ({"created": "soon"}, "created is not a date such as 2026-01-31: 'soon'."),
        ({"expires": "2026-10-01"}, "It expires before it was created."),
        ({"expires": "2027-05-01"}, "It runs for 181 days; the policy allows 180."),
    ],
)
def test_a_malformed_waiver_covers_nothing(changes: dict[str, Any], detail: str) -> None:
    assert _one(waiver(**changes)) == (WaiverState.INVALID, detail)


def test_the_longest_waiver_still_holds() -> None:
    assert _one(waiver(expires="2027-04-30")) == (WaiverState.ACTIVE, "")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"sha256": (digest_of("b.pkl"),)}, "OWA1002 stands, but in other bytes than these."),
        ({"sha256": (), "artifact": "b*.pkl"}, "OWA1002 stands, but not in b*.pkl."),
        ({"artifact": "b*.pkl"}, "OWA1002 stands, but not in b*.pkl."),
        ({"rule": "OWA1003"}, "This target has no finding of OWA1003."),
    ],
)
def test_an_unmatched_waiver_says_what_is_different(changes: dict[str, Any], detail: str) -> None:
    assert _one(waiver(**changes)) == (WaiverState.UNMATCHED, detail)


def test_what_does_not_hold_is_a_warning() -> None:
    waived = apply_waivers(policy(waiver(), waiver(id="W-2", owner="")), [A], FILES, RULES, TODAY)
    assert waived.diagnostics == (
        Diagnostic(
            level="warning",
            source="policy",
            message="waiver W-2 is invalid and covers nothing: It has no owner.",
        ),
    )


def test_an_expired_waiver_names_what_it_covered() -> None:
    (outcome,) = _outcome(policy(waiver()), A, today="2026-12-01")
    assert outcome == (WaiverState.EXPIRED, "It ended on 2026-11-20.", [A.finding.fingerprint])


def test_an_id_counts_once() -> None:
    first, second = _outcome(policy(waiver(), waiver(rule="OWA1003")), A, made("OWA1003"))
    assert first[0] is WaiverState.ACTIVE
    assert second[:2] == (WaiverState.INVALID, "Another waiver has the same id.")


def test_the_first_of_two_waivers_covers() -> None:
    waived = apply_waivers(policy(waiver(), waiver(id="W-2")), [A], FILES, RULES, TODAY)
    assert waived.covered == {A.finding.fingerprint: "W-1"}
    assert [result.state for result in waived.results] == [WaiverState.ACTIVE, WaiverState.ACTIVE]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*.pkl", True),
        ("a.pk?", True),
        ("**/a.pkl", True),
        ("**", True),
        ("*", True),
        ("A.pkl", False),
        ("sub/*", False),
        ("a.pkl/**", False),
        ("[a].pkl", False),
    ],
)
def test_patterns_of_paths(pattern: str, fits: bool) -> None:
    state, _ = _one(waiver(sha256=(), artifact=pattern))
    assert (state is WaiverState.ACTIVE) == fits


def test_a_star_stays_in_its_folder() -> None:
    deep = made(path="sub/modeling.py")
    assert _one(waiver(sha256=(), artifact="*.py"), deep)[0] is WaiverState.UNMATCHED
    assert _one(waiver(sha256=(), artifact="**/*.py"), deep)[0] is WaiverState.ACTIVE
    assert _one(waiver(sha256=(), artifact="sub/**"), deep)[0] is WaiverState.ACTIVE


def test_integrity_is_waived_only_where_the_policy_names_the_rule() -> None:
    changed = made("OWA3001", axis=Axis.INTEGRITY)
    entry = waiver(rule="OWA3001")
    refused = "OWA3001 can be waived only when the policy names it in [waiving] also."
    assert _one(entry, changed) == (WaiverState.INVALID, refused)
    assert _one(entry, changed, also=("OWA3001",)) == (WaiverState.ACTIVE, "")


def test_a_gap_is_waived_for_exact_bytes_alone() -> None:
    gap = made("OWA9002")
    by_bytes, by_path = waiver(rule="OWA9002"), waiver(rule="OWA9002", sha256=(), artifact="a.pkl")
    named = "OWA9002 can be waived only when the policy names it in [waiving] also."
    assert _one(by_bytes, gap) == (WaiverState.INVALID, named)
    assert _one(by_bytes, gap, also=("OWA9002",)) == (WaiverState.ACTIVE, "")
    exact = "OWA9002 can be waived for exact bytes only: give their sha256."
    assert _one(by_path, gap, also=("OWA9002",)) == (WaiverState.INVALID, exact)


def test_what_is_about_no_file_is_never_waived() -> None:
    whole = made(path="")
    assert _one(waiver(sha256=(), artifact="**"), whole) == (
        WaiverState.UNMATCHED,
        "This target has no finding of OWA1002.",
    )


def test_settings_are_waived_together_with_the_program_they_name() -> None:
    reference = CodeReference(
        locations=(Location(artifact="config.json"),),
        mechanism="auto_map",
        key="auto_map.AutoModel",
        target="sub.modeling.M",
        path="sub/modeling.py",
    )
    finding = made("OWA5101", "config.json", reference)
    settings, program = digest_of("config.json"), digest_of("sub/modeling.py")
    assert _one(waiver(rule="OWA5101", sha256=(settings,)), finding) == (
        WaiverState.UNMATCHED,
        "Its digests leave out what the finding rests on too: sub/modeling.py.",
    )
    assert _one(waiver(rule="OWA5101", sha256=(settings, program)), finding) == (WaiverState.ACTIVE, "")
