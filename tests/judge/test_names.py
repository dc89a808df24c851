"""Names that pickles reach: powerful, reviewed, conditions, re-exports, the policy."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from evidence_maker import evidence, place, used
from pack_maker import small_packs

from owaudit.judge.names import Judged, NameLists, judge_names
from owaudit.model.evidence import Diagnostic
from owaudit.model.observation import NameUsed, Slot, UnresolvedUse, Use
from owaudit.model.policy import AllowedName, Policy
from owaudit.model.rule import Confidence

TEXT = Slot(types=("str",), strings=("x",))


@pytest.fixture
def lists(tmp_path: Path) -> NameLists:
    return NameLists(small_packs(tmp_path))


def _judge(lists: NameLists, *uses: NameUsed, policy: Policy | None = None) -> list[Judged]:
    return judge_names(evidence(*uses), lists, policy or Policy())[0]


def _rules(lists: NameLists, *uses: NameUsed) -> list[tuple[str, str]]:
    return [(item.meta.id, item.match.message) for item in _judge(lists, *uses)]


def _labelled(judged: Judged) -> dict[str, str]:
    return {item.label: item.value for item in judged.match.evidence}


def test_a_powerful_name_says_the_call_itself(lists: NameLists) -> None:
    call = used(
        "os.system", arity=1, slots=(TEXT,), example="os.system('echo hi')", spellings=("posix system",)
    )
    (found,) = _judge(lists, call)
    assert (found.meta.id, found.match.message) == ("OWA1001", "Loading calls os.system('echo hi')")
    assert found.match.confidence is Confidence.HIGH
    assert _labelled(found) == {
        "name": "os.system",
        "written as": "posix system",
        "use": "call",
        "example": "os.system('echo hi')",
        "arguments": "0: 'x'",
        "list": "powerful: processes",
        "matched": "os.system",
        "why": "starts a process",
        "source": "Python library reference, subprocess",
    }


@pytest.mark.parametrize("use", list(Use))
def test_a_powerful_name_is_powerful_whatever_is_done_with_it(lists: NameLists, use: Use) -> None:
    expected = ["OWA1014", "OWA1001"] if use is Use.ALTER else ["OWA1001"]
    assert [item.meta.id for item in _judge(lists, used("subprocess.Popen", use))] == expected


def test_the_most_severe_row_decides(lists: NameLists) -> None:
    assert [item.meta.id for item in _judge(lists, used("os.system"))] == ["OWA1001"]
    assert [item.meta.id for item in _judge(lists, used("os.getcwd"))] == ["OWA1008"]


@pytest.mark.parametrize(
    ("use", "rule", "message"),
    [
        (Use.CALL, "OWA1002", "Loading calls pkg.mod.fn('x'), which is on no reviewed list"),
        (
            Use.BUILD,
            "OWA1003",
            "Loading sets the state of an instance of pkg.mod.fn: pkg.mod.fn('x'), "
            "which is on no reviewed list",
        ),
        (Use.CONSTRUCT, "OWA1003", "Loading constructs pkg.mod.fn('x'), which is on no reviewed list"),
        (Use.REFERENCE, "OWA1004", "Loading imports pkg.mod.fn, which is on no reviewed list"),
    ],
)
def test_unreviewed_by_use(lists: NameLists, use: Use, rule: str, message: str) -> None:
    (found,) = _judge(lists, used("pkg.mod.fn", use, example="pkg.mod.fn('x')"))
    assert (found.meta.id, found.match.message, found.match.key) == (rule, message, "pkg.mod.fn")
    assert found.match.policy_line == (
        f'[imports]\nallow = [{{ name = "pkg.mod.fn", use = "{use}", reason = "…" }}]'
    )
    assert found.meta.leaves_open


def test_one_finding_per_name_and_the_strongest_use_decides(lists: NameLists) -> None:
    uses = [
        used("pkg.Thing", Use.REFERENCE, at=place(start=1, end=2)),
        used("pkg.Thing", Use.BUILD, at=place(start=9, end=10), count=4),
        used("pkg.Thing", Use.BUILD, at=place(start=5, end=6), arity=1, count=2),
    ]
    expected = None
    for order in itertools.permutations(uses):
        (found,) = _judge(lists, *order)
        assert found.meta.id == "OWA1003"
        assert found.match.observation is not None
        assert found.match.observation.count == 6
        assert [item.start for item in found.match.observation.locations] == [5, 9]
        expected = expected or found
        assert found == expected


def test_the_same_name_in_two_members_is_two_findings(lists: NameLists) -> None:
    found = _judge(lists, used("pkg.f", at=place("a.zip", "x")), used("pkg.f", at=place("a.zip", "y")))
    assert [item.match.observation.location.unit for item in found if item.match.observation] == [
        "a.zip!x",
        "a.zip!y",
    ]


@pytest.mark.parametrize("use", [Use.REFERENCE, Use.CONSTRUCT, Use.BUILD, Use.CALL])
def test_reviewed_names_are_quiet(lists: NameLists, use: Use) -> None:
    assert _judge(lists, used("collections.OrderedDict", use)) == []


def test_reviewed_names_are_exact(lists: NameLists) -> None:
    assert [i.meta.id for i in _judge(lists, used("collections.OrderedDict.fromkeys"))] == ["OWA1002"]
    assert [i.meta.id for i in _judge(lists, used("collections"))] == ["OWA1002"]


def test_a_stronger_use_than_was_reviewed_is_unreviewed(lists: NameLists) -> None:
    (found,) = _judge(lists, used("acme.Plain", Use.CALL, example="acme.Plain()"))
    assert found.meta.id == "OWA1002"
    assert _labelled(found)["differs"] == "reviewed for build only"
    assert _judge(lists, used("acme.Plain", Use.BUILD), used("acme.Plain", Use.CONSTRUCT)) == []
    assert _judge(lists, used("acme.flag", Use.REFERENCE)) == []


def test_altering_is_never_covered(lists: NameLists) -> None:
    policy = Policy(allowed_names=(AllowedName(name="collections.OrderedDict", reason="read"),))
    (found,) = _judge(lists, used("collections.OrderedDict", Use.ALTER), policy=policy)
    assert (found.meta.id, found.match.message) == (
        "OWA1014",
        "Loading sets attributes on collections.OrderedDict itself, for everything that uses it later",
    )


@pytest.mark.parametrize(
    ("arity", "slots", "problem"),
    [
        (2, (TEXT, Slot(types=("str",), strings=("latin1",))), ""),
        (
            2,
            (TEXT, Slot(types=("str",), strings=("zlib",))),
            "argument 1 is the text 'zlib', reviewed with 'latin1'",
        ),
        (
            2,
            (TEXT, Slot(types=("str",), strings_complete=False)),
            "argument 1 holds more texts than are listed",
        ),
        (2, (TEXT, Slot(types=("unknown",))), "argument 1 is of kind unknown, which was not reviewed"),
        (2, (TEXT, Slot(names=("os.system",))), "argument 1 is the name os.system, reviewed without names"),
        (
            2,
            (Slot(types=("int",), largest=10), Slot(types=("str",), strings=("latin1",))),
            "argument 0 is 10, reviewed up to 9",
        ),
        (2, (TEXT,), "argument 1 is not known"),
        (1, (TEXT,), "it gets 1 arguments, reviewed with 2"),
        (-1, (), "how many arguments it gets cannot be told"),
    ],
)
def test_conditions_on_arguments(lists: NameLists, arity: int, slots: tuple[Slot, ...], problem: str) -> None:
    call = used("_codecs.encode", arity=arity, slots=slots, example="_codecs.encode(…)")
    expected = [("OWA1015", f"Loading calls _codecs.encode(…), but {problem}")] if problem else []
    assert _rules(lists, call) == expected


def _reconstructor(name: str, base: str = "builtins.object") -> NameUsed:
    return used(
        "copyreg._reconstructor",
        arity=3,
        example=f"copyreg._reconstructor({name}, {base}, None)",
        slots=(Slot(names=(name,)), Slot(names=(base,)), Slot(types=("NoneType",))),
    )


def test_a_trampoline_passes_its_use_on(lists: NameLists) -> None:
    assert _rules(lists, _reconstructor("acme.Plain")) == []
    assert _rules(lists, _reconstructor("acme.alone")) == []
    assert _rules(lists, _reconstructor("acme.Other")) == [
        (
            "OWA1003",
            "Loading constructs copyreg._reconstructor(acme.Other, builtins.object, None), "
            "which is on no reviewed list",
        )
    ]
    assert [rule for rule, _ in _rules(lists, _reconstructor("subprocess.Popen", "subprocess.Popen"))] == [
        "OWA1015",
        "OWA1001",
    ]


def test_a_trampoline_passes_its_arguments_on(lists: NameLists) -> None:
    inner = Slot(names=("_codecs.encode",))
    good = used("acme.run_later", arity=3, slots=(inner, TEXT, Slot(types=("str",), strings=("latin1",))))
    assert _rules(lists, good) == []
    bad = used("acme.run_later", arity=3, slots=(inner, TEXT, Slot(types=("str",), strings=("rot13",))))
    assert [rule for rule, _ in _rules(lists, bad)] == ["OWA1015"]


def test_what_a_held_name_does_counts_too(lists: NameLists) -> None:
    slot = Slot(types=("tuple",), held=("pkg.fn",))
    assert [rule for rule, _ in _rules(lists, used("acme.run_later", arity=1, slots=(slot,)))] == ["OWA1002"]


def test_a_name_taken_out_of_a_powerful_row_keeps_its_conditions(lists: NameLists) -> None:
    owner = Slot(names=("acme.flag",))
    good = used("builtins.getattr", arity=2, slots=(owner, TEXT), example="getattr(acme.flag, 'x')")
    assert _rules(lists, good) == []
    computed = used(
        "builtins.getattr", arity=2, slots=(owner, Slot(types=("unknown",))), example="getattr(a, ?)"
    )
    assert [rule for rule, _ in _rules(lists, computed)] == ["OWA1008"]


@pytest.mark.parametrize(
    ("name", "spelling", "rule", "confidence"),
    [
        ("shutil.os.system", "shutil os.system", "OWA1001", Confidence.MEDIUM),
        ("random._os.system", "random _os.system", "OWA1001", Confidence.MEDIUM),
        ("torch._utils._os.system", "", "OWA1001", Confidence.MEDIUM),
        ("six.moves.builtins.eval", "six.moves.builtins eval", "OWA1008", Confidence.MEDIUM),
        ("pkg.code", "pkg code", "OWA1008", Confidence.MEDIUM),
        # a submodule that happens to be called like a module of the standard library
        ("acme.code.Net", "acme.code Net", "OWA1002", Confidence.HIGH),
        ("acme.subprocesses.run", "", "OWA1002", Confidence.HIGH),
        ("pkg.acme.tools", "", "OWA1002", Confidence.HIGH),
    ],
)
def test_reexports(lists: NameLists, name: str, spelling: str, rule: str, confidence: Confidence) -> None:
    (found,) = _judge(lists, used(name, spellings=(spelling,) if spelling else ()))
    assert (found.meta.id, found.match.confidence) == (rule, confidence)


def test_a_worse_name_that_is_reexported_decides(lists: NameLists) -> None:
    (found,) = _judge(lists, used("code.subprocess.run", spellings=("code subprocess.run",)))
    assert (found.meta.id, _labelled(found)["reaches"]) == ("OWA1001", "subprocess.run")


def test_a_reexport_names_what_it_reaches(lists: NameLists) -> None:
    (found,) = _judge(lists, used("shutil.os.system", example="shutil.os.system('id')"))
    assert found.match.message == "Loading calls shutil.os.system('id'), which is os.system"
    assert _labelled(found)["reaches"] == "os.system"


def test_a_very_long_name_is_judged_in_bounded_time(lists: NameLists) -> None:
    name = "os." * 100_000
    assert [item.meta.id for item in _judge(lists, used(name + "getcwd"))] == ["OWA1008"]
    assert [item.meta.id for item in _judge(lists, used(name + "system"))] == ["OWA1001"]
    walk = "shutil." + "path." * 1000 + "os.system"
    assert [item.meta.id for item in _judge(lists, used(walk))] == ["OWA1001"]


def test_names_that_only_exist_at_run_time(lists: NameLists) -> None:
    uses = [
        UnresolvedUse(locations=(place(start=start),), use=Use.CALL, expression="f(1)(2)", reason="computed")
        for start in (7, 3)
    ]
    judged, _ = judge_names(evidence(*uses), lists, Policy())
    (found,) = judged
    assert (found.meta.id, found.match.message) == (
        "OWA1005",
        "Loading calls a name that only exists at run time: f(1)(2)",
    )
    assert found.match.observation is not None
    assert (found.match.observation.count, found.match.observation.location.start) == (2, 3)


def test_the_policy_allows_exact_names_and_weaker_uses(lists: NameLists) -> None:
    policy = Policy(allowed_names=(AllowedName(name="pkg.Thing", use=Use.BUILD, reason="read"),))
    assert _judge(lists, used("pkg.Thing", Use.CONSTRUCT), policy=policy) == []
    assert [i.meta.id for i in _judge(lists, used("pkg.Thing", Use.CALL), policy=policy)] == ["OWA1002"]
    assert [i.meta.id for i in _judge(lists, used("pkg.Thing.sub", Use.BUILD), policy=policy)] == ["OWA1003"]


def test_a_powerful_name_that_the_policy_allows_is_told_once(lists: NameLists) -> None:
    policy = Policy(allowed_names=(AllowedName(name="os.system", reason="our own file"),))
    seen = evidence(used("os.system"), used("os.system", at=place("b.pkl")), used("os.execv"))
    judged, notes = judge_names(seen, lists, policy)
    assert [(item.meta.id, item.match.key) for item in judged] == [("OWA1001", "os.execv")]
    assert notes == [
        Diagnostic(
            level="warning",
            source="policy",
            message="the policy allows os.system, which is on the list of powerful names",
        )
    ]


def test_policy_lines_quote_what_a_name_may_hold(lists: NameLists) -> None:
    (found,) = _judge(lists, used('pkg."x"\n\\'))
    assert found.match.policy_line.splitlines()[1] == (
        'allow = [{ name = "pkg.\\"x\\"\\u000a\\\\", use = "call", reason = "…" }]'
    )
    (found,) = _judge(lists, used("pkg.\udcff"))
    assert found.match.policy_line == ""
