"""``owaudit demo``: build sample models in a temporary folder and audit them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from owaudit.cli.codes import COULD_NOT_RUN
from owaudit.cli.options import Clock, packs
from owaudit.cli.output import deliver, note, options_for_terminal, planned_outputs


@click.command(name="demo")
@click.option("-o", "--output", default="owaudit-report.html", show_default=True, metavar="FILE",
              help="Where the page goes.")  # fmt: skip
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), default=None, metavar="DIR",
              help="Keep the samples in this new folder.")  # fmt: skip
def command(output: str, keep: Path | None) -> int:
    """Build one honest and several hostile sample models, audit them and write a report.

    The hostile ones carry harmless commands, and nothing of them is ever loaded. Exits 0 when the
    audit says what it must say of every sample.
    """
    planned = planned_outputs((output,), None)
    if keep is not None:
        keep.mkdir(parents=True)
        return _audit(keep, planned, output)
    with tempfile.TemporaryDirectory(prefix="owaudit-demo-") as folder:
        return _audit(Path(folder) / "demo", planned, output)


def _audit(folder: Path, planned: tuple[tuple[str, str], ...], output: str) -> int:
    from owaudit.model.policy import Policy
    from owaudit.pipeline import collect, judged
    from owaudit.shipped import load_package

    demo = load_package("fixtures", "demo")
    for sample, files in demo.samples().items():
        load_package("fixtures", "").write(files, folder / sample)
    clock = Clock()
    report = judged(collect((folder,)), Policy(), packs((), (folder,)), run=clock.run(1))
    deliver(report, planned, options_for_terminal("auto", quiet=False, verbose=False))
    failing = {finding.artifact.partition("/")[0] for finding in report.findings if finding.gating}
    wrong = [s for s in demo.SAMPLES if (s.folder in failing) == (s.folder in demo.honest())]
    note(f"\nThe page is in {output}. The samples were made for this and their commands are harmless.")
    for sample in wrong:
        note(f"owaudit: demo: wrong answer for {sample.folder}, {sample.about}")
    return COULD_NOT_RUN if wrong else 0
