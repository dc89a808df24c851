"""The JSON Schema against the reports, and reports that it must refuse."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships without types
import pytest
from odd_report import empty_report, many_findings_report, odd_report, pass_report

from owaudit.errors import FormatError
from owaudit.model import wire
from owaudit.model.report import Report
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.json_report import report_digest
from owaudit.render.schema import report_schema

REPORTS = [odd_report(), pass_report(), empty_report(), many_findings_report(20)]
VALIDATOR = jsonschema.Draft202012Validator(report_schema())


def as_json(report: Report) -> Any:
    return json.loads(renderer_for("json").render(report, RenderOptions()))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_is_valid_and_comes_back_equal(report: Report) -> None:
    VALIDATOR.validate(as_json(report))
    text = renderer_for("json").render(report, RenderOptions())
    assert wire.loads(text.encode("utf-8"), Report) == report


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.update(extra=1),
        lambda raw: raw.pop("verdict"),
        lambda raw: raw.update(schema=2),
        lambda raw: raw["verdict"].update(result="maybe"),
        lambda raw: raw["verdict"]["counts"].update(files="9"),
        lambda raw: raw["findings"][0]["location"].update(offset=0),
        lambda raw: raw["subject"].update(formats=[["text"]]),
        lambda raw: raw["subject"].update(formats=[["text", 1, 2]]),
    ],
)
def test_a_spoiled_report_is_refused_by_schema_and_reader_alike(spoil: Any) -> None:
    raw = as_json(odd_report())
    spoil(raw)
    assert not VALIDATOR.is_valid(raw)
    if raw["schema"] == 1:  # another version is for the command to refuse, in its own words
        with pytest.raises(FormatError):
            wire.decode(raw, Report)


def test_the_report_digest_leaves_out_the_run() -> None:
    raw = as_json(odd_report())
    del raw["run"]
    other = odd_report()
    assert report_digest(other) == report_digest(odd_report())
    canonical = wire.dumps(raw)
    assert report_digest(other) == hashlib.sha256(canonical.encode("utf-8")).hexdigest()
