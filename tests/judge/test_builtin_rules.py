"""Each built-in Python rule: one case where it must speak, and near misses where it must not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from evidence_maker import evidence, pickle_file, place, read

from owaudit.judge.packs import load_packs
from owaudit.model.artifact import Artifact
from owaudit.model.coverage import Coverage, Gap, State
from owaudit.model.observation import (
    CodeMember,
    DuplicateName,
    EmbeddedContent,
    EncryptedMember,
    ExtensionMismatch,
    FileReplaced,
    LibraryAnswer,
    LinkProblem,
    MetadataEntry,
    Observation,
    PersistentIdUsed,
    PickleStream,
    RangeOverlap,
    RecordMismatch,
    SeveralFormats,
    SpecViolation,
    UnclaimedBytes,
    UnlistedRecord,
    UnsafeMemberName,
)

RULES = load_packs(installed=False)[0].rules
HERE = (place("a.pkl"),)
IN_ARRAY = "The array in a.pkl!x.npy holds Python objects, stored as a pickle"


def _found(
    *observations: Observation,
    artifacts: Sequence[Artifact] | None = None,
    coverage: Sequence[Coverage] | None = None,
) -> list[tuple[str, str]]:
    seen = evidence(*observations, artifacts=artifacts, coverage=coverage)
    return sorted((rule.meta.id, match.message) for rule in RULES for match in rule.check(seen))


def _law(clause: str = "header", *, tolerated: bool = False, start: int = 0) -> SpecViolation:
    return SpecViolation(
        locations=(place(start=start),),
        format="zip",
        clause=clause,
        expected="x",
        found="y",
        tolerated=tolerated,
    )


def _stream(*members: str, artifact: str = "a.pkl") -> PickleStream:
    return PickleStream(
        locations=(place(artifact, *members),), protocol=4, index=0, instructions=1, ending="stop"
    )


def _unclaimed(position: str, size: int, *, zeros: bool) -> UnclaimedBytes:
    return UnclaimedBytes(locations=HERE, position=position, size=size, zeros=zeros)


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([_stream("x.npy", "objects")], [("OWA1016", IN_ARRAY)]),
        ([_stream("x.npy", "objects"), _stream("x.npy", "objects")], [("OWA1016", IN_ARRAY)]),
        ([_stream("m/data.pkl")], []),
        ([_stream("x.npy", "pickle at 176")], []),
        (
            [PersistentIdUsed(locations=HERE, shape="text", example="'module'")],
            [("OWA1017", "Loading asks for the object 'module', which is not a storage")],
        ),
        ([PersistentIdUsed(locations=HERE, shape="storage")], []),
        ([PersistentIdUsed(locations=HERE, shape="module")], []),
        (
            [CodeMember(locations=HERE, member="code/x.py", language="python")],
            [("OWA1018", "The archive carries python code in code/x.py")],
        ),
        ([_law(start=9), _law(start=3)], [("OWA2001", "zip: header: expected x, found y")]),
        ([_law(tolerated=True)], [("OWA2002", "zip: header: expected x, found y")]),
        (
            [RecordMismatch(locations=HERE, member="m", field="size", central="1", local="2")],
            [("OWA2003", "m: the directory says size 1, the record itself 2")],
        ),
        (
            [RangeOverlap(locations=HERE, first="a", second="b", size=1234)],
            [("OWA2004", "a and b share 1,234 bytes")],
        ),
        (
            [DuplicateName(locations=HERE, name="m", spellings=("m", "M"))],
            [("OWA2005", "Several members answer to the name m")],
        ),
        (
            [UnlistedRecord(locations=HERE, member="m")],
            [("OWA2006", "The member m is not in the directory of the archive")],
        ),
        (
            [UnsafeMemberName(locations=HERE, member="../m", problem="parent")],
            [("OWA2008", "The member ../m must not be unpacked: its name climbs out of the folder")],
        ),
        ([_unclaimed("after", 4095, zeros=True)], []),
        (
            [_unclaimed("after", 4096, zeros=True)],
            [("OWA2009", "4,096 bytes after its end belong to nothing (all zero)")],
        ),
        (
            [_unclaimed("after", 1, zeros=False)],
            [("OWA2009", "1 bytes after its end belong to nothing (not all zero)")],
        ),
        (
            [_unclaimed("between", 8, zeros=True)],
            [("OWA2009", "8 bytes between its parts belong to nothing (all zero)")],
        ),
        ([EncryptedMember(locations=HERE, member="m")], [("OWA2010", "The member m is marked as encrypted")]),
        (
            [MetadataEntry(locations=HERE, key="k", value="v", size=65536)],
            [("OWA2011", "The metadata key k holds 65,536 bytes")],
        ),
        ([MetadataEntry(locations=HERE, key="k", value="v", size=65535)], []),
        (
            [ExtensionMismatch(locations=HERE, extension=".pt", promised="torch-zip", formats=("pickle",))],
            [("OWA2012", "The suffix .pt promises torch-zip, the bytes are pickle")],
        ),
        (
            [SeveralFormats(locations=HERE, formats=("pickle", "zip"))],
            [("OWA2013", "The bytes are valid as pickle and zip")],
        ),
        (
            [EmbeddedContent(locations=HERE, format="elf", position="payload")],
            [("OWA2014", "Content of the format elf stands inside the numbers")],
        ),
        (
            [EmbeddedContent(locations=HERE, format="pickle", position="argument")],
            [("OWA2014", "Content of the format pickle stands in an argument of a call")],
        ),
        (
            [LibraryAnswer(locations=HERE, library="safetensors", accepts=False, message="no")],
            [("OWA2015", "safetensors refuses the file: no")],
        ),
        (
            [LibraryAnswer(locations=HERE, library="safetensors", accepts=False), _law(tolerated=True)],
            [
                ("OWA2002", "zip: header: expected x, found y"),
                ("OWA2015", "safetensors refuses the file: no reason given"),
            ],
        ),
        ([LibraryAnswer(locations=HERE, library="safetensors", accepts=True)], []),
        (
            [LinkProblem(locations=HERE, problem="outside", leads_to="/etc")],
            [("OWA2016", "The link a.pkl leads out of the audited folder")],
        ),
        (
            [FileReplaced(locations=HERE, changed=("size", "mtime"))],
            [("OWA2017", "a.pkl changed while it was read (size, mtime)")],
        ),
    ],
)
def test_facts(observations: list[Observation], expected: list[tuple[str, str]]) -> None:
    assert _found(*observations) == expected


def test_an_array_file_is_known_by_its_format() -> None:
    assert _found(_stream("objects"), artifacts=[pickle_file(form="npy")]) == [
        ("OWA1016", "The array in a.pkl holds Python objects, stored as a pickle")
    ]


def test_a_nested_pickle_that_was_read_speaks_for_itself() -> None:
    nested = EmbeddedContent(locations=HERE, format="pickle", position="argument")
    assert _found(nested, coverage=[read("a.pkl"), read("a.pkl", "bytes@3")]) == []


def test_a_refusal_that_a_range_explains_is_not_a_second_finding() -> None:
    refused = LibraryAnswer(locations=HERE, library="safetensors", accepts=False, message="no")
    overlap = RangeOverlap(locations=HERE, first="a", second="b", size=1)
    assert _found(refused, overlap) == [("OWA2004", "a and b share 1 bytes")]
    assert [rule for rule, _ in _found(refused, _unclaimed("after", 9, zeros=False))] == ["OWA2009"]


def test_a_library_that_refuses_supports_our_finding() -> None:
    seen = evidence(_law(), LibraryAnswer(locations=HERE, library="safetensors", accepts=False, message="no"))
    matches = [match for rule in RULES for match in rule.check(seen)]
    assert [[(item.label, item.value) for item in match.evidence] for match in matches] == [
        [
            ("clause", "header"),
            ("expected", "x"),
            ("found", "y"),
            ("library safetensors", "refuses the file: no"),
        ]
    ]


def _unread(reason: str, *members: str, detail: str = "", gaps: tuple[Gap, ...] = ()) -> Coverage:
    return Coverage(
        artifact="a.pkl",
        members=members,
        state=State.UNREAD,
        reason=reason,
        detail=detail,
        size=10,
        unexplained=10,
        gaps=gaps,
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("unreadable", ("OWA9001", "a.pkl cannot be opened")),
        ("io-error", ("OWA9001", "a.pkl gave an input error")),
        ("not-regular", ("OWA9001", "a.pkl is no regular file")),
        ("unknown-format", ("OWA9002", "a.pkl is of no known format")),
        ("source-code", ("OWA9002", "a.pkl is source code, which is not read yet")),
        ("empty", ("OWA9002", "a.pkl is empty: there is nothing in it to recognise")),
        ("truncated", ("OWA9003", "a.pkl ends before its format does")),
        ("malformed", ("OWA9003", "a.pkl breaks its format, so reading stopped")),
        ("encrypted", ("OWA9003", "a.pkl is encrypted")),
        ("unsupported-compression", ("OWA9003", "a.pkl is compressed in a way that is not read")),
        ("bytes-unclaimed", ("OWA9003", "a.pkl holds bytes that nothing explains")),
        ("member-unread", ("OWA9003", "a.pkl holds a member that was not read")),
        ("limit:seconds", ("OWA9004", "a.pkl was read up to the limit seconds")),
        ("crash:KeyError", ("OWA9007", "a.pkl stopped its reader with KeyError")),
        ("some-new-code", ("OWA9003", "a.pkl was not read completely: words")),
    ],
)
def test_every_reason_is_a_finding(reason: str, expected: tuple[str, str]) -> None:
    assert _found(coverage=[_unread(reason, detail="words")]) == [expected]


def test_members_with_one_reason_share_a_finding() -> None:
    rows = [
        _unread("member-unread"),
        _unread("truncated", "b"),
        _unread("truncated", "a"),
        _unread("limit:members", "c"),
    ]
    assert _found(coverage=rows) == [
        ("OWA9003", "2 members of a.pkl: each ends before its format does"),
        ("OWA9004", "a.pkl!c was read up to the limit members"),
    ]


def test_the_first_gap_is_the_place() -> None:
    seen = evidence(coverage=[_unread("truncated", gaps=(Gap(start=4, end=6, reason="unclaimed"),))])
    (match,) = [match for rule in RULES for match in rule.check(seen)]
    assert [str(item) for item in match.locations] == ["a.pkl@4-6"]


def test_nothing_to_audit() -> None:
    assert _found(artifacts=[]) == [("OWA9005", "target holds no file that can be audited")]
