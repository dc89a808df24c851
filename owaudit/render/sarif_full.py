"""SARIF 2.1.0 with everything: every finding whatever its standing, evidence, files with digests.

For consumers other than GitHub: archives, viewers and converters. A finding that is not open any
more keeps its result and carries a suppression, so nothing is hidden by leaving it out.

Source: SARIF 2.1.0 sections 3.24 (artifacts) and 3.35 (suppressions).
"""

from __future__ import annotations

from typing import Any

from owaudit.model.report import ArtifactReport, Report
from owaudit.render.places import inside, relative_uri, shown
from owaudit.render.renderer import Renderer, RenderOptions
from owaudit.render.sarif import log_text, run_of
from owaudit.render.sarif_results import LARGEST, full_result

_HASH_NAMES = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512", "sha1": "sha-1"}
"""As the IANA registry of hash names spells them; other names are kept."""


def render(report: Report, options: RenderOptions) -> str:
    """Return the log with every finding and every file."""
    run = run_of(report, options, report.findings, full_result)
    run["artifacts"] = [_artifact(artifact, options) for artifact in report.artifacts]
    if report.run.command:
        run["invocations"][0]["commandLine"] = shown(report.run.command, 4_000)
    return log_text(run)


def _artifact(artifact: ArtifactReport, options: RenderOptions) -> dict[str, Any]:
    uri = relative_uri(inside(options.base, artifact.path)) or "owaudit"
    return {
        "location": {"uri": uri},
        **({"length": artifact.size} if 0 <= artifact.size <= LARGEST else {}),
        "roles": ["analysisTarget"],
        "hashes": {_HASH_NAMES.get(d.algorithm, d.algorithm): d.hex for d in artifact.digests},
        "properties": {
            "size": artifact.size,
            "formats": [shown(name, 100) for name in artifact.formats],
            "coverage": [
                {"unit": shown(row.unit, 2_000), "state": str(row.state), "reason": shown(row.reason, 100)}
                for row in artifact.coverage[:100]
            ],
        },
    }


RENDERER = Renderer("sarif-full", (".full.sarif",), render)
