"""Ctrl+C and a friendly kill on the command line: what was done is kept, it is said, and the training goes on."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fineray.cli import running
from fineray.cli.console import ConsoleMonitor
from fineray.cli.main import main
from fineray.progress import Progress, ProgressEvent
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import create_project, open_project
from fineray.project.runs import runs
from fineray.training.recipe import (
    AugmentSettings,
    HeadSettings,
    Recipe,
    Tuning,
)
from fineray.training.standing import left_off
from tests.support.tiny import TINY, add_tiny

RECIPE = Recipe(
    TINY,
    mode="finetune",
    head=HeadSettings(strengths=(1.0,), inner_folds=2),
    augment=AugmentSettings(views=1),
    tuning=Tuning(frozen_stages=3, epochs=2, batch=4),
    bootstrap=100,
)


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="sends Unix signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_pauses_a_training_and_it_is_taken_up(
    tmp_path: Path,
    images: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    add_tiny(tmp_path)
    study, recipe = tmp_path / "study", tmp_path / "recipe.json"
    recipe.write_text(RECIPE.to_json(), "utf-8")
    create_project(study)
    with open_project(study) as project:
        import_folders(project, [images(patients=12, each=1)])
        apply_labels(project, preview_folders(project))

    class Hasty(ConsoleMonitor):
        def report(self, what: ProgressEvent) -> None:
            super().report(what)
            if isinstance(what, Progress) and what.unit == "steps" and what.done == 3:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(running, "ConsoleMonitor", Hasty)
        assert main(["train", str(study), "--recipe", str(recipe), "--folds", "2"]) == 130
    assert signal.getsignal(number) is before
    said = capsys.readouterr().err
    assert "Paused in fold 2 of 2, at step 1 of 2: " in said and "goes on from there" in said
    with open_project(study) as project:
        assert not runs(project) and left_off(project)[0].standing.paused
    assert main(["train", str(study), "--continue", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["run"] == "run-001" and "folds done before: 1" in told.err
    with open_project(study) as project:
        assert Recipe.of_run(runs(project)[0].path) == RECIPE and not left_off(project)
    assert main(["train", str(study), "--continue"]) == 1
    assert "No training was paused" in capsys.readouterr().err
