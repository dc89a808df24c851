"""OWA1124: a tree of typed nodes names something outside the types its format is for.

Source: skops 0.14, ``skops/io/_trusted_types.py``; CVE-2024-37065, CVE-2025-54412, CVE-2025-54413.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.model.evidence import Evidence
from owaudit.model.format_facts import NodeTyped
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1124",
    name="skops-unreviewed-type",
    title="A skops file asks for a type or function outside those the format is for",
    severity=Severity.HIGH,
    explanation="A skops file is a tree of nodes, and each node names a class or function that the loader "
    "imports and, depending on the node, builds or calls. This one uses a node for something it is "
    "not meant for, or names a function that no reviewed library brings. skops refuses such names "
    "unless the caller trusts them, and some versions could be talked round.",
    remediation="Do not add the name to the trusted list before reading what it is. Use skops 0.13 or "
    "newer, and never trust all that a file asks for.",
    references=(
        "CVE-2024-37065",
        "CVE-2025-54412",
        "CVE-2025-54413",
        "CWE-502: Deserialization of Untrusted Data",
    ),
    leaves_open=True,
    family="typed nodes",
)

_CONTAINERS: Final = {
    "DictNode": (
        "builtins.dict",
        "collections.OrderedDict",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.Bunch",
    ),
    "DefaultDictNode": ("collections.defaultdict",),
    "ListNode": ("builtins.list",),
    "SetNode": ("builtins.set", "builtins.frozenset"),
    "SliceNode": ("builtins.slice",),
    "JsonNode": ("builtins.str", "builtins.int", "builtins.float", "builtins.bool", "builtins.NoneType"),
    "BytesNode": ("builtins.bytes",),
    "BytearrayNode": ("builtins.bytearray",),
    "PartialNode": ("functools.partial",),
    "OperatorFuncNode": ("operator.attrgetter", "operator.itemgetter", "operator.methodcaller"),
    "_DictWithDeprecatedKeysNode": ("sklearn.covariance._graph_lasso._DictWithDeprecatedKeys",),
}
"""The classes that each of these nodes is for, exactly."""
_ROOTS: Final = {
    "TupleNode": ("builtins.tuple", "sklearn.", "scipy.stats.", "collections."),
    "NdArrayNode": ("numpy.ndarray", "numpy.memmap", "numpy.matrix", "numpy."),
    "MaskedArrayNode": ("numpy.ma.",),
    "RandomStateNode": ("numpy.random.",),
    "RandomGeneratorNode": ("numpy.random.",),
    "DTypeNode": ("numpy.dtype", "numpy.dtypes."),
    "SparseMatrixNode": ("scipy.sparse.",),
    "FunctionNode": (
        "numpy.",
        "scipy.special.",
        "scipy.stats.",
        "scipy.linalg.",
        "scipy.spatial.",
        "sklearn.",
        "quantile_forest.",
    ),
    "MethodNode": ("sklearn.", "scipy.stats.", "numpy.random."),
}
"""Libraries whose names these nodes may hold; powerful names in them are the business of other rules."""
_EXACT: Final = ("numpy.ndarray", "numpy.dtype", "builtins.tuple")


def check(evidence: Evidence) -> Iterator[Match]:
    """Match every node whose name is none that its loader is for."""
    for seen in evidence.of(NodeTyped):
        problem = _problem(seen.loader, seen.name)
        if problem:
            yield Match(
                f"{seen.loader} names {seen.name}, {problem}",
                seen,
                evidence=(
                    EvidenceItem(label="node", value=seen.loader),
                    EvidenceItem(label="name", value=seen.name),
                ),
                key=f"{seen.loader} {seen.name}",
            )


def _problem(loader: str, name: str) -> str:
    if any(part.startswith("__") for part in name.split(".")):
        return "which reaches into the interpreter"
    if loader in _CONTAINERS:
        return "" if name in _CONTAINERS[loader] else "which is no type of this node"
    if loader in _ROOTS:
        fits = any(name == root or (root.endswith(".") and name.startswith(root)) for root in _ROOTS[loader])
        return "" if fits else "which no reviewed library brings"
    return ""


RULE = PythonRule(META, check)
