"""The example notebook, from import to report: its cells run in their order, as a notebook runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "examples" / "first_study.ipynb"


def _cells() -> list[dict[str, Any]]:
    told = json.loads(NOTEBOOK.read_text("utf-8"))
    assert told["nbformat"] == 4
    return [cell for cell in told["cells"] if cell["cell_type"] == "code"]


def test_it_is_kept_without_what_a_run_left() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _cells())


@pytest.mark.slow
def test_it_runs_from_import_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in _cells():
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert names["scored"].rows[0].flag == "the run learned from this image"
    assert len(names["table"]) == len(names["images"]) == names["split"].certificate.images
    assert {path.name for path in (tmp_path / "first-study").iterdir()} == {
        *("images", "study", "report.pdf", "model.frpkg")
    }
