"""OWA1018: a container carries source or machine code beside its weights."""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.code_facts import ProgramRead
from owaudit.model.evidence import Evidence
from owaudit.model.observation import CodeMember
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1018",
    name="archive-carries-code",
    title="The archive carries code beside its weights",
    severity=Severity.MEDIUM,
    explanation="A member of the archive is code: TorchScript, Python source or a program. A loader that "
    "restores the model, or a person who unpacks it, may import it.",
    remediation="Read the member before loading, or load only the weights (for PyTorch: "
    "torch.load(weights_only=True), which refuses TorchScript archives).",
    references=(
        "CWE-829: Inclusion of Functionality from Untrusted Control Sphere",
        "PyTorch documentation, TorchScript, serialization format",
    ),
    leaves_open=True,
    family="carried code",
)


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every member that is code, save TorchScript whose operators were judged."""
    read = {p.location.unit for p in evidence.of(ProgramRead) if p.language == "torchscript"}
    for code in evidence.of(CodeMember):
        if f"{code.location.unit}!{code.member}" in read:
            continue
        yield Match(
            f"The archive carries {code.language} code in {code.member}",
            code,
            evidence=(
                EvidenceItem(label="member", value=code.member),
                EvidenceItem(label="language", value=code.language),
            ),
            key=code.member,
        )


RULE = PythonRule(META, check)
