"""``owaudit trust``: the trusted root that signatures are checked against."""

from __future__ import annotations

from pathlib import Path

import click

from owaudit.cli.output import note, write_whole


@click.group(name="trust")
def command() -> None:
    """Show the trusted root, or fetch a newer one."""


@command.command(name="show")
@click.option("--trusted-root", type=click.Path(path_type=Path), metavar="FILE",
              help="Another root than the embedded one.")  # fmt: skip
def show(trusted_root: Path | None) -> int:
    """Say which Sigstore trusted root is used: where it comes from, its digest, how new it is."""
    from owaudit.provenance.trust import embedded_root, read_root

    root = embedded_root() if trusted_root is None else read_root(trusted_root)
    for label, value in (
        ("origin", root.origin),
        ("SHA-256", root.sha256),
        ("newest entry valid from", root.newest() or "not stated"),
        ("size", f"{len(root.content):,} bytes"),
    ):
        click.echo(f"{label:<26}{value}")
    return 0


@command.command(name="update")
@click.option("-o", "--output", default="trusted_root.json", show_default=True, metavar="FILE",
              help="Where the root goes; use it with --trusted-root.")  # fmt: skip
def update(output: str) -> int:
    """Fetch the current Sigstore trusted root through its update framework and write it to a file.

    This is the only command here that uses the network. Nothing is used from or left in a cache.
    """
    from owaudit.provenance.refresh import fetch_root

    root = fetch_root()
    write_whole(output, root.content.decode("utf-8"))
    note(f"{output}: trusted root with SHA-256 {root.sha256}, newest entry valid from {root.newest()}")
    return 0
