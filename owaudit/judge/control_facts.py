"""What an audit knows that a control may ask for: named facts, each with the sentence that tells it.

A fact is computed from the report alone, so the page that shows a control can show all of it. A fact
that does not hold is absent; nothing is concluded from its absence but "no evidence".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from owaudit.model.report import (
    Answer,
    ControlEvidence,
    Finding,
    Report,
    Status,
    WaiverState,
)
from owaudit.model.rule import Severity

_FINDINGS_KEPT = 5
_FORMATS_SHOWN = 8
_GRAPH_CODE = ("OWA1101", "OWA1102", "OWA1103", "OWA1107", "OWA1108")
_DISGUISE = ("OWA2012", "OWA2013", "OWA2014", "OWA2019")
_REFUSED_FORMAT = "OWA6001"
_CREDENTIAL = "OWA6101"
_LIMIT = "OWA9004"
_CODE_FAMILIES = ("OWA1", "OWA5")
_STRUCTURE = "OWA2"

Told = ControlEvidence | None


def facts_of(report: Report) -> Mapping[str, ControlEvidence]:
    """The facts that hold, by name, in the order of ``FACTS``."""
    found = {}
    for name, ask in FACTS.items():
        told = ask(report)
        if told is not None:
            found[name] = told
    return found


def _files(report: Report) -> str:
    count = report.verdict.counts.files
    return "The one file" if count == 1 else f"All {count:,} files"


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _of(findings: Sequence[Finding], text: str, section: str = "findings") -> Told:
    if not findings:
        return None
    return ControlEvidence(
        text=text, section=section, findings=tuple(f.fingerprint for f in findings[:_FINDINGS_KEPT])
    )


def _open(report: Report, wanted: Callable[[Finding], bool]) -> list[Finding]:
    return [f for f in report.findings if f.status is Status.OPEN and wanted(f)]


# What was read ------------------------------------------------------------------------------------


def _scanned(report: Report) -> Told:
    if not report.verdict.counts.files:
        return None
    rules = _number(report.tool.rules_evaluated, "rule", "rules")
    verb = "was" if report.verdict.counts.files == 1 else "were"
    return ControlEvidence(text=f"{_files(report)} {verb} read against {rules}.", section="coverage")


def _read_complete(report: Report) -> Told:
    counts = report.verdict.counts
    if not counts.files or counts.files_read != counts.files:
        return None
    verb = "was" if counts.files == 1 else "were"
    return ControlEvidence(text=f"{_files(report)} {verb} read to the last byte.", section="coverage")


def _read_gaps(report: Report) -> Told:
    counts = report.verdict.counts
    gaps = counts.files - counts.files_read
    if not gaps:
        return None
    verb = "was" if gaps == 1 else "were"
    return ControlEvidence(
        text=f"{gaps:,} of {_number(counts.files, 'file', 'files')} {verb} not read completely.",
        section="coverage",
    )


def _limits_reached(report: Report) -> Told:
    found = _open(report, lambda f: f.rule == _LIMIT)
    return _of(found, f"Reading stopped at a limit in {_number(len(found), 'place', 'places')}.")


# What loading does --------------------------------------------------------------------------------


def _load(answer: Answer, words: str) -> Callable[[Report], Told]:
    def told(report: Report) -> Told:
        if report.axes.load.answer is not answer:
            return None
        gating = [finding for finding in report.findings if finding.gating]
        leading = gating or [finding for finding in report.findings if finding.leaves_open]
        return ControlEvidence(
            text=words,
            section="findings",
            findings=tuple(finding.fingerprint for finding in leading[:_FINDINGS_KEPT]),
        )

    return told


def _runs_code(report: Report) -> Told:
    found = _open(report, _is_code)
    return _of(found, f"{_number(len(found), 'finding', 'findings')} of code that loading or using it runs.")


def _is_code(finding: Finding) -> bool:
    return finding.rule.startswith(_CODE_FAMILIES) and finding.severity.reaches(Severity.HIGH)


def _no_code_found(report: Report) -> Told:
    if not report.verdict.counts.files or any(_is_code(finding) for finding in report.findings):
        return None
    return ControlEvidence(text="No finding of code that runs on loading.", section="findings")


def _graph_code(report: Report) -> Told:
    found = _open(report, lambda f: f.rule in _GRAPH_CODE)
    return _of(found, f"{_number(len(found), 'finding', 'findings')} of operators that do more than compute.")


def _disguised(report: Report) -> Told:
    found = _open(report, lambda f: f.rule in _DISGUISE)
    return _of(found, f"{_number(len(found), 'finding', 'findings')} of files that are not what they say.")


def _broken(report: Report) -> Told:
    found = _open(report, lambda f: f.rule.startswith(_STRUCTURE) and f.severity.reaches(Severity.MEDIUM))
    return _of(found, f"{_number(len(found), 'finding', 'findings')} of files that break their format.")


def _credentials(report: Report) -> Told:
    found = _open(report, lambda f: f.rule == _CREDENTIAL)
    return _of(found, f"{_number(len(found), 'finding', 'findings')} of what looks like a credential.")


# Records and signers ------------------------------------------------------------------------------


def _axis(name: str, answer: Answer) -> Callable[[Report], Told]:
    def told(report: Report) -> Told:
        axis = report.axes.integrity if name == "integrity" else report.axes.origin
        if axis.answer is not answer:
            return None
        about = [f for f in report.findings if f.axis == name and f.status is Status.OPEN]
        return ControlEvidence(
            text=f"{name.capitalize()} is {answer}.",
            section=name,
            findings=tuple(finding.fingerprint for finding in about[:_FINDINGS_KEPT]),
        )

    return told


def _signer_required(report: Report) -> Told:
    if not report.policy.effective.origin.required:
        return None
    return ControlEvidence(text="The policy requires a signature by a named signer.", section="origin")


def _sources_named(report: Report) -> Told:
    policy = report.policy.effective
    named = []
    if policy.origin.signers:
        named.append(_number(len(policy.origin.signers), "signer", "signers"))
    if policy.integrity.revision:
        named.append("a revision")
    return (
        ControlEvidence(text=f"The policy names {' and '.join(named)}.", section="origin") if named else None
    )


def _hashed(report: Report) -> Told:
    if not report.artifacts or not all(
        any(digest.algorithm == "sha256" for digest in artifact.digests) for artifact in report.artifacts
    ):
        return None
    verb = "is" if len(report.artifacts) == 1 else "are"
    return ControlEvidence(text=f"{_files(report)} {verb} listed with a SHA-256.", section="files")


# The policy and its exceptions --------------------------------------------------------------------


def _own_policy(report: Report) -> Told:
    policy = report.policy
    if policy.effective.source == "built-in":
        return None
    text = f"Judged under {policy.effective.source}, SHA-256 {policy.sha256[:12]} and on."
    return ControlEvidence(text=text, section="reproduce")


def _built_in_policy(report: Report) -> Told:
    if report.policy.effective.source != "built-in":
        return None
    return ControlEvidence(text="Judged under the built-in policy.", section="reproduce")


def _formats_refused(report: Report) -> Told:
    found = _open(report, lambda f: f.rule == _REFUSED_FORMAT)
    return _of(found, f"{_number(len(found), 'file is', 'files are')} of a format that the policy refuses.")


def _formats_kept(report: Report) -> Told:
    allowed = report.policy.effective.formats.allow
    if not allowed or not report.artifacts or any(f.rule == _REFUSED_FORMAT for f in report.findings):
        return None
    shown = ", ".join(allowed[:_FORMATS_SHOWN]) + (" …" if len(allowed) > _FORMATS_SHOWN else "")
    return ControlEvidence(
        text=f"The policy allows these formats alone, and no file is of another: {shown}.", section="files"
    )


def _excused(report: Report) -> Told:
    counts = report.verdict.counts
    total = counts.waived + counts.baseline
    if not total:
        return None
    verb = "is" if total == 1 else "are"
    return ControlEvidence(
        text=f"{_number(total, 'finding', 'findings')} {verb} excused by a waiver or baseline.",
        section="waivers",
    )


def _waivers_in_force(report: Report) -> Told:
    active = sum(item.state is WaiverState.ACTIVE for item in report.waivers)
    if not active:
        return None
    text = f"{_number(active, 'waiver is', 'waivers are')} in force, with owner, reason and end."
    return ControlEvidence(text=text, section="waivers")


def _waivers_dead(report: Report) -> Told:
    dead = [item for item in report.waivers if item.state is not WaiverState.ACTIVE]
    if not dead:
        return None
    states = sorted({item.state.value for item in dead})
    text = f"{_number(len(dead), 'waiver covers', 'waivers cover')} nothing: {', '.join(states)}."
    return ControlEvidence(text=text, section="waivers")


def _baseline_used(report: Report) -> Told:
    if report.baseline is None:
        return None
    return ControlEvidence(text="An earlier report was compared with this one.", section="waivers")


# What the files say of themselves -----------------------------------------------------------------


def _stated(label: str) -> Callable[[Report], Told]:
    def told(report: Report) -> Told:
        found = [item for item in report.inventory if item.label == label]
        if not found:
            return None
        files = sorted({item.artifact for item in found})
        where = f"{files[0]} states" if len(files) == 1 else f"{len(files):,} files state"
        return ControlEvidence(text=f"{label.capitalize()} as {where} it.", section="files")

    return told


def _axes() -> Iterator[tuple[str, Callable[[Report], Told]]]:
    for name in ("integrity", "origin"):
        for answer in (Answer.VERIFIED, Answer.FAILED, Answer.UNVERIFIABLE, Answer.ABSENT):
            yield f"{name}-{answer}", _axis(name, answer)


FACTS: Mapping[str, Callable[[Report], Told]] = {
    "scanned": _scanned,
    "read-complete": _read_complete,
    "read-gaps": _read_gaps,
    "limits-reached": _limits_reached,
    "load-pass": _load(Answer.PASS, "No open finding about loading reaches the gate."),
    "load-fail": _load(Answer.FAIL, "Loading fails the policy."),
    "load-inconclusive": _load(Answer.INCONCLUSIVE, "What loading does is not settled."),
    "runs-code": _runs_code,
    "no-code-found": _no_code_found,
    "graph-code": _graph_code,
    "disguised": _disguised,
    "broken": _broken,
    "credentials-found": _credentials,
    **dict(_axes()),
    "signer-required": _signer_required,
    "sources-named": _sources_named,
    "hashed": _hashed,
    "own-policy": _own_policy,
    "built-in-policy": _built_in_policy,
    "formats-refused": _formats_refused,
    "formats-kept": _formats_kept,
    "excused": _excused,
    "waivers-in-force": _waivers_in_force,
    "waivers-dead": _waivers_dead,
    "baseline-used": _baseline_used,
    "architecture-found": _stated("architecture"),
    "parameters-found": _stated("parameters"),
    "licence-found": _stated("licence"),
    "base-model-found": _stated("base model"),
}
