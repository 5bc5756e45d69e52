"""The whole way of work in one process of commands, and in the window: for tests that watch from outside.

python -m tests.robustness.way_of_work FOLDER [window]

FOLDER holds `images`, as many as make compiling worth while, and a `few`; everything that is made goes below it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PAGES = ("Import", "Curate", "Train", "Review", "Predict")


def by_commands(root: Path) -> None:
    """As the command line does it."""
    from fineray.cli.main import main

    study, small, images, few = root / "study", root / "small", root / "images", root / "few"

    def fineray(*words: object) -> None:
        status = main([str(word) for word in words])
        assert status == 0, words

    fineray("new", study)
    fineray("import", study, images)
    fineray("labels", study, "--new", "readers", "--classes", "bright,dark")
    fineray("import", study, images, "--labels-from-folders", "--label-set", "label")
    fineray("labels", study, "--use", "label")
    fineray("split", study, "--folds", "2")
    fineray("doctor", study)
    fineray("train", study)
    fineray("check", study)
    fineray("rank", study, "efficientnet_lite0")
    fineray("evaluate", study, "run-001")
    fineray("report", study, "run-001", "--output", root / "r.pdf", "--thumbnails", "--parts", root / "parts")
    fineray("predict", study, "run-001", few, "--output", root / "p.csv", "--dicom", root / "results")
    fineray("new", small)
    fineray("import", small, few, "--labels-from-folders")
    tuning = ("--mode", "finetune", "--epochs", "1", "--frozen-stages", "7", "--views", "1")
    fineray("train", small, "--folds", "2", *tuning)
    fineray("report", small, "run-001", "--output", root / "r.html")
    fineray("predict", small, "run-001", few, "--output", root / "p.xlsx", "--maps", root / "maps")
    for kind, name in (("frpkg", "m.frpkg"), ("onnx", "m.onnx"), ("monai-bundle", "bundle")):
        fineray("export", study, "run-001", "--format", kind, "--output", root / name)
    fineray("open", root / "m.frpkg", "--to", root / "other")
    fineray("verify", root / "m.frpkg")
    fineray("deidentify", study, root / "clean")
    fineray("weights", "list")


def in_the_window(root: Path) -> None:
    """As a user does it: every page, an explanation, new images that are worth compiling for."""
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    from fineray.engine.requests.models import PredictFolder
    from fineray.engine.requests.project import CheckCodecs
    from fineray.engine.requests.review import DoubtLabels, ExplainImage, MapFeatures
    from fineray.engine.requests.training import ExplainDevice
    from fineray_desktop import main_window
    from fineray_desktop.app import main
    from fineray_desktop.loading import Loading

    study, answers = root / "study", []

    class Used(main_window.MainWindow):
        def show(self) -> None:
            super().show()
            QTimer.singleShot(0, self.use)

        def use(self) -> None:
            while self.session.project is None:
                QApplication.processEvents()
            for page in PAGES:
                self.show_page(page)
                while self.session.busy or any(each.busy for each in self.findChildren(Loading)):
                    QApplication.processEvents()
            session = self.session
            for request in (
                ExplainDevice(),
                CheckCodecs(),
                MapFeatures(study, "run-001"),
                DoubtLabels(study, "run-001"),
            ):
                self.ask(session.analyst, request)
            self.ask(session.reader, ExplainImage(study, "run-001", 1, "bright"))
            self.ask(session.engine, PredictFolder(study, "run-001", root / "images"))
            self.close()

        def ask(self, engine: Any, request: Any) -> None:
            job, loop = engine.start(request), QEventLoop()
            job.finished.connect(answers.append)
            job.failed.connect(lambda failed: sys.stderr.write(f"{failed}\n"))
            job.ended.connect(loop.quit)
            loop.exec()

    main_window.MainWindow = Used  # type: ignore[misc]
    assert main([str(study)]) == 0 and len(answers) == 6


if __name__ == "__main__":
    (in_the_window if "window" in sys.argv else by_commands)(Path(sys.argv[1]))
