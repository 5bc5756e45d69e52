"""A project as version 0.1 left it (format 4): 16 images of 8 patients, one run. It opens, says the same, and predicts.

tests/support/data/project-of-0.1.tar.xz was made by Fineray at e0a8018: two folds, frozen backbone, 100 resamples.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fineray.evaluation.operating_point import PointRule
from fineray.package.archive import LIST
from fineray.package.contents import export_package
from fineray.package.opening import open_package
from fineray.package.verifying import NotVerified, verify_package, verify_run
from fineray.progress import Monitor
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project, open_project
from fineray.project.run_metrics import RunMetrics
from fineray.project.runs import RunFolder, run
from fineray.review.judging import judge
from fineray.review.query import ReviewQuery
from fineray.training.model import trained_model
from tests.support.packages import rewritten

KEPT = Path(__file__).resolve().parents[2] / "support" / "data" / "project-of-0.1.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Project]:
    with tarfile.open(KEPT) as archive:
        archive.extractall(tmp_path, filter="data")
    with open_project(tmp_path / "study") as project:
        yield project


@pytest.fixture
def folder(old: Project) -> RunFolder:
    return run(old, "run-001")


def test_its_metrics_say_the_same_under_todays_names(folder: RunFolder) -> None:
    told, found = json.loads((folder.path / "metrics.json").read_text("utf-8")), folder.metrics()
    assert "format" in told and told["several"] is False, "it is what an earlier version wrote"
    assert found.classes == tuple(told["classes"]) and not found.multilabel
    assert found.backbone.input_size == told["backbone"]["side"] and found.split.folds == 2
    for was, now in zip(told["per_class"], found.figures.per_class, strict=True):
        assert now.figures.ppv.value == was["precision"]["value"]
        assert (now.figures.positives, now.patients) == (was["images"], was["patients"])
        right = now.figures.true_positives + now.figures.true_negatives
        assert right == sum(told["confusion"][number][number] for number in range(2))
    assert RunMetrics.from_json(json.loads(json.dumps(found.to_json()))) == found, "and so it is written"


def test_every_figure_follows_from_its_predictions(old: Project, folder: RunFolder) -> None:
    (check,) = verify_run(folder)
    assert "from 16 predictions" in check.how
    path = folder.path / "metrics.json"
    told = json.loads(path.read_text("utf-8"))
    told["per_class"][1]["f1"]["high"] -= 0.01
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(NotVerified, match="f1 high"):
        verify_run(folder)


def test_it_is_judged_predicts_and_travels(old: Project, folder: RunFolder, tmp_path: Path) -> None:
    judged = judge(old, folder, ReviewQuery(folder.name, PointRule("youden", "dark")), Monitor())
    assert judged.images == 16 and sum(map(sum, judged.confusion)) == 16
    found = trained_model(folder).predict(old, labelled_images(old), Monitor())
    assert found.shape == (16, 2) and np.allclose(found.sum(axis=1), 1)
    export_package(old, folder, tmp_path / "old.frpkg")
    assert verify_package(tmp_path / "old.frpkg", Monitor())
    assert open_package(tmp_path / "old.frpkg", tmp_path / "other").classes == ("bright", "dark")


def test_a_package_of_the_first_format_opens_and_verifies(old: Project, folder: RunFolder, tmp_path: Path) -> None:
    """Made from one of today: a study's figures and list under the keys that 0.1 wrote."""
    export_package(old, folder, tmp_path / "new.frpkg")

    def before(members: dict[str, bytes]) -> None:
        listed = json.loads(members[LIST])
        preprocessing = {
            ("side" if name == "input_size" else name): value for name, value in listed["preprocessing"].items()
        }
        listed = {("several" if name == "multilabel" else name): value for name, value in listed.items()}
        members["metrics.json"] = (folder.path / "metrics.json").read_bytes()
        told = {"sha256": hashlib.sha256(members["metrics.json"]).hexdigest(), "bytes": len(members["metrics.json"])}
        files = {**listed["files"], "metrics.json": told}
        members[LIST] = json.dumps({**listed, "format": 1, "preprocessing": preprocessing, "files": files}).encode()

    package = rewritten(tmp_path / "new.frpkg", tmp_path / "old.frpkg", before)
    assert verify_package(package)
    opened = open_package(package, tmp_path / "elsewhere")
    with open_project(tmp_path / "elsewhere") as project:
        model = run(project, opened.run)
        assert not model.metrics().multilabel and model.metrics().backbone.input_size == 224
        found = trained_model(model).predict(old, labelled_images(old), Monitor())
        np.testing.assert_array_equal(found, trained_model(folder).predict(old, labelled_images(old), Monitor()))
