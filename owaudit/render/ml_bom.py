"""CycloneDX 1.6 and 1.7: the model with its files, digests, card, findings and declarations.

cyclonedx-python-lib writes the skeleton; ``ml_bom_facts`` adds what it does not know. The document
follows from the report alone: its serial number from the digest of the report, its moment from the
run.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from owaudit.model.artifact import Digest
from owaudit.model.coverage import state_of
from owaudit.model.report import ArtifactReport, Finding, Report
from owaudit.render import phrases
from owaudit.render.json_report import report_digest
from owaudit.render.ml_bom_facts import MODEL, declarations, definitions, model_card
from owaudit.render.places import numbered, shown, where
from owaudit.render.renderer import Renderer, RenderOptions
from owaudit.render.sarif_rules import cwes

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License
    from cyclonedx.model.vulnerability import Vulnerability

_TEXT = 4_000
_HASHES = {
    "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "blake2b": "BLAKE2b-512",
    "blake3": "BLAKE3", "sha1": "SHA-1", "md5": "MD5",
}  # fmt: skip
"""Names of CycloneDX; git's blob digest has none and is left to the JSON report."""
_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*(/[A-Za-z0-9._~%@:+?=&#-]+)+\Z")
_ADDRESS = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+\Z")


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a file has no width
    """Return the document in version 1.6, which most platforms read."""
    return bom_text(report, "1.6")


def bom_text(report: Report, version: str) -> str:
    """Return the document in version 1.6 or 1.7 as text: sorted keys, two spaces, final newline."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.schema.schema import SCHEMA_VERSIONS

    view = SCHEMA_VERSIONS[SchemaVersion.from_version(version)]
    digest = report_digest(report)
    refs = _refs(report.artifacts)
    by_path = dict(zip((artifact.path for artifact in report.artifacts), refs, strict=True))
    written = _skeleton(report, version, digest)
    model = written["metadata"]["component"]
    model["modelCard"] = model_card(report)
    if _PURL.match(report.subject.purl):
        model["purl"] = report.subject.purl
    # One by one: the library sorts and registers whole lists in a time that grows with their square.
    files = [_file(artifact, ref) for artifact, ref in zip(report.artifacts, refs, strict=True)]
    written["components"] = [_written(file, view) for file in files]
    written["vulnerabilities"] = [_written(item, view) for item in _vulnerabilities(report, by_path)]
    written["dependencies"] = [{"ref": MODEL, "dependsOn": sorted(refs)}]
    written["definitions"] = definitions(report)
    written["declarations"] = declarations(report)
    return json.dumps(written, ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def _written(item: Any, view: object) -> Any:
    """One object of the library as JSON; the method comes from its serializer and has no type."""
    return json.loads(item.as_json(view))


def _skeleton(report: Report, version: str, digest: str) -> dict[str, Any]:
    """The document with its metadata and the model, as the library writes it."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository
    from cyclonedx.output.json import BY_SCHEMA_VERSION
    from cyclonedx.schema import SchemaVersion

    tool = Component(
        type=ComponentType.APPLICATION,
        name=shown(report.tool.name, 255) or "owaudit",
        version=shown(report.tool.version, 100),
    )
    ended = report.run.ended
    moment = datetime.fromisoformat(ended) if phrases.is_moment(ended) else datetime.fromtimestamp(0, UTC)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:owaudit:bom:{version}:{digest}"),
        metadata=BomMetaData(
            component=_model(report),
            timestamp=moment,
            tools=ToolRepository(components=[tool]),
            properties=_summary(report, digest),
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it misses dependencies, which come next
        text = BY_SCHEMA_VERSION[SchemaVersion.from_version(version)](bom).output_as_string()
    written: dict[str, Any] = json.loads(text)
    if not phrases.is_moment(ended):
        del written["metadata"]["timestamp"]
    return written


def _refs(artifacts: Iterable[ArtifactReport]) -> list[str]:
    """References that stay the same while the path does."""
    digests = (hashlib.sha256(a.path.encode("utf-8", "surrogatepass")).hexdigest()[:16] for a in artifacts)
    return [f"file-{name}" for name in numbered(digests)]


def _model(report: Report) -> Component:
    from cyclonedx.model.component import Component, ComponentType, Pedigree

    subject = report.subject
    stated = {label: _stated(report, label) for label in ("base model", "licence")}
    bases = [
        Component(type=ComponentType.MACHINE_LEARNING_MODEL, name=shown(name, 500))
        for name in stated["base model"]
    ]
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=MODEL,
        name=shown(subject.name, 500) or "model",
        version=shown(subject.revision, 255) or None,
        # The root digest is over a list, not over bytes, so only a single file lends its hashes.
        hashes=_hashes(report.artifacts[0].digests) if len(report.artifacts) == 1 else (),
        licenses=[_license(name) for name in stated["licence"][:1]],
        pedigree=Pedigree(ancestors=bases) if bases else None,
        properties=_properties(
            {
                "root-digest": subject.root_digest,
                "purl": "" if _PURL.match(subject.purl) else subject.purl,  # kept as it was found
            }
        ),
    )


def _stated(report: Report, label: str) -> list[str]:
    return sorted({item.value for item in report.inventory if item.label == label and item.value})


def _license(name: str) -> License:
    """A licence that the files declare, by its SPDX identifier where it has one."""
    from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
    from cyclonedx.spdx import fixup_id

    known = fixup_id(name)
    declared = LicenseAcknowledgement.DECLARED
    if known:
        return DisjunctiveLicense(id=known, acknowledgement=declared)
    return DisjunctiveLicense(name=shown(name, 500), acknowledgement=declared)


def _file(artifact: ArtifactReport, ref: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    facts = {
        "size": str(artifact.size),
        "coverage": str(state_of(artifact.coverage)),
        "formats": ", ".join(artifact.formats),
        "summary": artifact.summary,
    }
    return Component(
        type=ComponentType.FILE,
        bom_ref=ref,
        name=shown(artifact.path, 2_000) or "file",
        hashes=_hashes(artifact.digests),
        properties=_properties(facts),
    )


def _hashes(digests: Sequence[Digest]) -> list[HashType]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [
        HashType(alg=HashAlgorithm(_HASHES[digest.algorithm]), content=digest.hex)
        for digest in digests
        if digest.algorithm in _HASHES
    ]


def _properties(facts: dict[str, str]) -> list[Property]:
    from cyclonedx.model import Property

    return [
        Property(name=f"owaudit:{name}", value=shown(value, _TEXT)) for name, value in facts.items() if value
    ]


def _summary(report: Report, digest: str) -> list[Property]:
    counts = report.verdict.counts
    axes = {"load": report.axes.load, "integrity": report.axes.integrity, "origin": report.axes.origin}
    return _properties(
        {
            "verdict": str(report.verdict.result),
            "exit-code": str(report.verdict.exit_code),
            "findings": str(counts.findings),
            **{name: str(getattr(counts, name)) for name in ("critical", "high", "medium", "low", "info")},
            "at-gate": str(counts.gating),
            "keep-open": str(counts.open),
            "waived": str(counts.waived),
            "known-before": str(counts.baseline),
            **{f"axis:{name}": f"{axis.answer}: {axis.reason}" for name, axis in axes.items()},
            "policy-sha256": report.policy.sha256,
            **{f"rules:{shown(pack.name, 100)}": str(pack.digest) for pack in report.tool.packs},
            "report-sha256": digest,
        }
    )


def _vulnerabilities(report: Report, refs: dict[str, str]) -> list[Vulnerability]:
    marks = numbered(finding.fingerprint for finding in report.findings)
    reasons = {row.waiver.id: row.waiver.reason for row in report.waivers}
    return [
        _vulnerability(finding, f"finding-{shown(mark, 80)}", refs.get(finding.artifact, MODEL), reasons)
        for finding, mark in zip(report.findings, marks, strict=True)
    ]


def _vulnerability(finding: Finding, ref: str, affected: str, reasons: dict[str, str]) -> Vulnerability:
    from cyclonedx.model import XsUri
    from cyclonedx.model import vulnerability as model

    source = model.VulnerabilitySource(name="owaudit")
    # A waiver says that somebody lives with the finding, not that it does no harm: it sets no state.
    analysis = None
    if phrases.is_waived(finding):
        reason = phrases.full_stop(reasons.get(finding.waiver, ""))
        analysis = model.VulnerabilityAnalysis(detail=shown(f"Waived by the policy. {reason}".strip(), _TEXT))
    links = [r for r in finding.references if _ADDRESS.match(r)]
    return model.Vulnerability(
        bom_ref=ref,
        id=shown(finding.rule, 100),
        source=source,
        ratings=[
            model.VulnerabilityRating(
                source=source,
                severity=model.VulnerabilitySeverity(str(finding.severity)),
                method=model.VulnerabilityScoreSource.OTHER,
            )
        ],
        cwes=list(cwes([finding])),
        description=shown(finding.title, _TEXT),
        detail=f"{phrases.full_stop(shown(finding.message, _TEXT))} Place: {where(finding)}.",
        recommendation=shown(finding.remediation, _TEXT) or None,
        advisories=[model.VulnerabilityAdvisory(url=XsUri(link)) for link in links],
        affects=[model.BomTarget(ref=affected)],
        analysis=analysis,
        properties=_properties(
            {
                "fingerprint": finding.fingerprint,
                "confidence": str(finding.confidence),
                "status": str(finding.status),
                "at-gate": "yes" if finding.gating else "no",
                "keeps-open": "yes" if finding.leaves_open else "no",
            }
        ),
    )


RENDERER = Renderer("cyclonedx", (".cdx.json",), render)
