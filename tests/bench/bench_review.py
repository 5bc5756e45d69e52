"""What the review waits for: `python -m tests.bench.bench_review [FOLDER]`, the folder of images with labels.csv.

One frozen run on the images: every figure, explanations, the report; then the figures of 100,000 made-up predictions.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fineray.evaluation.binary_metrics import binary_metrics
from fineray.evaluation.calibration import calibration
from fineray.evaluation.curves import curves
from fineray.evaluation.one_vs_rest import OneVsRest
from fineray.evaluation.operating_point import PointRule
from fineray.explaining.alike import feature_map, nearest
from fineray.explaining.explain import explain, mean_map
from fineray.prediction.predict import predict_folder
from fineray.progress import Monitor
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_table
from fineray.project.project import create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.report.writing import write_report
from fineray.review.judging import judge
from fineray.review.query import ReviewQuery
from fineray.training.recipe import Recipe
from fineray.training.train import train

IMAGES = 20
MANY = 100_000


def main() -> None:
    """Print seconds, the median of several where they are short."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[3] / "shared" / "cxr"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "study"
        create_project(root)
        with open_project(root) as project:
            import_folders(project, [source])
            apply_labels(project, preview_table(project, source / "labels.csv"))
            folder = train(project, make_split(project, SplitPlan(folds=5)), Recipe())
            predictions = folder.predictions()
            name = predictions.classes[-1]
            view = ReviewQuery(folder.name, PointRule("youden", name), name)
            images, parts = predictions.images.tolist(), predictions.parts

            def show(row: int, method: str) -> float:
                found = explain(project, folder, images[row], name, method, parts[row], Monitor())  # type: ignore[arg-type]
                return found.seconds

            show(0, "grad-cam")  # loads the model
            rows = range(min(IMAGES, len(images)))
            _say("Grad-CAM, the map alone", statistics.median(show(row, "grad-cam") for row in rows))
            _say(
                "Grad-CAM with its checks",
                statistics.median(_timed(lambda row=row: show(row, "grad-cam")) for row in rows),
            )
            _say("occlusion, the map alone", show(0, "occlusion"))
            _say(
                f"mean map over {min(200, len(images))} images",
                _timed(lambda: mean_map(project, folder, images, name, Monitor())),
            )
            _say("nearest training images", _timed(lambda: nearest(project, folder, images[0], parts[0])))
            _say("map of the features", _timed(lambda: feature_map(project, folder)))
            _say(f"every figure of {len(images)} predictions", _timed(lambda: judge(project, folder, view, Monitor())))
            for ending in ("pdf", "html"):
                path = Path(scratch) / f"report.{ending}"
                _say(
                    f"report as {ending}",
                    _timed(lambda path=path: write_report(project, folder, path, view, True, None)),
                )  # type: ignore[misc]
            _say(
                f"apply the run to {len(images)} images",
                _timed(lambda: predict_folder(project, folder, source)),
            )
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, MANY)
    scores = np.clip(random.normal(0.35 + 0.3 * truth, 0.18), 0.001, 0.999)
    asked = OneVsRest("yes", scores, truth == 1, np.arange(MANY) // 2)
    _say(f"figures of {MANY:,} predictions, 2,000 resamples", _timed(lambda: binary_metrics(asked, scores > 0.5)))
    _say(f"curves of {MANY:,} predictions, 500 resamples", _timed(lambda: curves(asked)))
    _say(f"calibration of {MANY:,} predictions, 1,000 resamples", _timed(lambda: calibration(asked)))


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _say(what: str, seconds: float) -> None:
    print(f"{what:52} {seconds * 1000:10.0f} ms", flush=True)


if __name__ == "__main__":
    main()
