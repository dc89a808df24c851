"""OWA5101-5103, OWA5107: code that a loader takes from the repository or another one.

The graph from settings to programs: what a settings file names is looked for beside it, and the
program that is found there was read as well.

Source: Hugging Face Hub documentation, "Using custom models"; transformers,
``dynamic_module_utils.py``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from owaudit.model.code_facts import CodeReference, ConfigSwitch, ProgramRead
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.observation import Observation
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_UNTRUSTED = "CWE-829: Inclusion of Functionality from Untrusted Control Sphere"
_HUB = "Hugging Face Hub documentation, Using custom models"

REFERENCED = RuleMeta(
    id="OWA5101",
    name="remote-code-referenced",
    title="Loading the model needs code from this folder",
    severity=Severity.MEDIUM,
    explanation="A settings file names a program of the same folder, or the program has a name that a "
    "platform runs by itself. A loader that is told to trust the repository imports it, and then it can do "
    "whatever its author wrote. What its calls can do is listed; that is not the same as a review.",
    remediation="Read the program, pin the revision you have read, and load the model only in a sandbox. A "
    "model whose architecture the library knows needs no such code.",
    references=(_UNTRUSTED, _HUB),
    leaves_open=True,
    family="remote code",
)
ELSEWHERE = RuleMeta(
    id="OWA5102",
    name="remote-code-from-elsewhere",
    title="Loading the model fetches code from another repository",
    severity=Severity.HIGH,
    explanation="A settings file names code in another repository. It is downloaded when the model is "
    "loaded, at whatever state it has then, so what was audited here is not what will run.",
    remediation="Do not load the model. Ask the publisher to bring the code along, or copy it at a "
    "revision that you have read and change the reference.",
    references=(_UNTRUSTED, "CVE-2026-4372: code of another repository named by a configuration", _HUB),
    family="remote code",
)
SWITCH = RuleMeta(
    id="OWA5103",
    name="remote-code-switch-on",
    title="A settings file says that its own code is to be trusted",
    severity=Severity.HIGH,
    explanation="trust_remote_code is the decision of the person who loads a model. Here the file makes "
    "it; some versions of the libraries hand it on, and the code of the repository then runs unasked.",
    remediation="Take the key out of the file, and load with trust_remote_code=False.",
    references=("CVE-2026-5241: a configuration sets trust_remote_code for nested models", _UNTRUSTED),
    family="remote code",
)
MISSING = RuleMeta(
    id="OWA5107",
    name="remote-code-missing",
    title="A settings file names a program that is not here",
    severity=Severity.MEDIUM,
    explanation="The program that a loader would import is not in the audited folder, so nobody has read "
    "it. Loading either fails or takes it from somewhere else.",
    remediation="Audit the whole repository, at one revision.",
    references=(_HUB, _UNTRUSTED),
    leaves_open=True,
    family="remote code",
)
_BY_NAME = {
    "handler.py": "inference servers import it",
    "hubconf.py": "torch.hub imports it",
    "pipeline.py": "inference servers and pipelines import it",
    "setup.py": "installing the folder runs it",
    "conftest.py": "a test run imports it",
    "sitecustomize.py": "Python imports it at every start",
    "usercustomize.py": "Python imports it at every start",
    "custom_generate/generate.py": "generation imports it",
    "app.py": "hosting platforms run it",
}
_KERNELS = "kernels-community/"
_NAMED_BY = ("auto_map", "custom_pipelines", "model_file", "handler", "pipeline_class", "component",
             "module_type", "code_path")  # fmt: skip


class Files:
    """What is in the target, by container: a folder or an archive."""

    def __init__(self, evidence: Evidence) -> None:
        present = {("", a.path) for a in evidence.artifacts}
        present.update(_split(row.artifact, row.members) for row in evidence.coverage if row.members)
        self._present = {(place, posixpath.normpath(name)): (place, name) for place, name in sorted(present)}

    def find(self, settings: Location, path: str) -> tuple[str, str] | None:
        """The container and path that ``path`` leads to from the folder of the settings."""
        container, name = _split(settings.artifact, settings.members)
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        return self._present.get((container, wanted))

    def all_of(self, reference: CodeReference) -> list[tuple[str, str]]:
        """The file that a reference names, or all files of the folder that it names."""
        if not reference.path:
            return []
        if not reference.path.endswith("/"):
            found = self.find(reference.location, reference.path)
            return [found] if found is not None else []
        container, name = _split(reference.location.artifact, reference.location.members)
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(name), reference.path)) + "/"
        return [
            found
            for (place, path), found in self._present.items()
            if place == container and path.startswith(folder)
        ]


def _split(artifact: str, members: tuple[str, ...]) -> tuple[str, str]:
    return ("!".join((artifact, *members[:-1])), members[-1]) if members else ("", artifact)


def _programs(evidence: Evidence) -> dict[tuple[str, str], ProgramRead]:
    return {_split(p.location.artifact, p.location.members): p for p in evidence.of(ProgramRead)}


def check_referenced(evidence: Evidence) -> Iterator[Match]:
    """Match every program of the target that settings name or that is run because of its name."""
    files = Files(evidence)
    programs = _programs(evidence)
    named: dict[tuple[str, str], list[CodeReference]] = {}
    for reference in evidence.of(CodeReference):
        for found in files.all_of(reference):
            if found[1].endswith((".py", ".pyc", ".so")):
                named.setdefault(found, []).append(reference)
    for place, references in sorted(named.items()):
        first = references[0]
        yield _needed(
            place, f"{first.location.unit} names it as {first.mechanism}", first, programs, references
        )
    for place, program in sorted(programs.items()):
        why = _run_by_name(place[1])
        if why and place not in named and program.language == "python":
            yield _needed(place, why, program, programs, [])


def _run_by_name(path: str) -> str:
    parts = path.split("/")
    return _BY_NAME.get("/".join(parts[-2:]), "") or _BY_NAME.get(parts[-1], "")


def _needed(
    place: tuple[str, str],
    why: str,
    fact: Observation,
    programs: dict[tuple[str, str], ProgramRead],
    references: list[CodeReference],
) -> Match:
    unit = "!".join(part for part in place if part)
    program = programs.get(place)
    items = [
        EvidenceItem(label=item.mechanism, value=f"{item.key} = {item.target}") for item in references[:6]
    ]
    if program is not None:
        items.append(
            EvidenceItem(label="its calls", value=", ".join(program.capabilities) or "nothing of note")
        )
        items.append(EvidenceItem(label="imports", value=", ".join(program.imports[:20]) or "nothing"))
    return Match(f"{unit} is code that loading needs: {why}", fact, evidence=tuple(items), key=unit)


def check_elsewhere(evidence: Evidence) -> Iterator[Match]:
    """Match every reference to code of another repository."""
    for reference in evidence.of(CodeReference):
        if reference.mechanism == "kernel_internal" or reference.target.startswith(_KERNELS):
            continue
        if reference.repository:
            yield Match(
                f"{reference.location.unit} takes code from the repository {reference.repository}",
                reference,
                evidence=(
                    EvidenceItem(label=reference.mechanism, value=f"{reference.key} = {reference.target}"),
                ),
                key=f"{reference.key} {reference.target}",
            )


def check_switch(evidence: Evidence) -> Iterator[Match]:
    """Match every switch that is on."""
    for switch in evidence.of(ConfigSwitch):
        if switch.value.lower() not in ("false", "none", "0", "null", "no", ""):
            yield Match(
                f"{switch.location.unit} sets {switch.name} to {switch.value}",
                switch,
                evidence=(EvidenceItem(label=switch.key, value=switch.value),),
                key=switch.key,
            )


def check_missing(evidence: Evidence) -> Iterator[Match]:
    """Match every reference to a program of this folder that is not in it."""
    files = Files(evidence)
    for reference in evidence.of(CodeReference):
        # a class of modules.json or a component may be that of an installed package
        if not reference.path or reference.mechanism in ("module_type", "component") or reference.repository:
            continue
        if reference.mechanism in _NAMED_BY and not files.all_of(reference):
            yield Match(
                f"{reference.location.unit} names {reference.path}, which is not here",
                reference,
                evidence=(EvidenceItem(label=reference.mechanism, value=reference.target),),
                key=f"{reference.key} {reference.path}",
            )


RULES = (
    PythonRule(REFERENCED, check_referenced),
    PythonRule(ELSEWHERE, check_elsewhere),
    PythonRule(SWITCH, check_switch),
    PythonRule(MISSING, check_missing),
)
