"""OWA2003, OWA2005, OWA2006, OWA2008, OWA2010: what the records of an archive say of each other.

An archive describes a member in more than one place. Where the places differ, two programs read
two different archives out of one file.

Source: APPNOTE.TXT (zip), sections 4.3 and 4.4; POSIX.1-2017 pax (tar).
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import (
    DuplicateName,
    EncryptedMember,
    RecordMismatch,
    UnlistedRecord,
    UnsafeMemberName,
)
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_CONFLICT = "CWE-436: Interpretation Conflict"
_REBUILD = (
    "Do not load the file. Ask the publisher for one that was written by an unmodified library, and "
    "compare digests: an archive that disagrees with itself is not what a library writes."
)

MISMATCH = RuleMeta(
    id="OWA2003",
    name="archive-record-mismatch",
    title="Two records of an archive member disagree",
    severity=Severity.HIGH,
    explanation="The archive describes the member twice, and the descriptions differ. A scanner that "
    "believes one and a loader that believes the other see different content.",
    remediation=_REBUILD,
    references=(
        _CONFLICT,
        "CWE-1288: Improper Validation of Consistency within Input",
        "APPNOTE.TXT 4.3.7 and 4.3.12",
    ),
    family="archive",
)

DUPLICATE = RuleMeta(
    id="OWA2005",
    name="archive-duplicate-name",
    title="Several archive members answer to one name",
    severity=Severity.HIGH,
    explanation="Programs differ in which of several members with one name they read: the first, the "
    "last, or the one that matches in upper or lower case. So an audit and a loader can read "
    "different ones.",
    remediation=_REBUILD,
    references=(
        "CWE-694: Use of Multiple Resources with Duplicate Identifier",
        _CONFLICT,
        "APPNOTE.TXT 4.3.12",
    ),
    family="archive",
)

UNLISTED = RuleMeta(
    id="OWA2006",
    name="archive-unlisted-record",
    title="The archive holds a member that its directory does not list",
    severity=Severity.HIGH,
    explanation="A member record stands in the archive without an entry in its directory. Programs that "
    "walk the records see it, programs that use the directory do not.",
    remediation=_REBUILD,
    references=(_CONFLICT, "CWE-912: Hidden Functionality", "APPNOTE.TXT 4.3.6"),
    family="archive",
)

UNSAFE = RuleMeta(
    id="OWA2008",
    name="archive-unsafe-member-name",
    title="Unpacking the archive would write outside its folder",
    severity=Severity.HIGH,
    explanation="A member is named so that a program which unpacks by name writes elsewhere on the disk, "
    "or it is a link or a device. Loaders that extract archives have overwritten files this "
    "way.",
    remediation="Do not unpack the archive. If it was unpacked already, look for files it wrote outside "
    "the folder.",
    references=(
        "CWE-22: Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
        "CWE-59: Improper Link Resolution Before File Access ('Link Following')",
        "APPNOTE.TXT 4.4.17",
    ),
    family="archive",
)

ENCRYPTED = RuleMeta(
    id="OWA2010",
    name="archive-encrypted-member",
    title="An archive member is encrypted or says that it is",
    severity=Severity.MEDIUM,
    explanation="An encrypted member cannot be read without its password, so nothing can be said of it. "
    "Some loaders ignore the mark and read the bytes as they are, which hides them from "
    "scanners.",
    remediation="Ask the publisher for the file without encryption. Model loaders do not ask for passwords.",
    references=("CWE-693: Protection Mechanism Failure", "APPNOTE.TXT 4.4.4, general purpose bit 0"),
    leaves_open=True,
    family="archive",
)

_PROBLEMS = {
    "absolute": "its name is an absolute path",
    "parent": "its name climbs out of the folder",
    "link": "it is a link",
    "device": "it is a device",
    "nul": "its name holds a NUL byte",
}


def check_mismatch(evidence: Evidence) -> Iterator[Match]:
    """Match every field in which two records of a member differ."""
    for seen in evidence.of(RecordMismatch):
        yield Match(
            f"{seen.member}: the directory says {seen.field} {seen.central}, the record itself {seen.local}",
            seen,
            evidence=(
                EvidenceItem(label="member", value=seen.member),
                EvidenceItem(label="field", value=seen.field),
                EvidenceItem(label="directory", value=seen.central),
                EvidenceItem(label="record", value=seen.local),
            ),
            key=f"{seen.field} {seen.member}",
        )


def check_duplicate(evidence: Evidence) -> Iterator[Match]:
    """Match every name that several members answer to."""
    for seen in evidence.of(DuplicateName):
        spellings = [EvidenceItem(label="spelling", value=text) for text in seen.spellings[:8]]
        yield Match(
            f"Several members answer to the name {seen.name}",
            seen,
            evidence=(EvidenceItem(label="name", value=seen.name), *spellings),
            key=seen.name,
        )


def check_unlisted(evidence: Evidence) -> Iterator[Match]:
    """Match every member record that the directory leaves out."""
    for seen in evidence.of(UnlistedRecord):
        yield Match(
            f"The member {seen.member} is not in the directory of the archive",
            seen,
            evidence=(EvidenceItem(label="member", value=seen.member),),
            key=seen.member,
        )


def check_unsafe(evidence: Evidence) -> Iterator[Match]:
    """Match every member that must not be unpacked by name."""
    for seen in evidence.of(UnsafeMemberName):
        problem = _PROBLEMS.get(seen.problem, seen.problem)
        yield Match(
            f"The member {seen.member} must not be unpacked: {problem}",
            seen,
            evidence=(
                EvidenceItem(label="member", value=seen.member),
                EvidenceItem(label="problem", value=seen.problem),
            ),
            key=f"{seen.problem} {seen.member}",
        )


def check_encrypted(evidence: Evidence) -> Iterator[Match]:
    """Match every member that is encrypted or marked so."""
    for seen in evidence.of(EncryptedMember):
        yield Match(
            f"The member {seen.member} is marked as encrypted",
            seen,
            evidence=(EvidenceItem(label="member", value=seen.member),),
            key=seen.member,
        )


RULES = (
    PythonRule(MISMATCH, check_mismatch),
    PythonRule(DUPLICATE, check_duplicate),
    PythonRule(UNLISTED, check_unlisted),
    PythonRule(UNSAFE, check_unsafe),
    PythonRule(ENCRYPTED, check_encrypted),
)
