"""The second half of an audit: records against bytes and signers, then rules and policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from owaudit import __version__
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import Pack
from owaudit.model.evidence import Diagnostic, Evidence
from owaudit.model.policy import Policy
from owaudit.model.report import Report, Run
from owaudit.provenance.check import check
from owaudit.provenance.trust import Trust


def judged(
    evidence: Evidence,
    policy: Policy,
    packs: Sequence[Pack],
    *,
    run: Run,
    diagnostics: Sequence[Diagnostic] = (),
    trusted_root: Path | None = None,
) -> Report:
    """Check the records of the evidence, judge everything, and report.

    Certificates are checked at the start of the run; ``trusted_root`` is a Sigstore trusted root to
    use in place of the embedded one.

    Raises:
        UsageError: a key, a root or the trusted root cannot be used, or the packs hold no rules.
        VerificationError: there are signatures and no usable trusted root.
    """
    trust = Trust(moment=_moment(run.started), root_file=trusted_root)
    checked = check(evidence, policy, trust)
    return judge(checked, policy, packs, run=run, tool_version=__version__, diagnostics=diagnostics)


def _moment(started: str) -> datetime:
    try:
        return datetime.strptime(started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(tz=UTC)
