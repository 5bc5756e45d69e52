"""A whole session as a process that may be killed at any moment and started again.

python -m tests.robustness.session STUDY IMAGES [window]

goes on from wherever the last one was stopped and says each step that is finished. With `window`, the real window and
its worker process do it; where a worker dies the step is started again, as a user would.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fineray.engine.jobs.table import do
from fineray.engine.protocol import Failed
from fineray.engine.requests import Request
from fineray.engine.requests.labels import ApplyLabels, PreviewLabels
from fineray.engine.requests.project import ImportFolders
from fineray.engine.requests.splits import MakeSplit
from fineray.engine.requests.training import Train
from fineray.progress import Monitor
from fineray.project.catalogue import counts
from fineray.project.labels.preview import FromFolders
from fineray.project.project import CATALOGUE, create_project, open_project
from fineray.project.runs import runs
from fineray.project.splits import SplitPlan, latest_split
from fineray.training.recipe import HeadSettings, Recipe, Tuning

RECIPE = Recipe(
    mode="finetune",
    head=HeadSettings(strengths=(1.0,), inner_folds=2),
    tuning=Tuning(epochs=2, batch=8, frozen_stages=7),
    bootstrap=100,
)


def steps(study: Path, images: Path, ask: Callable[[Request], Any]) -> None:
    """Import, label, split, train; each step is skipped where it is done. The project is open, with its lock."""
    print("opened", flush=True)
    ask(ImportFolders(study, (images,)))
    print("imported", flush=True)
    with open_project(study) as project:
        found, split, done = counts(project), latest_split(project), runs(project)
    if found.labelled < found.images:
        ask(ApplyLabels(study, ask(PreviewLabels(study, FromFolders()))))
    print("labelled", flush=True)
    if split is None:
        ask(MakeSplit(study, SplitPlan(folds=2)))
    print("split", flush=True)
    if not done:
        ask(Train(study, RECIPE))
    print("trained", flush=True)


def in_this_process(study: Path, images: Path) -> None:
    """As the command line does it."""
    with open_project(study, lock=True):
        steps(study, images, lambda request: do(request, Monitor()))


def in_the_window(study: Path, images: Path) -> None:
    """As a user does it."""
    from PySide6.QtCore import QEventLoop, QSettings
    from PySide6.QtWidgets import QApplication

    from fineray_desktop.main_window import MainWindow

    app = QApplication.instance() or QApplication([])
    window = MainWindow(QSettings(str(study.parent / "window.ini"), QSettings.Format.IniFormat))
    window.show()
    window.open_project(study)
    assert window.session.project is not None and window.session.may_change, window.banner.text

    def ask(request: Request) -> Any:
        while True:
            answers: list[Any] = []
            job = window.session.run(request, "Step", answers.append)
            job.failed.connect(answers.append)
            loop = QEventLoop()
            job.ended.connect(loop.quit)
            loop.exec()
            if not (isinstance(answers[0], Failed) and answers[0].what == "The engine stopped unexpectedly"):
                assert not isinstance(answers[0], Failed), answers[0]
                return answers[0]

    steps(study, images, ask)
    window.close()
    assert app is not None


if __name__ == "__main__":
    study, images = map(Path, sys.argv[1:3])
    if not (study / CATALOGUE).is_file():
        create_project(study)
    (in_the_window if "window" in sys.argv else in_this_process)(study, images)
