"""OWA5301, OWA6101: packages from unusual places, and credentials left in files.

Source: pip documentation, "Requirements File Format" and "pip install"; the publishers' token formats.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.code_facts import DependencyNamed, SecretShape
from owaudit.model.evidence import Evidence
from owaudit.model.rule import Axis, EvidenceItem, Match, PythonRule, RuleMeta, Severity

ELSEWHERE = RuleMeta(
    id="OWA5301",
    name="requirement-from-elsewhere",
    title="A list of requirements installs from an address, a repository or another index",
    severity=Severity.MEDIUM,
    explanation="Installing the list fetches and runs what stands at an address of the author's choice. With "
    "a second index, a package there can take the place of one of the same name in the usual registry.",
    remediation="Install the packages by name from the registry you trust, at pinned versions with hashes.",
    references=(
        "CWE-829: Inclusion of Functionality from Untrusted Control Sphere",
        "CWE-427: Uncontrolled Search Path Element (dependency confusion)",
    ),
    leaves_open=True,
    family="installation",
)
SECRET = RuleMeta(
    id="OWA6101",
    name="credential-in-file",
    title="A file holds what looks like a credential",
    severity=Severity.MEDIUM,
    explanation="The text has the shape of an access token or private key. Whoever downloads the folder can "
    "use it. It says nothing about what the model does.",
    remediation="Tell the publisher so that the credential can be revoked. Do not use it.",
    references=("CWE-798: Use of Hard-coded Credentials", "CWE-540: Inclusion of Sensitive Information"),
    axis=Axis.LOAD,
    family="inventory",
)

_KNOWN_INDEX = re.compile(
    r"https?://(?:download\.pytorch\.org/whl|data\.pyg\.org/whl|pypi\.org/simple|pypi\.nvidia\.com"
    r"|pypi\.ngc\.nvidia\.com|storage\.googleapis\.com/(?:jax|libtpu)-releases)(?:[/\s\"']|\Z)"
)
_ADDRESS = re.compile(r"[a-z]+://\S+")


def check_elsewhere(evidence: Evidence) -> Iterator[Match]:
    """Match each list once, with its entries that are not names in the usual registry."""
    found: dict[str, list[DependencyNamed]] = defaultdict(list)
    for item in evidence.of(DependencyNamed):
        if item.origin in ("url", "repository", "index") and not _is_known(item):
            found[item.location.unit].append(item)
    for unit, items in found.items():
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        yield Match(
            f"{unit} installs from elsewhere: {items[0].requirement}{more}",
            items[0],
            locations=tuple(item.location for item in items[:8]),
            evidence=tuple(EvidenceItem(label=item.origin, value=item.requirement) for item in items[:8]),
            key=f"{unit} {' '.join(sorted(item.requirement for item in items)[:20])}",
        )


def _is_known(item: DependencyNamed) -> bool:
    """An index that the large libraries themselves tell people to use, and nothing beside it."""
    addresses = _ADDRESS.findall(item.requirement)
    return item.origin == "index" and bool(addresses) and all(_KNOWN_INDEX.match(a) for a in addresses)


def check_secrets(evidence: Evidence) -> Iterator[Match]:
    """Match every text with the shape of a credential."""
    for secret in evidence.of(SecretShape):
        yield Match(
            f"{secret.location.unit} holds what looks like a {secret.family}",
            secret,
            evidence=(EvidenceItem(label=secret.family, value=secret.shown),),
            key=f"{secret.family} {secret.shown}",
        )


RULES = (PythonRule(ELSEWHERE, check_elsewhere), PythonRule(SECRET, check_secrets))
