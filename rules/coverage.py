"""OWA9001-9005, OWA9007: what was not read, as findings, so that nobody has to look for it.

Every file or member whose coverage is not ``read`` is in one of these findings. Members of one
file that were left unread for the same reason share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_FAIL_OPEN = "CWE-636: Not Failing Securely ('Failing Open')"


def _meta(id_: str, name: str, title: str, explanation: str, remediation: str, *references: str) -> RuleMeta:
    return RuleMeta(
        id=id_,
        name=name,
        title=title,
        severity=Severity.MEDIUM,
        explanation=explanation,
        remediation=remediation,
        references=references or (_FAIL_OPEN,),
        leaves_open=True,
        family="coverage",
    )


UNREADABLE = _meta(
    "OWA9001",
    "file-unreadable",
    "A file could not be read",
    "The bytes could not be had: permissions, an input error, a link that is not followed, or something that "
    "is no regular file. Nothing is known of it, so nothing is vouched for.",
    "Make the file readable for the audit, or take it out of the folder, and audit again.",
)
UNKNOWN = _meta(
    "OWA9002",
    "unknown-format",
    "A file is of no format that is read here",
    "The file was hashed and searched for pickles, archives and programs, but no reader knows its format. "
    "What a loader does with it is not known.",
    "If the file does not belong to the model, take it out. If it does, ask for the weights in a format that "
    "can be read, such as safetensors, or read the file yourself if it is source code.",
)
PARTLY = _meta(
    "OWA9003",
    "partly-read",
    "A file was read in part only",
    "A reader recognised the format and then met bytes that it could not explain, could not unpack, or that "
    "were missing. What was found up to there is in this report; the rest is not.",
    "Download the file again and compare its digest with the publisher's. If it is complete, load it only "
    "after the unexplained part has been explained.",
)
LIMIT = _meta(
    "OWA9004",
    "limit-reached",
    "Reading stopped at a limit",
    "Reading on would have cost more than the limits of the audit allow: depth, size after unpacking, number "
    "of members or instructions, or time. Files are also built to reach such limits.",
    "If the size is expected, audit the file alone; a model that needs more than the limits is unusual.",
    "CWE-770: Allocation of Resources Without Limits or Throttling",
    "CWE-409: Improper Handling of Highly Compressed Data (Data Amplification)",
)
NOTHING = _meta(
    "OWA9005",
    "nothing-to-audit",
    "There was nothing to audit",
    "The target holds no file. An empty answer is not a good one: the path may be wrong, or the download may "
    "have failed.",
    "Check the path and the download, then audit again.",
)
CRASHED = _meta(
    "OWA9007",
    "reader-crashed",
    "A reader stopped with an error of its own",
    "The program that reads this format ended with an error that it did not expect. What it had found stays; "
    "the rest of the file was not read.",
    "Report the error with the kind of file. Until it is fixed, treat the file as not audited.",
    "CWE-703: Improper Check or Handling of Exceptional Conditions",
)

_IDS = {
    "unreadable": UNREADABLE,
    "io-error": UNREADABLE,
    "not-regular": UNREADABLE,
    "unknown-format": UNKNOWN,
    "source-code": UNKNOWN,
    "empty": UNKNOWN,
}
_WORDS = {
    "unreadable": "cannot be opened",
    "io-error": "gave an input error",
    "not-regular": "is no regular file",
    "unknown-format": "is of no known format",
    "source-code": "is source code, which is not read yet",
    "empty": "is empty: there is nothing in it to recognise",
    "lfs-pointer": "is a pointer of git-LFS: the bytes it stands for are not here",
    "truncated": "ends before its format does",
    "malformed": "breaks its format, so reading stopped",
    "encrypted": "is encrypted",
    "unsupported-compression": "is compressed in a way that is not read",
    "bytes-unclaimed": "holds bytes that nothing explains",
    "member-unread": "holds a member that was not read",
    "no-coverage": "has no record of having been read",
}


def _rule_of(reason: str) -> RuleMeta:
    if reason.startswith("limit:"):
        return LIMIT
    if reason.startswith("crash:"):
        return CRASHED
    return _IDS.get(reason, PARTLY)


def _words(reason: str, detail: str) -> str:
    kind, _, rest = reason.partition(":")
    if kind == "limit":
        return f"was read up to the limit {rest}"
    if kind == "crash":
        return f"stopped its reader with {rest}"
    return _WORDS.get(reason, f"was not read completely: {detail or reason or 'no reason given'}")


_Group = dict[tuple[str, bool, str], list[Coverage]]


def _groups(evidence: Evidence) -> _Group:
    """Rows that are not read, by file, by whether they are members, and by reason."""
    groups: _Group = defaultdict(list)
    open_members = {row.artifact for row in evidence.coverage if row.members and row.state is not State.READ}
    covered = set()
    for row in evidence.coverage:
        if not row.members:
            covered.add(row.artifact)
        if row.state is State.READ:
            continue
        if row.reason == "member-unread" and not row.members and row.artifact in open_members:
            continue  # the finding about the member itself says more
        if row.reason.startswith("link-"):
            continue  # OWA2016 speaks of links that are not followed
        groups[row.artifact, bool(row.members), row.reason].append(row)
    for artifact in evidence.artifacts:
        if artifact.path not in covered:
            groups[artifact.path, False, "no-coverage"].append(
                Coverage(
                    artifact=artifact.path,
                    state=State.UNREAD,
                    reason="no-coverage",
                    size=artifact.size,
                    unexplained=artifact.size,
                )
            )
    return groups


def _check(meta: RuleMeta) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        for (_, _, reason), rows in sorted(_groups(evidence).items()):
            if _rule_of(reason) is meta:
                yield _match(reason, sorted(rows, key=lambda row: row.members))

    return check


def _match(reason: str, rows: list[Coverage]) -> Match:
    first = rows[0]
    words = _words(reason, first.detail)
    message = (
        f"{first.unit} {words}"
        if len(rows) == 1
        else (f"{len(rows):,} members of {first.artifact}: each {words}")
    )
    evidence = [
        EvidenceItem(label="reason", value=reason or "not given"),
        EvidenceItem(label="state", value=str(first.state)),
    ]
    if first.detail:
        evidence.append(EvidenceItem(label="detail", value=first.detail))
    if first.unexplained:
        evidence.append(
            EvidenceItem(label="bytes not explained", value=str(sum(row.unexplained for row in rows)))
        )
    return Match(message, locations=tuple(_place(row) for row in rows), evidence=tuple(evidence), key=reason)


def _place(row: Coverage) -> Location:
    if not row.gaps:
        return Location(artifact=row.artifact, members=row.members)
    gap = row.gaps[0]
    return Location(artifact=row.artifact, members=row.members, start=gap.start, end=gap.end)


def _check_nothing(evidence: Evidence) -> Iterator[Match]:
    """Match a target without files."""
    if not evidence.artifacts:
        yield Match(f"{evidence.target.name} holds no file that can be audited")


RULES = (
    *(PythonRule(meta, _check(meta)) for meta in (UNREADABLE, UNKNOWN, PARTLY, LIMIT, CRASHED)),
    PythonRule(NOTHING, _check_nothing),
)
