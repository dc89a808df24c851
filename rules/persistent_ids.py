"""OWA1017: a pickle asks its loader for an object by an identifier that is no storage.

Source: Python library reference, pickle, "Persistence of External Objects"; torch/serialization.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.observation import PersistentIdUsed
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1017",
    name="persistent-id-unusual",
    title="A pickle asks its loader for an object that is not a tensor storage",
    severity=Severity.HIGH,
    explanation="A persistent identifier is a request to the program that loads the file: give me the "
    "object with this name. Tensors use it for their storages. Any other request is answered "
    "by code of the loading program that this audit does not see.",
    remediation="Load the file only with a program whose persistent_load you know. Plain pickle.load "
    "stops at such a request; torch.load(weights_only=True) takes storages only.",
    references=(
        "CWE-502: Deserialization of Untrusted Data",
        "Python library reference, pickle, Persistence of External Objects",
    ),
    leaves_open=True,
    family="persistent identifiers",
)


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every persistent identifier that torch does not write itself.

    Storages are torch's own. ``module`` is how its older files name a class together with its
    source text: the class is a name of the pickle and judged as such.
    """
    for used in evidence.of(PersistentIdUsed):
        if used.shape not in ("storage", "module"):
            shown = used.example if len(used.example) <= 200 else used.example[:199] + "…"
            yield Match(
                f"Loading asks for the object {shown or 'of an unknown identifier'}, which is not a storage",
                used,
                evidence=(
                    EvidenceItem(label="identifier", value=shown),
                    EvidenceItem(label="shape", value=used.shape),
                ),
                key=f"{used.shape} {used.example}",
            )


RULE = PythonRule(META, check)
