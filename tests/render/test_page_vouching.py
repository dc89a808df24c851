"""Sections 4 and 5 of the page: records, claims and signature chains, with hostile values in all of them."""

from __future__ import annotations

import dataclasses
import re

from odd_report import odd_report, pass_report

from owaudit.model.claim import (
    Authority,
    Claim,
    ClaimState,
    RecordCheck,
    Signature,
    Source,
    Step,
    Vouched,
)
from owaudit.model.report import Report
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.page.vouching import ROWS

_HOSTILE = "a<b>\u202egnp\x1b[31m.bin"


def _page(report: Report) -> str:
    return renderer_for("html").render(report, RenderOptions())


def _section(page: str, name: str) -> str:
    (found,) = re.findall(rf'<section class="sec" id="{name}".*?</section>', page, flags=re.DOTALL)
    return str(found)


def _claim(path: str, state: ClaimState, reason: str) -> Claim:
    return Claim(
        record="model.sig",
        kind="oms",
        artifact=path,
        state=state,
        reason=reason,
        detail="the digest is another",
        authority=Authority.AUTHENTICATED,
        expected="sha256:" + "0" * 64,
        actual="sha256:" + "1" * 64,
    )


def _signed(claims: tuple[Claim, ...], name: str = "model.sig") -> Report:
    steps = (
        Step(name="Signature", state=ClaimState.VERIFIED, detail="It is over this statement."),
        Step(
            name="Expected signer",
            state=ClaimState.FAILED,
            detail="Identity and issuer differ.",
            expected=("release@example.org",),
            found=(_HOSTILE,),
        ),
        Step(name="Later", state=None, detail="Not reached."),
    )
    signature = Signature(
        record=name, method="Sigstore", state=ClaimState.FAILED, sound=True, reason="wrong-signer",
        detail="the signer is another", identities=(_HOSTILE,), trust_root="sha256:" + "2" * 64, steps=steps,
    )  # fmt: skip
    record = RecordCheck(
        record=name, kind="oms", title="OpenSSF model signature v1", source=Source.TARGET,
        authority=Authority.SELF, named=2, agreeing=1, is_counted=False, counts="the signer is another",
    )  # fmt: skip
    return dataclasses.replace(
        odd_report(),
        records=(record,),
        signatures=(signature,),
        claims=claims,
        vouched=Vouched(signed_files=1, signed_bytes=10, open_files=2, open_bytes=30, code_open=1),
    )


def test_hostile_values_are_spelled_out() -> None:
    page = _page(_signed((_claim(_HOSTILE, ClaimState.FAILED, "digest-mismatch"),), _HOSTILE))
    for name in ("integrity", "origin"):
        section = _section(page, name)
        assert "\u202e" not in section
        assert "\x1b" not in section
        assert "<b>" not in section
        assert "U+202E" in section


def test_claims_by_state() -> None:
    claims = (
        _claim("good.bin", ClaimState.VERIFIED, "digest-matches"),
        _claim("bad.bin", ClaimState.FAILED, "digest-mismatch"),
        _claim("old.bin", ClaimState.UNVERIFIABLE, "weak-digest"),
    )
    section = _section(_page(_signed(claims)), "integrity")
    order = [
        section.index(word) for word in ("Not verified", "bad.bin", "old.bin", "<h3>Verified", "good.bin")
    ]
    assert order == sorted(order)
    assert "<code>digest-mismatch</code>" in section
    assert "No: the signer is another" in section
    assert '<td data-h="Files" class="r">1</td><td data-h="Bytes" class="r">10</td>' in section


def test_a_chain_breaks_where_a_step_fails() -> None:
    section = _section(_page(_signed((_claim("bad.bin", ClaimState.FAILED, "digest-mismatch"),))), "origin")
    steps = re.findall(
        r'<li class="([a-z ]+)">.*?<h4>(.*?)</h4>.*?<span class="st">(.*?)</span></li>', section, flags=re.S
    )
    assert steps == [
        ("no", "Bytes", "Failed"),
        ("ok brk", "Signature", "Verified"),
        ("no brk", "Expected signer", "Failed"),
        ("none", "Later", "Not reached"),
    ]
    assert "<dt>expected</dt>" in section


def test_many_claims_are_counted() -> None:
    claims = tuple(_claim(f"f{index}.bin", ClaimState.FAILED, "digest-mismatch") for index in range(ROWS + 7))
    section = _section(_page(_signed(claims)), "integrity")
    assert section.count("<code>digest-mismatch</code>") == ROWS
    assert "7 more claims" in section


def test_nothing_signed_says_what_was_looked_for() -> None:
    page = _page(dataclasses.replace(pass_report(), records=(), signatures=(), claims=()))
    assert "<b>Nothing is signed.</b> Looked for: OMS signatures" in _section(page, "origin")
    assert "Looked for: checksum lists" in _section(page, "integrity")
