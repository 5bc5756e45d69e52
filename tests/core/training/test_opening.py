"""The sealed test set: out of reach until model and operating point are frozen, and every look is counted."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fineray.checks.run import run_checks
from fineray.evaluation.choosing_point import NoOperatingPoint, choose_point
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.progress import Monitor
from fineray.project.catalogue import image_rows, labelled_images
from fineray.project.changes import next_undo, set_labels
from fineray.project.files.importing import import_folders
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.project.seal import (
    SealRefused,
    break_seal,
    current_seal,
    openings,
)
from fineray.project.splits import SplitPlan, parts
from fineray.project.splitting.assign import CannotSplit
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.project.splitting.split_file import SplitFileUnusable, read_split, write_split
from fineray.training.opening import (
    NotFrozen,
    freeze,
    open_test,
)
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from tests.support.images import write_image
from tests.support.studies import Zoo

RECIPE = Recipe(head=HeadSettings(strengths=(1.0, 0.1)), bootstrap=200)
SEAL = SplitPlan(test_share=0.25)


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    return lent(zoo.labelled(24, 2, features=True))


def _sealed(project: Project) -> set[int]:
    return {row.id for row in image_rows(project) if row.sealed}


def _train(project: Project) -> str:
    return train(project, make_split(project, SplitPlan(folds=3)), RECIPE).name


def test_sealed_images_reach_nothing_that_learns(study: Project) -> None:
    seal = seal_test(study, SEAL)
    sealed = _sealed(study)
    assert (seal.images, seal.patients, seal.classes) == (12, 6, {"bright": 6, "dark": 6})
    assert len(sealed) == 12 and not sealed & {image.id for image in labelled_images(study)}
    assert next_undo(study) is None, "sealing cannot be taken back"
    split = make_split(study, SplitPlan(folds=3))
    assert not sealed & set(parts(study, split))
    assert split.certificate is not None and split.certificate.sealed == 12
    done = train(study, split, RECIPE)
    assert not sealed & set(done.predictions().images.tolist())
    for finding in run_checks(study, Monitor()):
        assert not sealed & set(finding.images), finding.check
    with pytest.raises(SealRefused, match="already"):
        seal_test(study, SEAL)


def test_whole_groups_are_sealed_and_later_images_of_them_set_aside(study: Project, tmp_path: Path) -> None:
    seal_test(study, SEAL)
    patient_of = dict(study.db.execute("SELECT image.id, patient_id FROM image"))
    theirs = {patient_of[image] for image in _sealed(study)}
    assert not theirs & {image.patient_id for image in labelled_images(study)}
    hashes = {study.keyed_hash(f"patient:PAT-{number}"): number for number in range(24)}
    (id_hash,) = study.db.execute("SELECT id_hash FROM patient WHERE id = ?", (min(theirs),)).fetchone()
    write_image(tmp_path / "later/x", patient=f"PAT-{hashes[id_hash]}", number=77)
    import_folders(study, [tmp_path / "later"])
    (new,) = study.db.execute("SELECT max(id) FROM image").fetchone()
    set_labels(study, {new: "dark"}, "x")
    split = make_split(study, SplitPlan(folds=3))
    assert parts(study, split)[new] == "aside"
    assert new not in train(study, split, RECIPE).predictions().images
    write_split(study, split, tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text("utf-8")
    (tmp_path / "split.csv").write_text(text.replace("aside", "1"), "utf-8")
    with pytest.raises(SplitFileUnusable, match="sealed test set"):
        read_split(study, tmp_path / "split.csv")


def test_nothing_opens_before_model_and_operating_point_are_frozen(study: Project) -> None:
    early = _train(study)
    with pytest.raises(SealRefused):
        freeze(study, early, OperatingPoint())
    assert seal_test(study, SEAL).seen_before == 1, "a run had predicted them already"
    with pytest.raises(NotFrozen, match="before the test set was sealed"):
        freeze(study, early, OperatingPoint())
    name = _train(study)
    with pytest.raises(NotFrozen, match="not frozen"):
        open_test(study, name, Monitor())
    assert openings(study) == [] and run(study, name).test() is None
    freeze(study, name, choose_point(run(study, name).predictions(), PointRule("youden", "bright")))
    with pytest.raises(NotFrozen, match="frozen already"):
        freeze(study, name, OperatingPoint())
    head = run(study, name).path / "head.safetensors"
    kept = head.read_bytes()
    head.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(NotFrozen, match="changed"):
        open_test(study, name, Monitor())
    head.write_bytes(kept)
    assert openings(study) == []

    figures = open_test(study, name, Monitor())
    assert (figures.opening, figures.figures.images, figures.labels_changed) == (1, 12, 0)
    assert run(study, name).test() == figures
    with (run(study, name).path / "test_predictions.csv").open(encoding="utf-8") as file:
        assert {int(row["image"]) for row in csv.DictReader(file)} == _sealed(study)


def test_every_opening_is_counted_also_over_copies(study: Project, tmp_path: Path) -> None:
    seal_test(study, SEAL)
    first, second = _train(study), _train(study)
    for name in (first, second):
        freeze(study, name, OperatingPoint())
    study.db.commit()
    root = study.root
    shutil.copytree(root, tmp_path / "copy")
    with open_project(tmp_path / "copy") as copy:
        assert open_test(copy, first, Monitor()).opening == 1
    shutil.copytree(tmp_path / "copy", tmp_path / "copy of copy")
    with open_project(tmp_path / "copy of copy") as copy:
        assert len(openings(copy)) == 1, "the count goes along with the copy"
        assert open_test(copy, second, Monitor()).opening == 2
    changed = min(_sealed(study))
    set_labels(study, {changed: "bright" if labelled(study, changed) == "dark" else "dark"}, "x")
    figures = open_test(study, first, Monitor())
    assert figures.opening == 3, "looking at a copy counts for the original on this workstation"
    assert figures.labels_changed == 1


def labelled(project: Project, image: int) -> str:
    return next(row.label for row in image_rows(project, only=[image]))


def test_breaking_the_seal_counts_too(study: Project) -> None:
    seal = seal_test(study, SEAL)
    break_seal(study)
    assert current_seal(study) is None and _sealed(study) == set()
    assert [each.run for each in openings(study, seal.hash)] == [""]
    assert seal_test(study, SEAL).hash == seal.hash
    name = _train(study)
    freeze(study, name, OperatingPoint())
    assert open_test(study, name, Monitor()).opening == 2


def test_the_operating_point_decides_the_calls(study: Project) -> None:
    seal_test(study, SEAL)
    name = _train(study)
    freeze(study, name, choose_point(run(study, name).predictions(), PointRule("threshold", "bright", 0.0)))
    figures = open_test(study, name, Monitor())
    assert figures.figures.confusion == ((6, 0), (6, 0)), "at a threshold of 0 everybody is predicted bright"
    assert figures.point.threshold == 0.0
    assert run(study, name).frozen().point.positive == "bright"


def test_operating_points(study: Project) -> None:
    predictions = run(study, _train(study)).predictions()
    assert OperatingPoint().predict(predictions).tolist() == predictions.predicted.tolist()
    everything = choose_point(predictions, PointRule("sensitivity", "dark", 1.0))
    positive = predictions.true == predictions.classes.index("dark")
    assert (everything.predict(predictions)[positive] == predictions.classes.index("dark")).all()
    assert choose_point(predictions, PointRule("threshold", "dark", 0.0)).predict(predictions).tolist() == [1] * len(
        positive
    )
    for refused in (PointRule("youden", "grey"), PointRule("threshold", "dark", 1.5)):
        with pytest.raises(NoOperatingPoint):
            choose_point(predictions, refused)


def test_nothing_is_sealed_where_no_image_has_a_label(project: Project) -> None:
    with pytest.raises(CannotSplit, match="No image carries a label yet"):
        seal_test(project, SEAL)
