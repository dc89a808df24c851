"""OWA5201-5206: what the programs beside the weights do, and when.

A program of the folder runs when settings name it, when a platform knows its name, or when a person
starts it. What it does as soon as it is imported counts most; what it does in a function of a
script that nothing refers to counts least.

Source: Python language reference, "Execution model"; transformers, ``dynamic_module_utils.py``.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from owaudit.model.code_facts import CodeReference, ProgramCall, ProgramRead
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_UNTRUSTED = "CWE-829: Inclusion of Functionality from Untrusted Control Sphere"
_EMBEDDED = "CWE-506: Embedded Malicious Code"

AT_IMPORT = RuleMeta(
    id="OWA5201",
    name="source-runs-at-import",
    title="A program starts processes or runs hidden code as soon as it is imported",
    severity=Severity.CRITICAL,
    explanation="Importing the file is enough: at its top level it starts a program, or it runs code that "
    "is decoded or fetched on the spot. Programs that define models do neither.",
    remediation="Do not import or install anything of this folder, and report the repository.",
    references=(_EMBEDDED, _UNTRUSTED, "CWE-78: OS Command Injection"),
    family="programs",
)
WHEN_USED = RuleMeta(
    id="OWA5202",
    name="source-runs-when-used",
    title="A program that loading needs can start processes, load native code or reach the network",
    severity=Severity.HIGH,
    explanation="The program is imported when the model is loaded or served. It starts programs or loads "
    "native code when it is used, or reaches the network or changes files as soon as it is imported.",
    remediation="Read the places named in the evidence. Load the model only in a sandbox without network.",
    references=(_UNTRUSTED, "CWE-78: OS Command Injection", "CWE-114: Process Control"),
    family="programs",
)
CAN_RUN = RuleMeta(
    id="OWA5203",
    name="source-can-run-programs",
    title="A program of the folder can start processes or run code when a person starts it",
    severity=Severity.MEDIUM,
    explanation="No settings file refers to the program, so loading the model does not run it. If it is "
    "started, it can run commands, code or native libraries. Training and conversion scripts often do.",
    remediation="Read it before running it. Loading the weights does not need it.",
    references=(_UNTRUSTED,),
    leaves_open=True,
    family="programs",
)
CAN_REACH = RuleMeta(
    id="OWA5204",
    name="source-can-reach-out",
    title="A program of the folder can use the network, unpickle or change files",
    severity=Severity.LOW,
    explanation="In its functions the program downloads, unpickles, imports by computed name or changes "
    "files. That is usual in scripts; it is listed so that a reviewer sees it.",
    remediation="Read the places named in the evidence before running the program.",
    references=(_UNTRUSTED,),
    family="programs",
)
SCRIPT = RuleMeta(
    id="OWA5205",
    name="script-runs-download",
    title="A script runs what it downloads or decodes, or opens the machine to others",
    severity=Severity.HIGH,
    explanation="The script hands what it fetches or decodes to an interpreter, opens a shell to the "
    "network, or writes itself into start-up files. Weights need no such script.",
    remediation="Do not run the script. Compare the folder with the publisher's original.",
    references=("CWE-494: Download of Code Without Integrity Check", _EMBEDDED),
    family="programs",
)
NOT_JUDGED = RuleMeta(
    id="OWA5206",
    name="script-not-judged",
    title="A script lies beside the weights and was only listed",
    severity=Severity.MEDIUM,
    explanation="What the script does depends on the machine it runs on, so it was not judged. No loader "
    "of weights runs it.",
    remediation="Take it out of the folder if it is not needed, or read it before running it.",
    references=(_UNTRUSTED,),
    leaves_open=True,
    family="programs",
)

_STRONG = ("process", "native")
_RUN_BY_NAME = re.compile(
    r"(?:^|/)(?:handler|hubconf|pipeline|setup|conftest|sitecustomize|usercustomize|app|__init__|custom_generate/generate"
    r"|(?:modeling|modelling|configuration|tokenization|processing|image_processing|feature_extraction)_\w+)\.py$"
)


def _needed(evidence: Evidence) -> set[str]:
    """Units of the programs that loading imports: named, named by them, or known by their name."""
    programs = {_unit(p.location): p for p in evidence.of(ProgramRead) if p.language == "python"}
    found = {unit for unit, p in programs.items() if _is_run_by_name(p.location)}
    for reference in evidence.of(CodeReference):
        if reference.path and not reference.repository:
            place = reference.location
            name = place.members[-1] if place.members else place.artifact
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), reference.path))
            container = "!".join((place.artifact, *place.members[:-1])) + "!" if place.members else ""
            if container + path in programs:
                found.add(container + path)
            elif reference.path.endswith("/"):
                found |= {unit for unit in programs if unit.startswith(f"{container}{path}/")}
    # A package that is named brings its neighbours along: imports among them were not followed.
    folders = {unit.rpartition("/")[0] for unit in found if not _is_run_by_name_unit(unit)}
    found |= {unit for unit in programs if unit.rpartition("/")[0] in folders and folders}
    # Programs inside an archive of weights are there to be imported with it.
    return found | {unit for unit, p in programs.items() if p.location.members or unit.endswith(".pth")}


def _is_run_by_name(place: Location) -> bool:
    return _is_run_by_name_unit(_unit(place))


def _is_run_by_name_unit(unit: str) -> bool:
    return bool(_RUN_BY_NAME.search(unit.rpartition("!")[2]))


def _unit(place: Location) -> str:
    if not place.members:
        return place.artifact
    return "!".join((place.artifact, *place.members[:-1], posixpath.normpath(place.members[-1])))


def _is_at_import(call: ProgramCall, needed: bool) -> bool:
    if call.capability == "code":
        return call.computed and (call.moment == "import" or needed)
    return call.capability == "process" and call.moment == "import"


def _is_when_used(call: ProgramCall, needed: bool) -> bool:
    if _is_at_import(call, needed):
        return False
    if call.moment == "import":
        return call.capability in ("native", "network", "remote-code") or (
            call.capability == "code" and call.computed
        )
    return needed and (call.capability in _STRONG or (call.capability == "code" and call.computed))


def _is_can_run(call: ProgramCall, needed: bool) -> bool:
    if _is_at_import(call, needed) or _is_when_used(call, needed):
        return False
    strong = call.capability in (*_STRONG, "code", "remote-code")
    return strong or (
        call.moment == "import" and call.capability in ("unpickling", "file-write", "runtime-import")
    )


def _is_can_reach(call: ProgramCall, needed: bool) -> bool:
    listed = call.capability in ("network", "unpickling", "runtime-import")
    return listed and not (
        _is_at_import(call, needed) or _is_when_used(call, needed) or _is_can_run(call, needed)
    )


_SCRIPT_SIGNS = ("download-run", "decode-run", "reverse-shell", "persistence")


def _is_script_sign(call: ProgramCall, _needed: bool) -> bool:
    return call.capability in _SCRIPT_SIGNS


def _check(applies: Callable[[ProgramCall, bool], bool]) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        """Match each program once, with every call that the rule is about."""
        needed = _needed(evidence)
        found: dict[str, list[ProgramCall]] = defaultdict(list)
        for call in evidence.of(ProgramCall):
            if applies(call, _unit(call.location) in needed):
                found[call.location.unit].append(call)
        for unit, calls in found.items():
            yield _match(unit, calls)

    return check


_MOMENTS = {"import": "when it is imported", "build": "when its classes are built", "call": "in a function"}


def _match(unit: str, calls: list[ProgramCall]) -> Match:
    first = calls[0]
    more = f" and {len(calls) - 1} more" if len(calls) > 1 else ""
    return Match(
        f"{unit} calls {first.name} {_MOMENTS[first.moment]}{more}",
        first,
        locations=tuple(call.location for call in calls[:8]),
        evidence=tuple(
            EvidenceItem(label=f"{call.capability}, {_MOMENTS[call.moment]}", value=call.example or call.name)
            for call in calls[:8]
        ),
        key=f"{unit} {', '.join(sorted({call.name for call in calls})[:20])}",
    )


def check_scripts(evidence: Evidence) -> Iterator[Match]:
    """Match every program whose calls were not followed."""
    for program in evidence.of(ProgramRead):
        if not program.understood:
            yield Match(
                f"{program.location.unit} is a {program.language} that was listed, not judged",
                program,
                evidence=(EvidenceItem(label="language", value=program.language),),
                key=program.location.unit,
            )


RULES = (
    PythonRule(AT_IMPORT, _check(_is_at_import)),
    PythonRule(WHEN_USED, _check(_is_when_used)),
    PythonRule(CAN_RUN, _check(_is_can_run)),
    PythonRule(CAN_REACH, _check(_is_can_reach)),
    PythonRule(SCRIPT, _check(_is_script_sign)),
    PythonRule(NOT_JUDGED, check_scripts),
)
