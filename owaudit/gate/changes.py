"""What is different from before: the part of an audit that a pull request is read for.

Before is an earlier JSON report, or a lock file, which knows the files, the signers and the revision. A
file that changed and holds a chat template is told as a template, since people look for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from owaudit.judge.diff import Audit, difference
from owaudit.model.difference import Change, Kind
from owaudit.model.report import ArtifactReport, Report
from owaudit.provenance.kinds import Found, Tree
from owaudit.provenance.records import lock_file

_PARTS = ("signers", "revision", "imports", "templates", "findings", "files", "records")
"""In the order in which a reviewer wants them."""
_TEMPLATE_FORMAT = "jinja-template"
_TEMPLATE_MEMBER = "chat_template"


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences, the weightiest parts first, and what they are seen against."""

    against: str
    found: tuple[Change, ...]

    def rows(self) -> list[dict[str, str]]:
        """The differences for a JSON file."""
        return [
            {
                "part": one.part,
                "kind": one.kind.value,
                "artifact": one.artifact,
                "subject": one.subject,
                "old": one.old,
                "new": one.new,
            }
            for one in self.found
        ]


def since_report(now: Report, before: Report) -> Changes:
    """Return what a report has that an earlier one has not, and the other way round."""
    # That a finding is known now is what the baseline does, not what the change does.
    found = [
        one
        for one in difference(Audit(before), Audit(now)).changes
        if not (one.part == "findings" and one.kind is Kind.CHANGED)
    ]
    return _told("the baseline", [*found, *_revision(before.subject.revision, now)], now)


def since_lock(now: Report, text: str) -> Changes | None:
    """Return what differs from a lock file; None where the text is no lock file."""
    raw = text.encode("utf-8", "surrogatepass")
    tree = Tree(files={}, read=lambda _: None)
    record = next(lock_file.parse(Found(lock_file.FILE_NAME, raw, ""), tree), None)
    if record is None or record.problem:
        return None
    facts: dict[str, list[str]] = {}
    for key, value in record.facts:
        facts.setdefault(key, []).append(value)
    locked = {item.path: item.digest for item in record.statements if not item.problem}
    found = [
        *_signers(set(facts.get("signer", ())), now),
        *_revision("".join(facts.get("revision", ())), now),
        *_files(locked, now),
    ]
    return _told("the lock file", found, now)


def _told(against: str, found: list[Change], now: Report) -> Changes:
    templates = {artifact.path for artifact in now.artifacts if _has_template(artifact)}
    told = [
        replace(one, part="templates") if one.part == "files" and one.artifact in templates else one
        for one in found
    ]
    told.sort(key=lambda one: _PARTS.index(one.part) if one.part in _PARTS else len(_PARTS))
    return Changes(against, tuple(told))


def _has_template(artifact: ArtifactReport) -> bool:
    if _TEMPLATE_FORMAT in {str(name) for name in artifact.formats}:
        return True
    return any(_TEMPLATE_MEMBER in member for row in artifact.coverage for member in row.members)


def _revision(before: str, now: Report) -> Iterator[Change]:
    after = now.subject.revision
    if before and after and before != after:
        yield Change(part="revision", kind=Kind.CHANGED, subject="commit", artifact="", old=before, new=after)


def _signers(before: set[str], now: Report) -> Iterator[Change]:
    """Signers in the words of a lock file."""
    after = set()
    for signature in now.signatures:
        if signature.sound:
            identity = signature.identities[0] if signature.identities else ""
            words = " ".join(part for part in (identity, signature.issuer, signature.key) if part)
            after.add(words[:1000])
    for one in sorted(before - after):
        yield Change(part="signers", kind=Kind.REMOVED, subject=one, artifact="", old="signed")
    for one in sorted(after - before):
        yield Change(part="signers", kind=Kind.ADDED, subject=one, artifact="", new="signed")


def _files(before: Mapping[str, str], now: Report) -> Iterator[Change]:
    after = {
        artifact.path: digest.hex
        for artifact in now.artifacts
        for digest in artifact.digests
        if digest.algorithm == "sha256"
    }
    for path in sorted(before.keys() | after.keys()):
        was, has = before.get(path, ""), after.get(path, "")
        if was != has:
            kind = Kind.CHANGED if was and has else Kind.ADDED if has else Kind.REMOVED
            yield Change(part="files", kind=kind, subject=path, artifact=path, old=was, new=has)
