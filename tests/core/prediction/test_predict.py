"""A run on images that are in no project: the same probabilities as inside, strangers flagged, sealed ones refused."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from fineray.evaluation.choosing_point import NoOperatingPoint
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.explaining.alike import nearest
from fineray.prediction.likeness import Likeness
from fineray.prediction.predict import LEARNED, SEALED, predict_folder
from fineray.prediction.tables import write_predictions
from fineray.progress import Monitor
from fineray.project.catalogue import image_rows, imported_images, labelled_images, sealed_images, source_of
from fineray.project.kept_point import keep_point
from fineray.project.project import Project
from fineray.project.runs import RunFolder, learned_from, runs
from fineray.project.splits import SplitPlan, latest_split, parts
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.system.output_file import CannotWriteThere
from fineray.system.user_folder import user_folder
from fineray.training.model import trained_model
from fineray.training.opening import freeze
from fineray.training.recipe import HeadSettings, Recipe, Tuning
from fineray.training.train import train
from tests.support.images import write_image, write_picture
from tests.support.studies import Zoo

RECIPE = Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100)


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> tuple[Project, RunFolder, Path]:
    """(project with a run, the run, its images)."""
    made = zoo.reviewed()
    project = lent(made)
    return project, runs(project)[0], made / "images"


def test_the_same_images_get_the_same_probabilities(study: tuple[Project, RunFolder, Path], tmp_path: Path) -> None:
    project, run, images = study
    table = predict_folder(project, run, images)
    known = labelled_images(project)
    inside = dict(
        zip(
            (image.content_hash for image in known),
            trained_model(run).predict(project, known, Monitor()),
            strict=True,
        )
    )
    assert table.scored == 32 and all(LEARNED in row.flag for row in table.rows)
    got = np.array(sorted(row.probabilities for row in table.rows))
    assert got == pytest.approx(np.array(sorted(map(tuple, inside.values()))), abs=1e-5)
    for row in table.rows:
        assert row.sop_instance_uid == str(pydicom.dcmread(images / row.file).SOPInstanceUID)
        assert row.predicted == table.classes[int(np.argmax(row.probabilities))]


def test_nothing_of_the_images_stays_behind(study: tuple[Project, RunFolder, Path], tmp_path: Path) -> None:
    project, run, images = study
    before = {path.name for path in (user_folder() / "sources").iterdir()}
    count = len(image_rows(project))
    predict_folder(project, run, images)
    assert {path.name for path in (user_folder() / "sources").iterdir()} == before
    assert len(image_rows(project)) == count


@pytest.mark.integration
def test_strangers_are_flagged_and_what_is_no_image_is_said(
    zoo: Zoo, lent: Callable[[Path], Project], tmp_path: Path
) -> None:
    project = lent(zoo.labelled(50, 2, features=True))  # with few images hardly anything is strange
    run = train(project, make_split(project, SplitPlan(folds=3)), RECIPE)
    new = tmp_path / "new"
    write_image(new / "bright.dcm", patient="NEW-1", level=0.75)
    write_image(new / "side.dcm", patient="NEW-2", level=0.75, ViewPosition="LL")
    picture = np.kron(np.indices((6, 5)).sum(axis=0) % 2, np.ones((8, 8))) * 4095
    write_picture(new / "board.dcm", picture.astype(np.uint16), "NEW-3")
    (new / "notes.txt").write_text("no image")
    (new / "hand.dcm").write_bytes(Path(get_testdata_file("RG3_UNCI.dcm")).read_bytes())
    rows = {row.file: row for row in predict_folder(project, run, new).rows}
    assert rows["bright.dcm"].flag == "" and rows["bright.dcm"].predicted == "bright"
    assert "view LL" in rows["side.dcm"].flag
    assert "unlike the images" in rows["board.dcm"].flag and "unlike the images" in rows["hand.dcm"].flag
    assert "body part EXTREMITY" in rows["hand.dcm"].flag
    assert rows["notes.txt"].probabilities == () and rows["notes.txt"].flag.startswith("not scored")
    table = predict_folder(project, run, new, abstain=(0.0, 1.0))
    assert {row.predicted for row in table.rows} == {""} and "says nothing" in table.rows[0].flag


def test_images_of_the_sealed_test_set_are_refused(zoo: Zoo, lent: Callable[[Path], Project]) -> None:
    made = zoo.labelled(16, 2, features=True)
    project, folder = lent(made), made / "images"
    seal = seal_test(project, SplitPlan(test_share=0.25))
    run = train(project, make_split(project, SplitPlan(folds=3)), RECIPE)
    table = predict_folder(project, run, folder)
    refused = [row for row in table.rows if row.flag == SEALED]
    assert len(refused) == seal.images and all(row.probabilities == () for row in refused)
    freeze(project, run.name, OperatingPoint("dark", 0.0, "by hand"))
    table = predict_folder(project, run, folder)
    assert {row.predicted for row in table.rows if row.probabilities} == {"dark"}, "the frozen point decides"
    assert sum(row.flag == SEALED for row in table.rows) == seal.images


def test_the_runs_own_point_calls_unless_another_is_asked_for(study: tuple[Project, RunFolder, Path]) -> None:
    project, run, images = study
    keep_point(project, run, PointRule("threshold", "dark", 0.0), OperatingPoint("dark", 0.0, "by hand"))
    assert {row.predicted for row in predict_folder(project, run, images).rows} == {"dark"}
    other = predict_folder(project, run, images, rule=PointRule("threshold", "bright", 0.0))
    assert {row.predicted for row in other.rows} == {"bright"} and other.point.positive == "bright"
    most = predict_folder(project, run, images, rule=PointRule())
    for row in most.rows:
        assert row.predicted == most.classes[int(np.argmax(row.probabilities))]
    assert {row.predicted for row in most.rows} == {"bright", "dark"}
    with pytest.raises(NoOperatingPoint):
        predict_folder(project, run, images, rule=PointRule("youden", "grey"))


@pytest.mark.integration
def test_tuned_runs_predict_too(study: tuple[Project, RunFolder, Path]) -> None:
    project, _, images = study
    split = latest_split(project)
    assert split is not None
    recipe = Recipe(mode="finetune", tuning=Tuning(epochs=1, frozen_stages=7), bootstrap=100)
    run = train(project, split, recipe)
    table = predict_folder(project, run, images / "dark")
    assert table.scored == 16 and table.limit is not None


def test_tables_are_written_whole_or_not_at_all(study: tuple[Project, RunFolder, Path], tmp_path: Path) -> None:
    project, run, images = study
    table = predict_folder(project, run, images)
    write_predictions(table, tmp_path / "p.csv", Monitor())
    with (tmp_path / "p.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "sop_instance_uid", "p_bright", "p_dark", "predicted", "flag"] and len(rows) == 32
    write_predictions(table, tmp_path / "p.xlsx", Monitor())
    sheet = openpyxl.load_workbook(tmp_path / "p.xlsx").active
    assert sheet.max_row == 33 and sheet["C2"].value == pytest.approx(float(rows[0]["p_bright"]))
    for target in (tmp_path / "p.doc", tmp_path / "no" / "p.csv"):
        with pytest.raises(CannotWriteThere):
            write_predictions(table, target, Monitor())
    (tmp_path / "taken.csv").mkdir()
    with pytest.raises(OSError, match=r".*"):
        write_predictions(table, tmp_path / "taken.csv", Monitor())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_empty_folder_is_no_error(study: tuple[Project, RunFolder, Path], tmp_path: Path) -> None:
    project, run, _ = study
    (tmp_path / "empty").mkdir()
    assert predict_folder(project, run, tmp_path / "empty").rows == ()


def test_the_limit_of_likeness_holds_on_new_images_of_the_same_kind() -> None:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(10, 60))

    def images(n: int) -> np.ndarray:
        return random.normal(size=(n, 10)) @ mixing + random.normal(size=(n, 60)) * 0.3

    likeness = Likeness.of(images(400), (20, 40))
    assert likeness is not None
    assert (likeness.distances(images(2000)) > likeness.limit).mean() < 0.03
    strange = images(200)
    strange[:, 7] += 15
    assert (likeness.distances(strange) > likeness.limit).mean() > 0.9
    assert Likeness.of(images(10), (20, 40)) is None


def test_a_held_out_run_learned_from_its_training_part_alone(zoo: Zoo, lent: Callable[[Path], Project]) -> None:
    made = zoo.labelled(40, 1, features=True)
    project, folder = lent(made), made / "images"
    split = make_split(project, SplitPlan("holdout"))
    run = train(project, split, RECIPE)
    part_of = parts(project, split)
    learned = sum(LEARNED in row.flag for row in predict_folder(project, run, folder).rows)
    assert learned == sum(part == "training" for part in part_of.values()) < 40
    test = run.predictions()
    near = nearest(project, run, int(test.images[0]), "test")
    assert {part_of[each.image] for each in near} == {"training"}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their file systems take no such names")
def test_a_name_that_is_no_utf8_stops_nothing(study: tuple[Project, RunFolder, Path], tmp_path: Path) -> None:
    project, run, images = study
    odd = tmp_path / os.fsdecode(b"R\xf6ntgen")
    odd.mkdir()
    first = min(path for path in images.rglob("*") if path.is_file())
    shutil.copy(first, odd / os.fsdecode(b"\xe4.dcm"))
    (odd / os.fsdecode(b"\xfc.txt")).write_text("no image")
    table = predict_folder(project, run, odd)
    assert len(table.rows) == 2 and table.scored == 1
    for name in ("p.csv", "p.xlsx"):
        write_predictions(table, tmp_path / name, Monitor())
    assert "\ufffd.dcm" in (tmp_path / "p.csv").read_text("utf-8")


@pytest.fixture
def sealed(zoo: Zoo, lent: Callable[[Path], Project]) -> tuple[Project, RunFolder, list[Path]]:
    """A project with a seal and a run, and the files of its sealed test set."""
    made = zoo.labelled(16, 2, features=True)
    project = lent(made)
    seal_test(project, SplitPlan(test_share=0.25))
    run = train(project, make_split(project, SplitPlan(folds=3)), RECIPE)
    found = [source_of(project, image.id) for image in sealed_images(project)]
    return project, run, [each[0].path for each in found if each is not None]


def _changed(path: Path, target: Path, how: str) -> None:
    """The same film as an archive would give it again."""
    ds = pydicom.dcmread(path)
    pixels = ds.pixel_array.copy()
    if how == "one pixel":
        pixels[0, 0] ^= 32
    elif how == "another window":
        ds.WindowWidth = 3000
    elif how == "other UIDs, same patient":
        ds.SOPInstanceUID = generate_uid()
        ds.StudyInstanceUID = generate_uid()
        pixels = np.roll(pixels, 7, axis=1)[::-1].copy()
    elif how == "a picture":
        shown = (pixels / pixels.max() * 255).astype(np.uint8)
        Image.fromarray(shown).save(target.with_suffix(".png"))
        return
    ds.PixelData = pixels.tobytes()
    ds.save_as(target)


@pytest.mark.parametrize("how", ["one pixel", "another window", "other UIDs, same patient", "a picture"])
def test_sealed_images_are_refused_in_whatever_form_they_come(
    sealed: tuple[Project, RunFolder, list[Path]], tmp_path: Path, how: str
) -> None:
    project, run, files = sealed
    (tmp_path / "again").mkdir()
    for number, path in enumerate(files):
        _changed(path, tmp_path / f"again/{number}", how)
    write_image(tmp_path / "again/new", patient="SOMEBODY-ELSE", number=77, level=0.5)
    table = predict_folder(project, run, tmp_path / "again")
    assert sum(row.flag == SEALED for row in table.rows) == len(files) >= 4
    assert [row.file for row in table.rows if row.probabilities] == ["new"], "others are scored"


def test_an_image_that_was_learned_from_is_known_by_its_uid(
    sealed: tuple[Project, RunFolder, list[Path]], tmp_path: Path
) -> None:
    project, run, _ = sealed
    learned = [image for image in imported_images(project) if image[0].id in learned_from(project, run)][:4]
    (tmp_path / "again").mkdir()
    for number, (_, place) in enumerate(learned):
        _changed(place.path, tmp_path / f"again/{number}", "another window")
    table = predict_folder(project, run, tmp_path / "again")
    assert len(table.rows) == 4 and all(LEARNED in row.flag for row in table.rows)
