"""``owaudit gate``: several models, one verdict, reports in a folder; what a pipeline runs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from owaudit.cli.options import Clock, packs, with_gate
from owaudit.cli.options import judging as judging_options
from owaudit.cli.vouching import resolved
from owaudit.errors import OwauditError
from owaudit.render import renderer_for

if TYPE_CHECKING:
    from owaudit.cli.gate_output import Written
    from owaudit.gate.changes import Changes
    from owaudit.gate.outcome import Audited
    from owaudit.gate.subjects import Subject, Trust
    from owaudit.judge.baseline import Baseline
    from owaudit.judge.packs import Pack
    from owaudit.model.policy import Policy
    from owaudit.model.report import Report

_ALWAYS = ("json",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    policy: Policy
    packs: tuple[Pack, ...]
    baseline: Baseline | None
    jobs: int
    second_opinion: bool
    clock: Clock


@click.command(name="gate")
@click.argument("targets", nargs=-1, type=click.Path(path_type=Path), metavar="[TARGET]...")
@judging_options
@click.option("--models", "models_file", type=click.Path(path_type=Path), metavar="FILE",
              help="A list of models that are kept elsewhere (owaudit.models.toml).")  # fmt: skip
@click.option("--lock", "lock_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Lock file that every TARGET must agree with.")  # fmt: skip
@click.option("--baseline", "baseline_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Earlier JSON report: what it found on the same bytes does not decide again.")  # fmt: skip
@click.option("--trusted", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Tree that deciding files are taken from: the base of a change.")  # fmt: skip
@click.option("--output-dir", type=click.Path(path_type=Path), metavar="DIR", help="Folder for reports.")
@click.option("--formats", default="json,sarif,html,markdown", show_default=True, metavar="NAMES",
              help="Formats of the reports, with commas between.")  # fmt: skip
@click.option("--category", default="owaudit", show_default=True, help="Category of the SARIF log.")
@click.option("--anchor", default="", metavar="FILE",
              help="File here that stands for models which nothing else here names.")  # fmt: skip
@click.option("--no-second-opinion", is_flag=True, help="Do not ask other scanners.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, metavar="N", help="Worker processes.")
@click.option("--github", is_flag=True, help="Write outputs, summary and annotations as GitHub reads them.")
@click.option("--summary/--no-summary", default=True, help="With --github: the job summary.")
@click.option("--annotations/--no-annotations", default=True, help="With --github: annotations in the log.")
def command(
    targets: tuple[Path, ...],
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: tuple[Path, ...],
    models_file: Path | None,
    lock_file: Path | None,
    baseline_file: Path | None,
    trusted: Path | None,
    output_dir: Path | None,
    formats: str,
    category: str,
    anchor: str,
    no_second_opinion: bool,
    jobs: int,
    github: bool,
    summary: bool,
    annotations: bool,
) -> int:
    """Audit each TARGET and each model of a list on its own, and give one verdict.

    Only what is named here decides: no policy is looked for. With --trusted, files of the working
    directory that decide are taken from the tree given there.

    \b
    Examples:
      owaudit gate models/a models/b --output-dir reports
      owaudit gate --models owaudit.models.toml --policy owaudit.toml
      git worktree add ../base origin/main && owaudit gate models --trusted ../base --policy owaudit.toml

    Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive or nothing to audit. One that fails
    wins over one that could not be audited.
    """
    from owaudit.cli.gate_output import show, tell_github, write_reports
    from owaudit.gate.outcome import Gate
    from owaudit.gate.subjects import Trust, plan

    wanted = _formats(formats)
    trust = Trust(Path.cwd(), trusted)
    planned = plan(targets, models_file, lock_file, trust=trust, fallback=anchor or "owaudit.lock")
    notes = list(planned.notes)
    policy_file = _picked(policy_file, trust, notes)
    places = tuple(subject.target for subject in planned.subjects if subject.target.exists())
    settings = _settings(
        policy_file,
        fail_on,
        rule_folders,
        places,
        _baseline(_picked(baseline_file, trust, notes), places),
        jobs=jobs,
        second_opinion=not no_second_opinion,
    )
    audited = tuple(_audited(subject, settings) for subject in planned.subjects)
    gate = Gate(audited=audited, notes=tuple(notes))
    written: Written = ()
    if output_dir is not None:
        gate, written = write_reports(gate, output_dir, wanted, category)
    show(gate, log=github)
    if github:
        tell_github(gate, written, output_dir, summary=summary, annotations=annotations)
    return gate.exit_code


def _formats(names: str) -> tuple[str, ...]:
    wanted = dict.fromkeys((*_ALWAYS, *(name.strip() for name in names.replace("\n", ",").split(","))))
    chosen = tuple(name for name in wanted if name)
    for name in chosen:
        renderer_for(name).require()
    return chosen


def _picked(file: Path | None, trust: Trust, notes: list[str]) -> Path | None:
    if file is None:
        return None
    picked = trust.pick(file)
    if picked is None:
        notes.append(f"{file} is not in the trusted tree: it is not used")
    return picked


def _baseline(file: Path | None, targets: Sequence[Path]) -> Baseline | None:
    from owaudit.cli.excusing import baseline_of

    return baseline_of(str(file), targets) if file is not None else None


def _settings(
    policy_file: Path | None,
    fail_on: str | None,
    rule_folders: Sequence[Path],
    targets: Sequence[Path],
    baseline: Baseline | None,
    *,
    jobs: int,
    second_opinion: bool,
) -> _Settings:
    from owaudit.judge.policy import read_policy
    from owaudit.model.policy import Policy

    policy = with_gate(read_policy(policy_file) if policy_file is not None else Policy(), fail_on)
    return _Settings(
        policy=policy,
        packs=packs(rule_folders, targets, policy, policy_file),
        baseline=baseline,
        jobs=jobs,
        second_opinion=second_opinion,
        clock=Clock(),
    )


def _audited(subject: Subject, settings: _Settings) -> Audited:
    """Audit one subject; what cannot be audited is said and does not stop the others."""
    from owaudit.gate.outcome import Audited

    try:
        report = _report(subject, settings)
    except OwauditError as error:
        return Audited(subject=subject, report=None, problem=str(error))
    except OSError as error:
        return Audited(subject=subject, report=None, problem=error.strerror or str(error))
    return Audited(subject=subject, report=report, changes=_changes(subject, settings, report))


def _report(subject: Subject, settings: _Settings) -> Report:
    from owaudit.pipeline import collect, judged

    (target,) = resolved((subject.target,))
    with tempfile.TemporaryDirectory(prefix="owaudit-gate-") as folder:
        records = [subject.lock] if subject.lock else []
        if subject.checksums:
            listed = Path(folder) / "SHA256SUMS"
            listed.write_text(subject.checksums, encoding="utf-8", newline="\n")
            records.append(listed)
        evidence = collect(
            (target,),
            limits=settings.policy.limits,
            jobs=settings.jobs,
            second_opinion=settings.policy.second_opinion if settings.second_opinion else None,
            records=records,
        )
    report = judged(
        evidence,
        settings.policy,
        settings.packs,
        run=settings.clock.run(settings.jobs),
        baseline=settings.baseline,
    )
    return replace(report, subject=replace(report.subject, name=_title(subject, report.subject.name)))


def _title(subject: Subject, walked: str) -> str:
    """The name as the gate was given it; of ``.`` the folder's own name says more."""
    return walked if subject.name == "." else subject.name


def _changes(subject: Subject, settings: _Settings, report: Report) -> Changes | None:
    from owaudit.gate.changes import since_lock, since_report

    if settings.baseline is not None:
        return since_report(report, settings.baseline.report)
    if subject.lock is not None:
        return since_lock(report, subject.lock.read_text(encoding="utf-8", errors="replace"))
    return None
