"""Planted faults that must be caught: each would make a model look better, or other, than it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fineray.checks.run import run_checks
from fineray.evaluation.choosing_point import NoOperatingPoint, apply_rule
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.predictions import Predictions
from fineray.prediction.predict import predict_folder
from fineray.progress import Monitor
from fineray.project.catalogue import labelled_images, pseudonyms
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan, latest_split, parts
from fineray.project.splitting.make import make_split
from fineray.training.choosing.controls import control_recipes
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from tests.support.images import write_image, write_picture

RECIPE = Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100)


def labelled(project: Project, images: Path) -> None:
    import_folders(project, [images])
    apply_labels(project, preview_folders(project))


def test_a_patient_is_never_on_both_sides(project: Project, tmp_path: Path) -> None:
    for patient in range(12):
        for number in range(4):  # a patient's images have both labels
            path = tmp_path / "images" / ("ill", "well")[number % 2] / f"p{patient}-{number}"
            write_image(path, patient=f"PAT-{patient}", number=number, level=0.5)
    labelled(project, tmp_path / "images")
    split = make_split(project, SplitPlan(folds=4))
    part_of = parts(project, split)
    images = labelled_images(project)
    names = pseudonyms(project, [image.id for image in images])
    sides: dict[str, set[str]] = {}
    for image, name in zip(images, names, strict=True):
        sides.setdefault(name, set()).add(part_of[image.id])
    assert len(sides) == 12 and all(len(found) == 1 for found in sides.values())


@pytest.mark.integration
def test_copies_under_other_names_stay_on_one_side(project: Project, tmp_path: Path) -> None:
    for patient in range(16):
        label = ("ill", "well")[patient % 2]
        write_image(tmp_path / "images" / label / f"p{patient}", patient=f"PAT-{patient}", level=0.5)
    for patient in range(4):  # the same image again, under another patient's name
        label = ("ill", "well")[patient % 2]
        ds = write_image(tmp_path / "images" / label / f"copy{patient}", patient=f"PAT-{patient}", level=0.5)
        ds.PatientID = f"COPY-{patient}"
        ds.save_as(tmp_path / "images" / label / f"copy{patient}", enforce_file_format=True)
    labelled(project, tmp_path / "images")
    split = make_split(project, SplitPlan(folds=4))
    part_of = parts(project, split)
    by_content: dict[str, set[str]] = {}
    for image in labelled_images(project):
        by_content.setdefault(image.content_hash, set()).add(part_of[image.id])
    assert all(len(found) == 1 for found in by_content.values())
    told = [f"{finding.severity} {finding.title}" for finding in run_checks(project, Monitor())]
    assert any("serious" in each and "under two patients" in each for each in told), told


@pytest.mark.integration
@pytest.mark.parametrize("fault", ["marker", "polarity"])
def test_what_gives_the_label_away_is_found(project: Project, tmp_path: Path, fault: str) -> None:
    random = np.random.default_rng(0)
    for patient in range(40):
        label = ("ill", "well")[patient % 2]
        y, x = np.mgrid[0:96, 0:80] / 96
        shade = np.clip(0.5 + 0.3 * np.sin(5 * x + 3 * y) + random.normal(0, 0.05, y.shape), 0, 1)
        if label == "ill" and fault == "marker":
            shade[2:12, 2:22] = 1.0
        if label == "ill" and fault == "polarity":
            shade = 1 - shade
        values = np.round(shade * 4095).astype(np.uint16)
        write_picture(tmp_path / "images" / label / f"p{patient}", values, f"PAT-{patient}")
    labelled(project, tmp_path / "images")
    found = [finding for finding in run_checks(project, Monitor()) if finding.severity != "fine"]
    told = " ".join(f"{finding.title} {finding.evidence}" for finding in found).lower()
    wanted = ("border", "edge", "corner", "give") if fault == "marker" else ("invert", "polarity", "unlike", "border")
    assert any(word in told for word in wanted), told


@pytest.mark.integration
def test_shuffled_labels_give_an_area_whose_interval_covers_a_half(trained: Path) -> None:
    with open_project(trained) as project:
        split = latest_split(project)
        assert split is not None
        done = train(project, split, control_recipes(RECIPE)["shuffled labels"])
        area = done.metrics().figures.auc
    assert area.low <= 0.5 <= area.high


def test_a_threshold_cannot_be_chosen_on_the_images_it_judges() -> None:
    random = np.random.default_rng(0)
    chance = random.random(200)
    true = (chance + random.normal(0, 0.4, 200) > 0.5).astype(np.int64)
    both = np.column_stack([1 - chance, chance])
    names = tuple(f"P{number}" for number in range(200))

    def predictions(parts_: tuple[str, ...]) -> Predictions:
        return Predictions(("well", "ill"), np.arange(200), names, parts_, true, both)

    rule = PointRule("youden", "ill")
    with pytest.raises(NoOperatingPoint):
        apply_rule(predictions(("test",) * 200), rule)
    folds = predictions(tuple(str(number % 5) for number in range(200)))
    predicted = apply_rule(folds, rule)
    changed = true.copy()
    changed[::5] = 1 - changed[::5]  # other labels in fold 0 alone
    other = apply_rule(Predictions(folds.classes, folds.images, names, folds.parts, changed, both), rule)
    assert predicted.thresholds["0"] == other.thresholds["0"], "fold 0 has no say in its own threshold"
    assert predicted.thresholds != other.thresholds


@pytest.mark.integration
@pytest.mark.parametrize(("ill", "told"), [(20, False), (36, True)])
def test_another_share_of_the_ill_is_told(trained: Path, tmp_path: Path, ill: int, told: bool) -> None:
    """Half of the images that the run learned from are dark. Predictive values hold for that share and no other."""
    for number in range(40):
        label = "dark" if number < ill else "bright"
        write_image(tmp_path / "new" / f"{number:02d}", patient=f"N-{number}", level=0.38 if label == "dark" else 0.62)
    with open_project(trained) as project:
        table = predict_folder(project, run(project, "run-001"), tmp_path / "new")
    assert table.drift is not None
    (score,) = (line for line in table.drift.lines if line.what.startswith("Probability of"))
    assert score.differs == told
