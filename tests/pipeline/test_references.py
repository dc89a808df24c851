"""Files of raw numbers: explained as far as a model says, whatever is left is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scanning import scan_files

from fixtures.onnx_parts import graph, model, node, tensor
from fixtures.tensors import numbers


def _model(*ranges: tuple[int, int]) -> bytes:
    tensors = [
        tensor(f"t{index}", (size // 4,), external={"location": "w.bin", "offset": str(start)})
        for index, (start, size) in enumerate(ranges)
    ]
    return model(graph([node("Relu")], tensors))


def _row(folder: Path, weights: bytes, *ranges: tuple[int, int]) -> tuple[dict[str, Any], list[str]]:
    audit = scan_files({"d/m.onnx": _model(*ranges), "d/w.bin": weights}, folder)
    artifact = next(item for item in audit.report["artifacts"] if item["path"] == "d/w.bin")
    return {**artifact["coverage"][0], "formats": artifact["formats"]}, audit.rules


def test_numbers_are_payload(tmp_path: Path) -> None:
    row, rules = _row(tmp_path / "t", numbers(128), (0, 64), (64, 64))
    assert (row["state"], row["payload"], row["formats"], rules) == ("read", 128, ["raw-numbers"], [])


def test_alignment_between_numbers_is_inert(tmp_path: Path) -> None:
    row, rules = _row(tmp_path / "t", numbers(64) + bytes(4032) + numbers(64), (0, 64), (4096, 64))
    assert (row["state"], row["payload"] + row["inert"], row["unexplained"], rules) == ("read", 4160, 0, [])


def test_a_large_rest_is_a_gap(tmp_path: Path) -> None:
    row, rules = _row(tmp_path / "t", numbers(100_000), (0, 64))
    assert (row["state"], row["reason"], row["unexplained"]) == ("partial", "bytes-unclaimed", 99_936)
    assert rules == ["OWA9003"]


def test_content_of_its_own_format_stays_what_it_is(tmp_path: Path) -> None:
    pickle = b"\x80\x02cposix\nsystem\nX\x07\x00\x00\x00echo hi\x85R."
    row, rules = _row(tmp_path / "t", pickle, (0, 28))
    assert row["formats"] == ["pickle"]
    assert "OWA1001" in rules


@pytest.mark.parametrize("path", ["../w.bin", "/d/w.bin"])
def test_a_path_that_leaves_the_folder_explains_nothing(path: str, tmp_path: Path) -> None:
    outside = tensor("t", (16,), external={"location": path})
    files = {"d/m.onnx": model(graph([node("Relu")], [outside])), "w.bin": numbers(64)}
    audit = scan_files(files, tmp_path / "t")
    assert audit.rules == ["OWA1105", "OWA9002"]
