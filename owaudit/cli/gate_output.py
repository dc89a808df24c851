"""What a gate writes: a folder of reports, text for people, and the files of GitHub Actions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from owaudit.cli.output import note, to_standard_output, write_whole
from owaudit.errors import UsageError
from owaudit.gate import github
from owaudit.gate.merged_sarif import merged
from owaudit.gate.outcome import Audited, Gate, gate_text, outputs
from owaudit.gate.subjects import Subject
from owaudit.gate.summary import summary_text
from owaudit.model.report import Report
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.escape import command_message, visible
from owaudit.render.phrases import closing_line

_SARIF = "sarif"
Written = tuple[tuple[str, str], ...]
"""Format and path of each file that was written."""


def write_reports(gate: Gate, folder: Path, formats: Sequence[str], category: str) -> tuple[Gate, Written]:
    """Write every report, the joint ones and ``gate.json``; return the gate with what was written.

    Raises:
        UsageError: something cannot be written, or a link below the working directory leads elsewhere.
    """
    _new_folder(folder)
    several = len(gate.audited) > 1
    audited: list[Audited] = []
    paths: list[tuple[str, str]] = []
    logs: list[tuple[str, str]] = []
    for number, each in enumerate(gate.audited, 1):
        place = f"{number:03d}-{_slug(each.subject.name)}/" if several else ""
        wanted = [name for name in formats if name != _SARIF]
        each = each if each.report is None else _with_files(each, folder, place, wanted)
        paths += [(name, str(folder / file)) for name, file in each.written]
        audited.append(each)
        if _SARIF in formats and each.report is not None:
            content = renderer_for(_SARIF).content(each.report, options_of(each.subject))
            logs.append((each.subject.name if several else "", content.decode("utf-8")))
    if logs:
        write_whole(str(folder / "report.sarif"), merged(logs, category))
        paths.append((_SARIF, str(folder / "report.sarif")))
    gate = replace(gate, audited=tuple(audited))
    write_whole(str(folder / "gate.md"), summary_text(gate))
    write_whole(str(folder / "gate.json"), gate_text(gate))
    return gate, (*paths, ("gate", str(folder / "gate.json")), ("summary", str(folder / "gate.md")))


def _with_files(audited: Audited, folder: Path, place: str, formats: Sequence[str]) -> Audited:
    if place:
        _new_folder(folder / place)
    written, digest = [], ""
    for name in formats:
        if audited.report is None:
            break
        renderer = renderer_for(name)
        content = renderer.content(audited.report, options_of(audited.subject))
        file = f"{place}report{renderer.suffixes[0]}"
        write_whole(str(folder / file), content)
        written.append((name, file))
        if name == "json":
            digest = hashlib.sha256(content).hexdigest()
    return replace(audited, written=tuple(written), sha256=digest)


def _new_folder(folder: Path) -> None:
    """Make a folder for reports; a link on the way would let what is audited choose where they go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}") from error
    lexical = Path(os.path.abspath(folder))
    if lexical.is_relative_to(Path.cwd()) and lexical.resolve() != lexical:
        raise UsageError(f"cannot write {folder}: a link leads elsewhere")


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)[-60:].strip(".-")


def options_of(subject: Subject) -> RenderOptions:
    """How reports of a subject are shown, and where in the repository."""
    return RenderOptions(
        width=100,
        base=subject.base,
        anchor=subject.anchor,
        anchor_line=subject.anchor_line,
        anchor_lines=subject.anchor_lines,
    )


def show(gate: Gate, *, log: bool) -> None:
    """Print the reports as text: whole where they do not pass, short where they do."""
    parts, several = [], len(gate.audited) > 1
    for each in gate.audited:
        if each.report is None:
            parts.append(f"Error  {visible(each.subject.name)}: {visible(each.problem)}\n")
        else:
            parts.append(_text(each.subject, each.report, short=each.verdict == "pass" and several))
    if len(gate.audited) != 1:
        parts.append(closing(gate) + "\n")
    text = "\n".join(parts)
    to_standard_output(github.quoted(text) if log else text)
    for line in gate.notes:
        note(f"owaudit: {visible(line)}")


def _text(subject: Subject, report: Report, *, short: bool) -> str:
    if short:
        return f"{visible(subject.name)}: {closing_line(report)}\n"
    return renderer_for("text").content(report, options_of(subject)).decode("utf-8")


def closing(gate: Gate) -> str:
    """Return the last line: the verdict, how many of each, the exit code."""
    verdicts = [each.verdict for each in gate.audited]
    words = [word for word in ("fail", "error", "inconclusive", "pass") if word in verdicts]
    counted = ", ".join(f"{verdicts.count(word):,} {word}" for word in words) or "nothing to audit"
    return f"Gate: {gate.verdict} ({counted}). Exit code {gate.exit_code}."


def tell_github(
    gate: Gate, written: Written, folder: Path | None, *, summary: bool, annotations: bool
) -> None:
    """Write annotations, the job summary and the outputs of a step, where the runner gave files."""
    if annotations:
        to_standard_output(_annotations(gate))
    if summary and (file := os.environ.get("GITHUB_STEP_SUMMARY")):
        github.append(Path(file), summary_text(gate))
    if file := os.environ.get("GITHUB_OUTPUT"):
        pinned = hashlib.sha256((folder / "gate.json").read_bytes()).hexdigest() if folder else ""
        found = outputs(gate, written, pinned)
        if folder is not None:
            found.append(("output-dir", str(folder)))
        github.append_outputs(Path(file), found)


def _annotations(gate: Gate) -> str:
    lines = [
        f"::error title=owaudit::{command_message(f'{each.subject.name}: {each.problem}')}\n"
        for each in gate.audited
        if each.report is None
    ]
    lines += [f"::warning title=owaudit::{command_message(line)}\n" for line in gate.notes]
    lines += [
        renderer_for("annotations").content(each.report, options_of(each.subject)).decode("utf-8")
        for each in gate.audited
        if each.report is not None
    ]
    return github.joined_annotations(lines, f"::notice title=owaudit::{command_message(closing(gate))}")
