"""One report that holds every odd case, and a few plain ones, for the tests of every renderer.

The values are invented. Counts are summed here the way the judge sums them, so every renderer has
to show the same.
"""

from __future__ import annotations

import dataclasses
import hashlib

from owaudit.model.artifact import Digest, Format
from owaudit.model.coverage import Coverage, Gap, State, state_of
from owaudit.model.evidence import Diagnostic
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import ProgramLine
from owaudit.model.policy import Policy, Waiver
from owaudit.model.report import (
    Answer,
    ArtifactReport,
    Axes,
    AxisResult,
    BaselineUsed,
    ControlEvidence,
    ControlResult,
    ControlState,
    Counts,
    Finding,
    FrameworkUsed,
    InventoryItem,
    Listing,
    ListingLine,
    LoaderAnswer,
    Outcome,
    PackUsed,
    PolicyUsed,
    Reaction,
    Report,
    Run,
    Status,
    Subject,
    Tool,
    Verdict,
    WaiverResult,
    WaiverState,
)
from owaudit.model.rule import Axis, Confidence, EvidenceItem, Severity

PAYLOAD = 'echo "<script>alert(1)</script>" \x1b[31m > /tmp/owaudit'
BIDI_NAME = "assets/banner\u202egnp.webp"
SCRIPT_NAME = "<script>alert('name')</script>.bin"
NEWLINE_NAME = "notes\n::error file=x::injected\r\n##[error]also.txt"
ANSI_NAME = "weights\x1b[2J\x1b]0;title\x07.pt"
BYTES_NAME = "caf\\xe9.npy"
WIDE_NAME = "模型/重み\u3000データ.safetensors"
LONG_NAME = "deep/" * 60 + "model.safetensors"
HOSTILE_NAMES = (BIDI_NAME, SCRIPT_NAME, NEWLINE_NAME, ANSI_NAME, BYTES_NAME, WIDE_NAME, LONG_NAME)


def sha256(text: str) -> Digest:
    """Return a digest that belongs to the text and to nothing real."""
    return Digest(algorithm="sha256", hex=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def finding(rule: str, artifact: str, **changes: object) -> Finding:
    """Return a finding with plain values, some of them changed."""
    base = Finding(
        fingerprint=sha256(f"{rule} {artifact} {changes}").hex[:16],
        rule=rule,
        name="pickle-unreviewed-class",
        title="Pickle constructs a class that nobody has reviewed",
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        status=Status.OPEN,
        axis=Axis.LOAD,
        family="",
        gating=False,
        leaves_open=False,
        artifact=artifact,
        location=Location(artifact=artifact),
        locations=(Location(artifact=artifact),),
        count=1,
        message="Something was found.",
        evidence=(),
        explanation="What construction of the class does is not known.",
        remediation="Read the class before loading the file.",
        references=("CWE-502",),
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # the fields of a Finding


def artifact(
    path: str, size: int, *coverage: Coverage, formats: tuple[str, ...] = ("text",), summary: str = ""
) -> ArtifactReport:
    """Return a file; without coverage it is inert and read."""
    return ArtifactReport(
        path=path,
        size=size,
        digests=(sha256(path),),
        formats=tuple(Format(name) for name in formats),
        summary=summary,
        coverage=coverage or (Coverage(artifact=path, state=State.READ, size=size, inert=size),),
        findings=(),
    )


def assembled(
    artifacts: tuple[ArtifactReport, ...],
    findings: tuple[Finding, ...],
    *,
    result: Outcome,
    reasons: tuple[str, ...],
    load_reason: str,
    name: str = "pelican-3b-chat",
    listings: tuple[Listing, ...] = (),
    loaders: tuple[LoaderAnswer, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
) -> Report:
    """Return a report whose counts are the sums of its parts."""
    by_file: dict[str, list[str]] = {}
    for item in findings:
        by_file.setdefault(item.artifact, []).append(item.fingerprint)
    artifacts = tuple(dataclasses.replace(a, findings=tuple(by_file.get(a.path, ()))) for a in artifacts)
    own = [c for a in artifacts for c in a.coverage if not c.members]
    states = [state_of(a.coverage) for a in artifacts]
    counts = Counts(
        **{s.value: sum(f.severity is s for f in findings) for s in Severity},
        gating=sum(f.gating for f in findings),
        open=sum(f.leaves_open for f in findings),
        files=len(artifacts),
        files_read=states.count(State.READ),
        files_partial=states.count(State.PARTIAL),
        files_unread=states.count(State.UNREAD),
        size=sum(a.size for a in artifacts),
        parsed=sum(c.parsed for c in own),
        payload=sum(c.payload for c in own),
        inert=sum(c.inert for c in own),
        unexplained=sum(c.unexplained for c in own),
        waived=sum(f.status is Status.WAIVED for f in findings),
        baseline=sum(f.status is Status.BASELINE for f in findings),
    )
    lines = "".join(sorted(f"{a.digests[0].hex}  {a.path}\n" for a in artifacts if a.digests))
    absent = "No record was given, and none is read by this version."
    return Report(
        tool=Tool(
            name="owaudit",
            version="0.1.0",
            packs=(
                PackUsed(name="built-in", source="owaudit", version="0.1.0", rules=41, digest=sha256("pack")),
            ),
            rules_evaluated=41,
        ),
        run=Run(
            started="2026-11-20T14:31:58Z",
            ended="2026-11-20T14:32:07Z",
            command=f"owaudit scan ./{name} -o report.json -o report.html",
            python="CPython 3.12.8",
            machine="pure",
            jobs=2,
            engines=(("safetensors", "0.8.0"),),
        ),
        policy=PolicyUsed(effective=Policy(), sha256=sha256("policy").hex),
        limits=Limits(),
        subject=Subject(
            name=name,
            files=len(artifacts),
            size=counts.size,
            root_digest=sha256(lines).hex,
            formats=(("text", len(artifacts)),) if artifacts else (),
        ),
        axes=Axes(
            load=AxisResult(answer=Answer(result.value), reason=load_reason),
            integrity=AxisResult(answer=Answer.ABSENT, reason=absent),
            origin=AxisResult(answer=Answer.ABSENT, reason="Nothing was checked that could be signed."),
        ),
        verdict=Verdict(
            result=result,
            reasons=reasons,
            counts=counts,
            exit_code={Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}[result],
        ),
        artifacts=artifacts,
        findings=findings,
        listings=listings,
        loaders=loaders,
        diagnostics=diagnostics,
    )


def odd_report() -> Report:
    """Return the failing report with every odd case."""
    member = ("pytorch_model/data.pkl",)
    torch_file = "pytorch_model.bin"
    runs = finding(
        "OWA1001",
        torch_file,
        name="pickle-powerful-process",
        title="Pickle reaches a name that starts processes",
        severity=Severity.CRITICAL,
        family="processes",
        gating=True,
        location=Location(artifact=torch_file, members=member, start=2, end=66),
        locations=tuple(
            Location(artifact=torch_file, members=member, start=s, end=s + 64) for s in (2, 900, 1800)
        ),
        count=7,
        message=f"The pickle calls os.system({PAYLOAD!r}) before the first tensor is rebuilt.",
        evidence=(
            EvidenceItem(label="call", value=f"os.system({PAYLOAD!r})"),
            EvidenceItem(label="Spelled", value="posix system"),
            EvidenceItem(label="Raw", value="A" * 5000 + "\u200b\ud800\x00end"),
        ),
        explanation="Loading the file starts a program with the rights of whoever loads it.",
        remediation="Do not load this file with any library. Delete it from the copy you deploy.",
        references=(
            "CWE-502 Deserialization of Untrusted Data",
            "CWE-78",
            "https://docs.python.org/3/library/os.html",
        ),
        corroborated_by=("modelscan 0.8.8",),
    )
    unreviewed = finding(
        "OWA1003",
        torch_file,
        severity=Severity.MEDIUM,
        leaves_open=True,
        location=Location(artifact=torch_file, members=member, start=61531, end=61702),
        message="The pickle constructs pelican_utils.schedule.RopeSchedule, which is on no list.",
        evidence=(EvidenceItem(label="call", value="pelican_utils.schedule.RopeSchedule.__new__()"),),
        policy_line=(
            "[imports]\n"
            'allow = [{ name = "pelican_utils.schedule.RopeSchedule", use = "construct", reason = "…" }]'
        ),
    )
    unknown = finding(
        "OWA9002",
        "assets/routing.dat",
        name="unknown-format",
        title="No reader knows the format of this file",
        leaves_open=True,
        location=Location(artifact="assets/routing.dat", start=0, end=3407872),
        message="It starts with 52 54 42 4c 02 00 00 00, which no reader recognises.",
    )
    replaced = finding(
        "OWA2017",
        SCRIPT_NAME,
        name="file-replaced",
        title="The file changed while it was audited",
        severity=Severity.HIGH,
        gating=True,
        leaves_open=True,
        axis=Axis.INTEGRITY,
        confidence=Confidence.LOW,
        message=f"Size and time of {SCRIPT_NAME} changed between opening and closing.",
        references=("javascript:alert(1)", "CWE-367"),
    )
    note = finding(
        "OWA2011",
        WIDE_NAME,
        name="metadata-long",
        title="A metadata value is long",
        severity=Severity.INFO,
        location=Location(artifact=WIDE_NAME, pointer="/__metadata__/note\u2066", tensor="a<b>\x9b", line=4),
        message="A metadata value is 4,812 characters long.",
        evidence=(EvidenceItem(label="no\nte", value="<img src=x onerror=alert(1)>\u200b\x1b[31m" * 100),),
        references=(),
        remediation="",
    )
    crashed = finding(
        "OWA9006",
        "",
        name="rule-crashed",
        title="A rule crashed",
        leaves_open=True,
        location=None,
        locations=(),
        message="Rule OWA2004 ended with ZeroDivisionError.",
    )
    low = finding(
        "OWA1004", NEWLINE_NAME, severity=Severity.LOW, message="A name is referenced.\n::error::no"
    )
    waived = finding(
        "OWA5101",
        SCRIPT_NAME,
        name="remote-code-referenced",
        title="Loading the model needs code from this folder",
        status=Status.WAIVED,
        waiver="W-0011",
        message=f"{SCRIPT_NAME} is code that loading needs.",
    )
    known = finding(
        "OWA1004", BYTES_NAME, severity=Severity.LOW, status=Status.BASELINE, message="A name is referenced."
    )
    gaps = tuple(Gap(start=n * 100, end=n * 100 + 50, reason="bytes-between-records") for n in range(3))
    artifacts = (
        artifact("LICENSE", 11357),
        artifact(SCRIPT_NAME, 512),
        artifact(
            ANSI_NAME, 0, Coverage(artifact=ANSI_NAME, state=State.UNREAD, reason="file-unreadable", size=0)
        ),
        artifact(
            "assets/routing.dat",
            3407872,
            Coverage(
                artifact="assets/routing.dat",
                state=State.UNREAD,
                reason="unknown-format",
                detail="no reader knows these bytes",
                size=3407872,
                unexplained=3407872,
                gaps=(Gap(start=0, end=3407872, reason="unknown-format"),),
            ),
            formats=(),
        ),
        artifact(BIDI_NAME, 148220, formats=("webp",)),
        artifact(
            BYTES_NAME,
            128,
            Coverage(artifact=BYTES_NAME, state=State.READ, size=128, parsed=128),
            formats=("npy",),
        ),
        artifact(
            LONG_NAME,
            1024,
            Coverage(artifact=LONG_NAME, state=State.READ, size=1024, parsed=24, payload=1000),
        ),
        artifact(NEWLINE_NAME, 40),
        artifact(
            torch_file,
            6432410537,
            Coverage(
                artifact=torch_file,
                state=State.PARTIAL,
                reason="unclaimed-bytes",
                detail="150 bytes that no ZIP record claims",
                size=6432410537,
                parsed=61912,
                payload=6432348475,
                unexplained=150,
                gaps=gaps,
            ),
            Coverage(artifact=torch_file, members=member, state=State.READ, size=61733, parsed=61733),
            Coverage(
                artifact=torch_file,
                members=("odd\x00member", "inner\u2028"),
                state=State.PARTIAL,
                reason="limit-reached",
                detail="limit unpack_ratio: 90000 is over 2000",
                size=70,
                parsed=20,
                unexplained=50,
            ),
            formats=("torch-zip", "zip"),
            summary="291 tensors, 1 pickle",
        ),
        artifact(
            WIDE_NAME,
            4974817392,
            Coverage(artifact=WIDE_NAME, state=State.READ, size=4974817392, parsed=39000, payload=4974778392),
            formats=("safetensors",),
            summary="164 tensors",
        ),
    )
    listing = Listing(
        location=Location(artifact=torch_file, members=member, start=0, end=61733),
        protocol=2,
        instructions=3210,
        ending="stop",
        lines=(
            _line(2, 16, "from posix import system", runs, names=("posix.system",)),
            _line(18, 66, f"system({PAYLOAD!r})", runs, names=("posix.system",)),
            _line(67, 94, "from collections import OrderedDict"),
            _line(94, 98, "state = OrderedDict()"),
            *(
                _line(
                    200 + 100 * n, 290 + 100 * n, f'state["layer.{n}"] = _rebuild_tensor_v2(storage("{n}"))'
                )
                for n in range(60)
            ),
            _line(9000, 61000, "_rebuild_parameter(…)", times=230),
            _line(
                61531,
                61702,
                "RopeSchedule(base=10000, factor=4)",
                unreviewed,
                names=("pelican_utils.schedule.RopeSchedule",),
            ),
            _line(61732, 61733, "return state"),
        ),
        left_out=12,
    )
    report = assembled(
        artifacts,
        (runs, replaced, unreviewed, unknown, crashed, waived, low, known, note),
        result=Outcome.FAIL,
        reasons=("2 findings reach the gate.", "3 files were not read completely."),
        load_reason="Loading pytorch_model.bin runs code.",
        name="pelican-3b-chat\x1b[1m<i>",
        listings=(listing,),
        loaders=_loaders(torch_file),
        diagnostics=(
            Diagnostic(level="note", source="modelscan", message="modelscan is not installed."),
            Diagnostic(level="warning", source="walk", message=f"{NEWLINE_NAME} has a line end in its name."),
            Diagnostic(level="error", source="OWA2004", message="division by zero"),
        ),
    )
    return dataclasses.replace(
        report,
        waivers=odd_waivers(waived, unreviewed),
        baseline=BaselineUsed(
            sha256=sha256("baseline").hex, known=1, reopened=(unreviewed.fingerprint,), vanished=2
        ),
        frameworks=odd_frameworks(),
        controls=odd_controls(runs),
        inventory=(
            InventoryItem(
                label="architecture", value="<b>llama</b>\x1b[31m", artifact=WIDE_NAME, place="k\u202ey"
            ),
            InventoryItem(label="parameters", value="3,212,749,824", artifact=WIDE_NAME),
            InventoryItem(label="licence", value="apache-2.0", artifact="LICENSE", place="card.license"),
        ),
    )


def odd_waivers(active: Finding, expired: Finding) -> tuple[WaiverResult, ...]:
    """Return a waiver in every state, with hostile texts in all that a policy may hold."""
    usual = Waiver(
        id="W-0011",
        rule="OWA5101",
        sha256=(sha256("a").hex, sha256("b").hex),
        owner="model platform",
        reason='Read in full; "defines" layers <i>only</i>.\u202e\x1b[1m',
        created="2026-09-01",
        expires="2027-02-28",
        approved_by="security review",
        ticket="INTAKE-437",
    )

    def waiver(state: WaiverState, detail: str, *findings: Finding, **changes: object) -> WaiverResult:
        return WaiverResult(
            waiver=dataclasses.replace(usual, **changes),  # type: ignore[arg-type]  # fields of a Waiver
            state=state,
            detail=detail,
            findings=tuple(item.fingerprint for item in findings),
        )

    return (
        waiver(WaiverState.ACTIVE, "", active),
        waiver(
            WaiverState.EXPIRED,
            "It ended on 2026-10-31.",
            expired,
            id="W-0007",
            rule="OWA1003",
            created="2026-08-04",
            expires="2026-10-31",
        ),
        waiver(
            WaiverState.UNMATCHED,
            "This target has no finding of OWA2012.",
            id="W-0009",
            rule="OWA2012",
            sha256=(),
            artifact="sub/**/*\u200b.bin",
            approved_by="",
            ticket="",
        ),
        waiver(
            WaiverState.INVALID,
            "It has no owner.",
            id="<script>alert(6)</script>",
            rule="",
            owner="",
            reason="",
            sha256=(),
            created="",
            expires="2026-02-30",
            ticket="",
            approved_by="",
        ),
    )


def odd_frameworks() -> tuple[FrameworkUsed, ...]:
    """Return two frameworks, one of them of a pack that is not ours."""
    return (
        FrameworkUsed(
            key="nist-sp-800-218a",
            name="NIST SP 800-218A",
            edition="July 2024, final",
            source="table 1",
            checked="2026-11-20",
            mapping="2026.11",
            confidence=Confidence.HIGH,
            reading="Supports: the audit shows this for these files.",
        ),
        FrameworkUsed(
            key="acme",
            name="ACME <checks>",
            edition="2",
            source="a pack",
            checked="never",
            mapping="1",
            confidence=Confidence.MEDIUM,
            reading="As written.",
            note="A note\n::error::of a pack.",
        ),
    )


def odd_controls(behind: Finding) -> tuple[ControlResult, ...]:
    """Return a control in every state."""

    def control(framework: str, name: str, state: ControlState, *seen: ControlEvidence) -> ControlResult:
        return ControlResult(
            framework=framework,
            id=name,
            title=f"What {name} asks for",
            state=state,
            seen=seen,
            limit="Static reading.",
            confidence=Confidence.MEDIUM if state is ControlState.PARTIAL else Confidence.HIGH,
        )

    fails = ControlEvidence(
        text="Loading fails the policy.", section="findings", findings=(behind.fingerprint,)
    )
    gaps = ControlEvidence(text="3 of 10 files were not read completely.", section="coverage")
    nothing = ControlEvidence(text="Nothing in this audit speaks to it.", section="")
    elsewhere = ControlEvidence(text="Nothing.", section="javascript:alert(7)")
    return (
        control("nist-sp-800-218a", "PW.4.4.R2", ControlState.CONTRADICTS, fails, gaps),
        control("nist-sp-800-218a", "PW.4.4", ControlState.PARTIAL, gaps),
        control("nist-sp-800-218a", "PO.3.3", ControlState.SUPPORTS, gaps),
        control("nist-sp-800-218a", "PS.1.3", ControlState.NO_EVIDENCE, nothing),
        control("acme", "A<1>", ControlState.OUT_OF_SCOPE, elsewhere),
    )


def pass_report() -> Report:
    """Return a passing report with one information."""
    safetensors = Coverage(
        artifact="model.safetensors", state=State.READ, size=2471645608, parsed=28944, payload=2471616664
    )
    names = (
        "LICENSE",
        "README.md",
        "generation_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "config.json",
    )
    artifacts = (
        *(artifact(name, 700 + 13 * len(name)) for name in sorted(names)),
        artifact(
            "model.safetensors", 2471645608, safetensors, formats=("safetensors",), summary="146 tensors"
        ),
    )
    info = finding(
        "OWA2011",
        "model.safetensors",
        name="metadata-long",
        title="A metadata value is long",
        severity=Severity.INFO,
        location=Location(artifact="model.safetensors", start=8, end=5000, pointer="/__metadata__/note"),
        message="The value of note is 4,812 characters long.",
    )
    loader = LoaderAnswer(
        loader="safetensors.torch.load_file(f)",
        era="",
        artifact="model.safetensors",
        unit="model.safetensors",
        reaction=Reaction.INERT,
        detail="Reads 146 tensors. The format has no place for code.",
    )
    return assembled(
        artifacts,
        (info,),
        result=Outcome.PASS,
        reasons=("No open finding reaches the gate, and all 9 files were read completely.",),
        load_reason="No loader runs code from these files.",
        name="sandpiper-1b",
        loaders=(loader,),
    )


def plain_report() -> Report:
    """Return the passing report without its finding: nothing at all is wrong."""
    report = pass_report()
    return assembled(
        report.artifacts,
        (),
        result=Outcome.PASS,
        reasons=report.verdict.reasons,
        load_reason=report.axes.load.reason,
        name=report.subject.name,
        loaders=report.loaders,
    )


def empty_report() -> Report:
    """Return the report of a target without files: there was nothing to audit."""
    nothing = finding(
        "OWA9005",
        "",
        name="nothing-to-audit",
        title="There was nothing to audit",
        leaves_open=True,
        location=None,
        locations=(),
        message="The target holds no file.",
        remediation="Check the path.",
        references=(),
    )
    return assembled(
        (),
        (nothing,),
        result=Outcome.INCONCLUSIVE,
        reasons=("There was nothing to audit.",),
        load_reason="There was nothing to audit.",
        name="empty",
    )


def many_findings_report(count: int = 3000) -> Report:
    """Return a report with ``count`` unreviewed calls at the gate, and as many low ones."""
    names = [f"shard-{n:05}.pkl" for n in range(count)]
    calls = tuple(
        finding(
            "OWA1002",
            name,
            severity=Severity.HIGH,
            gating=True,
            leaves_open=True,
            message=f"{name} calls x.y.",
        )
        for name in names
    )
    lows = tuple(
        finding("OWA1004", name, severity=Severity.LOW, message=f"{name} names x.y.") for name in names
    )
    return assembled(
        tuple(artifact(name, 10) for name in names),
        (*calls, *lows),
        result=Outcome.FAIL,
        reasons=(f"{count:,} findings reach the gate.",),
        load_reason="Many files call functions that nobody has reviewed.",
        name="many",
    )


def many_files_report(count: int = 10_000) -> Report:
    """Return a passing report with ``count`` files in a few folders, one of them unread."""
    paths = sorted(f"part-{n % 7}/sub-{n % 3}/file-{n:06}.{('json', 'txt')[n % 2]}" for n in range(count - 1))
    odd = Coverage(artifact="zz.dat", state=State.UNREAD, reason="unknown-format", size=64, unexplained=64)
    artifacts = (
        *(artifact(path, 1000 + len(path), formats=(path.rpartition(".")[2],)) for path in paths),
        artifact("zz.dat", 64, odd, formats=()),
    )
    unknown = finding(
        "OWA9002", "zz.dat", name="unknown-format", title="No reader knows the format", leaves_open=True
    )
    return assembled(
        artifacts,
        (unknown,),
        result=Outcome.INCONCLUSIVE,
        reasons=("1 file was not read completely.",),
        load_reason="One file could not be read.",
        name="warehouse",
    )


def _line(
    start: int, end: int, text: str, *findings: Finding, names: tuple[str, ...] = (), times: int = 1
) -> ListingLine:
    line = ProgramLine(start=start, end=end, text=text, names=names, times=times)
    return ListingLine(line=line, findings=tuple(f.fingerprint for f in findings))


def _loaders(torch_file: str) -> tuple[LoaderAnswer, ...]:
    rows = (
        (
            "torch.load(f, weights_only=False)",
            "default up to torch 2.5",
            torch_file,
            Reaction.RUNS,
            "Calls os.system at byte 63, then returns the weights as usual.",
            "torch.load(f, weights_only=True)",
        ),
        (
            "torch.load(f, weights_only=True)",
            "default from torch 2.6",
            torch_file,
            Reaction.REFUSES,
            "Stops at byte 2: os.system is not on its list.",
            "",
        ),
        (
            "safetensors.torch.load_file(f)",
            "",
            WIDE_NAME,
            Reaction.INERT,
            "The format has no place for code.",
            "",
        ),
        (
            "safetensors.torch.load_file(f)",
            "",
            LONG_NAME,
            Reaction.INERT,
            "The format has no place for code.",
            "",
        ),
        ("Not known", "", "assets/routing.dat", Reaction.UNKNOWN, "No loader of ours knows this file.", ""),
    )
    return tuple(
        LoaderAnswer(
            loader=loader, era=era, artifact=unit, unit=unit, reaction=reaction, detail=detail, safe_call=call
        )
        for loader, era, unit, reaction, detail, call in rows
    )
