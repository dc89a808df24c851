"""``owaudit doctor``: what this installation is made of."""

from __future__ import annotations

import platform
import sys
from dataclasses import fields
from importlib import metadata

import click

from owaudit import __version__
from owaudit.cli.options import engines, machine_kind, packs

_LIBRARIES = ("click", "rich", "jinja2", "safetensors", "modelscan", "cyclonedx-python-lib", "weasyprint")


@click.command(name="doctor")
def command() -> int:
    """Show versions, rule packs, readers and limits of this installation.

    Exits 2 when the installation cannot work.
    """
    from owaudit.model.limits import Limits
    from owaudit.pipeline.workers import default_jobs
    from owaudit.provenance.records import kinds
    from owaudit.provenance.trust import embedded_root
    from owaudit.readers import readers
    from owaudit.render import renderers

    _line("owaudit", __version__)
    _line("Python", f"{platform.python_version()} on {sys.platform}")
    _line("pickle machine", machine_kind())
    _line("workers", f"{default_jobs()} (one per processor)")
    for name in _LIBRARIES:
        try:
            _line(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            _line(name, "not installed")
    for pack in packs((), ()):
        _line(f"rules {pack.used.name}", f"{pack.used.rules} rules, {pack.used.digest}")
    _line("readers", ", ".join(sorted(reader.format for reader in readers())))
    _line("formats", ", ".join(renderers()))
    _line("second opinion", ", ".join(f"{name} {version}" for name, version in engines()) or "none installed")
    root = embedded_root()
    _line("trusted root", f"{root.origin}, sha256:{root.sha256}, newest entry valid from {root.newest()}")
    _line("records", ", ".join(kind.kind for kind in kinds()))
    _line("network", "used by 'trust update' and 'attest --keyless' alone")
    limits = Limits()
    for field in fields(limits):
        _line(f"limit {field.name}", f"{getattr(limits, field.name):,}")
    return 0


def _line(label: str, value: str) -> None:
    click.echo(f"{label:<26}{value}")
