"""The review stays quick with a hundred thousand predictions, and images follow one another at once."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from fineray.engine.requests.project import ReadImage
from fineray.evaluation.predictions import Predictions
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import write_run
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from tests.support.images import write_picture
from tests.support.lateness import Lateness
from tests.support.window import MINUTE

pytestmark = pytest.mark.alone
IMAGES = 100_000
STALL = 0.05  # seconds


def _large_project(root: Path, images: int) -> None:
    """A catalogue of so many images that share one picture, and a run that predicted them."""
    create_project(root)
    random = np.random.default_rng(0)
    with open_project(root) as project:
        (root / "pixels" / "shard-0000.u8").write_bytes(random.integers(0, 255, 64 * 64, np.uint8).tobytes())
        _fill(project, images)
        truth = random.integers(0, 2, images)
        chance = np.clip(random.normal(0.35 + 0.3 * truth, 0.18), 0.001, 0.999)
        predictions = Predictions(
            ("no", "yes"),
            np.arange(1, images + 1),
            tuple(f"P{n // 2:05d}" for n in range(images)),
            tuple(str(1 + n // 2 % 5) for n in range(images)),
            truth,
            np.column_stack([1 - chance, chance]),
        )
        facts = {
            "classes": ["no", "yes"],
            "auc": {"value": None, "low": None, "high": None, "n": images, "method": ""},
            "images": images,
            "label_set": "label",
            "device": "CPU",
            "seal": None,
            "split": {"kind": "folds", "folds": 5, "by": ""},
            "backbone": {"title": "EfficientNet-Lite0"},
        }

        def write(folder: Path) -> None:
            predictions.save(folder / "predictions.csv")
            (folder / "metrics.json").write_text(json.dumps(facts), "utf-8")
            (folder / "recipe.json").write_text('{"bootstrap": 100, "seed": 0}', "utf-8")

        write_run(project, write)


def _fill(project: Project, images: int) -> None:
    columns = [row[1] for row in project.db.execute("PRAGMA table_info(image)")]
    known = {"rows": 64, "columns": 64, "bits_stored": 8, "shard": 0, "shard_offset": 0, "store_rows": 64,
             "store_columns": 64, "frame": 1, "age_years": 50.0}  # fmt: skip
    with project.db as db:
        people = ((n, f"P{n:05d}", f"h{n}") for n in range(images // 2))
        db.executemany("INSERT INTO patient VALUES (?, ?, ?)", people)
        rows = (
            [
                n
                if name == "id"
                else (n - 1) // 2
                if name == "patient_id"
                else f"{name}{n}"
                if name in ("sop_hash", "content_hash")
                else ("ACME", "Other")[n % 2]
                if name == "manufacturer"
                else known.get(name, "")
                for name in columns
            ]
            for n in range(1, images + 1)
        )
        db.executemany(f"INSERT INTO image VALUES ({', '.join('?' * len(columns))})", rows)


@pytest.mark.timeout(280)
def test_nothing_stands_still_with_a_hundred_thousand_predictions(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    _large_project(tmp_path / "large", IMAGES)
    window.resize(1360, 860)
    window.open_project(tmp_path / "large")
    window.show_page("Review")
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    with Lateness() as opening:
        qtbot.waitUntil(lambda: page.table.rowCount() == IMAGES, timeout=MINUTE)
    qtbot.waitUntil(lambda: not page.busy and not window.session.loading, timeout=3 * MINUTE)
    judged = page.state.judgement
    assert judged is not None and judged.images == IMAGES and judged.figures.f1.low is not None
    worst = {"opening": opening.worst}
    point = page.overview.point
    steps = {
        "threshold": lambda: point.slider.setValue(point.slider.value() + 20),
        "cell": lambda: page.matrix.select((1, 0)),
        "all": page._clear_filters,
        "wrong": lambda: page._choose_list("wrong"),
        "text": lambda: page.search.setText("P0001"),
        "next": lambda: page._step(1),
    }
    for name, act in steps.items():
        with Lateness() as late:
            for _ in range(2):
                act()
                qtbot.wait(40)
        worst[name] = late.worst
    assert max(worst.values()) < STALL, worst


def test_images_follow_one_another_at_once(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(6):
        image = random.integers(0, 4096, (2500, 2048)).astype(np.uint16)  # as large as a detector's
        write_picture(tmp_path / "images" / ("a", "b")[number % 2] / f"{number}", image, f"P-{number}")
    create_project(tmp_path / "study")
    with open_project(tmp_path / "study") as project:
        import_folders(project, [tmp_path / "images"])
        apply_labels(project, preview_folders(project))
    window.open_project(tmp_path / "study")
    reader = window.session.reader
    seconds = []
    for image in range(1, 5):
        started = time.perf_counter()
        job = reader.start(ReadImage(tmp_path / "study", image))
        with qtbot.waitSignal(job.finished, timeout=MINUTE) as read:
            pass
        seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[1] < 0.2, f"{seconds} from the DICOM file"
    from fineray_desktop.widgets.image_view import ImageView

    view = ImageView()
    qtbot.addWidget(view)
    view.resize(600, 700)
    view.show()
    shown = read.args[0]
    took = []
    for _ in range(4):
        started = time.perf_counter()
        view.show_image(shown.gray, spacing=shown.spacing_mm)
        view._canvas.viewport().repaint()
        took.append(time.perf_counter() - started)
    assert sorted(took)[1] < 0.05, f"{took} from the cache"
