"""OWA1108: a graph brings its own definition of an operator that runtimes already have.

Source: onnx/onnx.proto3, FunctionProto: a function of the model takes the place of an operator with
its domain and name; runtimes differ in which of the two they run.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import OperatorDefined
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1108",
    name="operator-redefined",
    title="The graph gives a known operator another meaning",
    severity=Severity.HIGH,
    explanation="The file defines a function with the name of an operator that the runtime already has. "
    "One program runs the function, another the operator, so the model that was tested need not "
    "be the model that runs.",
    remediation="Do not use the model. Ask the publisher for one whose functions have names of their own.",
    references=(
        "CWE-694: Use of Multiple Resources with Duplicate Identifier",
        "CWE-436: Interpretation Conflict",
    ),
    family="graph operators",
)


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every definition in a domain that runtimes bring along."""
    for seen in evidence.of(OperatorDefined):
        yield Match(
            f"The file defines {seen.domain}.{seen.name} itself",
            seen,
            evidence=(
                EvidenceItem(label="domain", value=seen.domain),
                EvidenceItem(label="operator", value=seen.name),
            ),
            key=f"{seen.domain}.{seen.name}",
        )


RULE = PythonRule(META, check)
