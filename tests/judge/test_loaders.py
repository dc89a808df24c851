"""What each loader would do, from facts and findings, and never more than is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evidence_maker import evidence, pickle_file, place, read, used
from pack_maker import small_packs

from owaudit.judge.evaluate import judge
from owaudit.judge.packs import Pack, load_packs
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.observation import (
    LibraryAnswer,
    NameUsed,
    Observation,
    PersistentIdUsed,
    PickleStream,
    SpecViolation,
    UnresolvedUse,
    Use,
)
from owaudit.model.policy import AllowedName, Policy
from owaudit.model.report import Reaction, Run

BUILTIN = load_packs(installed=False)


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Pack, ...]:
    """The small lists of names with the loaders that ship."""
    small = small_packs(tmp_path)
    return (replace(small[0], loaders=BUILTIN[0].loaders),)


def _answers(packs: tuple[Pack, ...], seen: Evidence) -> list[tuple[str, Reaction, str, str]]:
    report = judge(seen, Policy(), packs, run=Run(), tool_version="1")
    return [(row.loader, row.reaction, row.detail, row.safe_call) for row in report.loaders]


def _stream(
    *members: str, opcodes: tuple[str, ...] = ("PROTO", "STOP"), ending: str = "stop"
) -> PickleStream:
    return PickleStream(
        locations=(place("a.pkl", *members),),
        protocol=2,
        index=0,
        instructions=2,
        ending=ending,
        opcodes=opcodes,
    )


def _by_pickle(packs: tuple[Pack, ...], seen: Evidence) -> list[tuple[str, Reaction, str, str]]:
    return [row for row in _answers(packs, seen) if row[0] == "pickle.load"]


def test_every_loader_of_a_bare_pickle_is_asked(packs: tuple[Pack, ...]) -> None:
    run = evidence(_stream(), used("os.system", example="os.system('id')"))
    assert [(row[0], row[1]) for row in _answers(packs, run)] == [
        (loader, Reaction.RUNS)
        for loader in (
            "cloudpickle.load",
            "dill.load",
            "joblib.load",
            "numpy.load(allow_pickle=True)",
            "pandas.read_pickle",
            "pickle.load",
            "torch.load(weights_only=False)",
        )
    ]


def test_a_joblib_stream_is_for_joblib_alone(packs: tuple[Pack, ...]) -> None:
    wrapper = "joblib.numpy_pickle.NumpyArrayWrapper"
    allowed = Policy(allowed_names=(AllowedName(name=wrapper, use=Use.BUILD, reason="read"),))
    report = judge(evidence(_stream(), used(wrapper, Use.BUILD)), allowed, packs, run=Run(), tool_version="1")
    reactions = {row.loader: row.reaction for row in report.loaders}
    assert (reactions["joblib.load"], reactions["pickle.load"]) == (Reaction.INERT, Reaction.REFUSES)


def test_pickle_load(packs: tuple[Pack, ...]) -> None:
    run = evidence(_stream(), used("os.system", example="os.system('id')"), used("a.b"))
    assert _by_pickle(packs, run) == [("pickle.load", Reaction.RUNS, "Loading calls os.system('id').", "")]
    unknown = evidence(_stream(), used("a.B", Use.BUILD))
    assert _by_pickle(packs, unknown) == [
        (
            "pickle.load",
            Reaction.UNKNOWN,
            "Loading sets the state of an instance of a.B, which is on no reviewed list.",
            "",
        )
    ]
    named = evidence(_stream(), used("os.system", Use.REFERENCE))
    assert _by_pickle(packs, named) == [("pickle.load", Reaction.UNKNOWN, "Loading imports os.system.", "")]
    computed = UnresolvedUse(locations=(place(),), use=Use.CALL, expression="f()()", reason="r")
    assert [row[1] for row in _by_pickle(packs, evidence(_stream(), computed))] == [Reaction.RUNS]
    assert _by_pickle(packs, evidence(_stream(), used("collections.Counter"))) == [
        ("pickle.load", Reaction.INERT, "Every name that the pickle uses was reviewed.", "pickle.load(file)")
    ]
    gap = Coverage(artifact="a.pkl", state=State.PARTIAL, reason="truncated", size=10)
    assert _by_pickle(packs, evidence(_stream(), coverage=[gap])) == [
        ("pickle.load", Reaction.UNKNOWN, "The file was not read completely.", "")
    ]


_FULL = "torch.load(weights_only=False)"
_WEIGHTS = "torch.load(weights_only=True)"
_FULL_CALL = 'torch.load(path, map_location="cpu", weights_only=False)'
_SAFE = 'torch.load(path, map_location="cpu", weights_only=True)'


def _torch(*facts: Observation) -> Evidence:
    return evidence(
        *facts,
        artifacts=[pickle_file(form="torch-zip")],
        coverage=[read("a.pkl"), read("a.pkl", "m/data.pkl")],
    )


def _in_torch(name: str, use: Use = Use.CALL) -> NameUsed:
    return used(name, use, at=place("a.pkl", "m/data.pkl"))


def test_torch_load(packs: tuple[Pack, ...]) -> None:
    plain = _torch(_stream("m/data.pkl"), _in_torch("collections.OrderedDict"))
    assert _answers(packs, plain) == [
        (
            _FULL,
            Reaction.INERT,
            "Every name that the pickle uses was reviewed.",
            _SAFE,
        ),
        (_WEIGHTS, Reaction.INERT, "Every name and every instruction is on its list.", _SAFE),
    ]
    evil = _torch(_stream("m/data.pkl"), _in_torch("os.system"))
    assert _answers(packs, evil) == [
        (_FULL, Reaction.RUNS, "Loading calls os.system.", ""),
        (_WEIGHTS, Reaction.REFUSES, "os.system is not on its list of names.", ""),
    ]
    own = _torch(_stream("m/data.pkl"), _in_torch("torch.float8_e4m3fn", Use.REFERENCE))
    assert [row[1:] for row in _answers(packs, own)] == [
        (Reaction.UNKNOWN, "Loading imports torch.float8_e4m3fn, which is on no reviewed list.", _SAFE),
        (Reaction.INERT, "Every name and every instruction is on its list.", _SAFE),
    ]


@pytest.mark.parametrize(
    ("facts", "reaction", "detail"),
    [
        (
            [_stream("m/data.pkl", opcodes=("MEMOIZE", "STOP"))],
            Reaction.REFUSES,
            "It does not know the instruction MEMOIZE.",
        ),
        (
            [_stream("m/data.pkl", ending="truncated")],
            Reaction.REFUSES,
            "It stops with an error: the pickle ends before its STOP.",
        ),
        (
            [
                _stream("m/data.pkl"),
                PersistentIdUsed(locations=(place("a.pkl", "m/data.pkl"),), shape="module"),
            ],
            Reaction.REFUSES,
            "It takes persistent identifiers of storages only.",
        ),
        (
            [
                _stream("m/data.pkl"),
                PersistentIdUsed(locations=(place("a.pkl", "m/data.pkl"),), shape="storage"),
            ],
            Reaction.INERT,
            "Every name and every instruction is on its list.",
        ),
        (
            [_stream("m/data.pkl", ending="limit")],
            Reaction.UNKNOWN,
            "Not enough is known of the file to say.",
        ),
        (
            [_stream("m/data.pkl"), _in_torch("torch.Tensor", Use.ALTER)],
            Reaction.UNKNOWN,
            "Not enough is known of the file to say.",
        ),
    ],
)
def test_weights_only(
    packs: tuple[Pack, ...], facts: list[Observation], reaction: Reaction, detail: str
) -> None:
    seen = _torch(*facts)
    if any(isinstance(fact, PickleStream) and fact.ending == "limit" for fact in facts):
        seen = replace(seen, coverage=(replace(seen.coverage[0], state=State.PARTIAL),))
    answer = next(row for row in _answers(packs, seen) if row[0] == _WEIGHTS)
    assert answer[1:3] == (reaction, detail)


def test_a_file_of_the_older_torch_format(packs: tuple[Pack, ...]) -> None:
    seen = evidence(
        _stream(), _stream(), used("acme.flag", Use.REFERENCE), artifacts=[pickle_file(form="torch-legacy")]
    )
    assert _answers(packs, seen) == [
        (_FULL, Reaction.INERT, "Every name that the pickle uses was reviewed.", _FULL_CALL),
        (_WEIGHTS, Reaction.REFUSES, "acme.flag is not on its list of names.", ""),
    ]


def test_a_pickle_in_another_member_is_not_what_torch_loads(packs: tuple[Pack, ...]) -> None:
    seen = _torch(
        _stream("m/data.pkl"), _stream("other.pkl"), used("os.system", at=place("a.pkl", "other.pkl"))
    )
    assert [row[:2] for row in _answers(packs, seen)] == [(_FULL, Reaction.INERT), (_WEIGHTS, Reaction.INERT)]


def test_numpy_load(packs: tuple[Pack, ...]) -> None:
    array = [pickle_file(form="npy")]
    assert _answers(packs, evidence(artifacts=array)) == [
        ("numpy.load", Reaction.INERT, "The file holds no pickle.", "numpy.load(path, allow_pickle=False)"),
        (
            "numpy.load(allow_pickle=True)",
            Reaction.INERT,
            "The file holds no pickle.",
            "numpy.load(path, allow_pickle=False)",
        ),
    ]
    assert _answers(packs, evidence(_stream(), used("os.system"), artifacts=array)) == [
        ("numpy.load", Reaction.REFUSES, "The file holds a pickle, which this call does not read.", ""),
        ("numpy.load(allow_pickle=True)", Reaction.RUNS, "Loading calls os.system.", ""),
    ]


def test_safetensors(packs: tuple[Pack, ...]) -> None:
    files = [pickle_file(form="safetensors")]
    call = 'safetensors.safe_open(path, framework="pt")'
    said = LibraryAnswer(locations=(place(),), library="safetensors", accepts=True)
    broken = SpecViolation(locations=(place(),), format="safetensors", clause="c", expected="e", found="f")
    rows = {
        (): (Reaction.INERT, "The format holds numbers and names only.", call),
        (said,): (Reaction.INERT, "The library accepts the header; the rest is numbers.", call),
        (replace(said, accepts=False, message="header too large"),): (
            Reaction.REFUSES,
            "The library refuses it: header too large.",
            "",
        ),
        (broken,): (Reaction.UNKNOWN, "The file breaks its format; the library was not asked.", ""),
    }
    for facts, expected in rows.items():
        assert _answers(packs, evidence(*facts, artifacts=files)) == [("safetensors.safe_open", *expected)]


def test_other_formats_have_no_answer(packs: tuple[Pack, ...]) -> None:
    assert _answers(packs, evidence(artifacts=[pickle_file(form="text")])) == []
