"""Planted faults are found, with their images; where nothing is planted nothing is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fineray.checks.check_result import CheckResult, keep_checks, last_checked, last_checks
from fineray.checks.confounders import (
    Association,
    _of_category,
    _of_number,
    association_findings,
)
from fineray.checks.labels import contradicted_labels, outliers
from fineray.checks.pictures import (
    PictureFacts,
    _inverted,
    has_text,
    picture_facts,
)
from fineray.checks.run import NothingToCheck, run_checks
from fineray.demo.phantom import chest
from fineray.progress import Monitor
from fineray.project.catalogue import LabelledImage, labelled_images, source_of
from fineray.project.changes import leave_out, put_back
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders, preview_table
from fineray.project.pixel_store import StoredAt
from fineray.project.project import Project
from fineray.project.seen import Seen
from fineray.project.splits import SplitPlan, is_current
from fineray.project.splitting.make import make_split
from tests.support.images import texture, write_image, write_picture


def _labels(random: np.random.Generator, n: int = 240) -> np.ndarray:
    return np.array(["ill", "well"])[random.integers(0, 2, n)]


def test_a_planted_association_is_flagged_and_independent_ones_are_not() -> None:
    """r = 0.9 between scanner and label; then 100 studies with nine attributes that mean nothing."""
    false_alarms = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        labels = _labels(random)
        truth = labels == "ill"
        scanner = np.where(random.random(240) < 0.95, truth, ~truth)
        assert abs(np.corrcoef(scanner, truth)[0, 1]) > 0.75
        planted = _of_category("Device model", ["A" if each else "B" for each in scanner], labels, seed)
        noise = [
            _of_category(f"Noise {k}", [str(each) for each in random.integers(0, k + 2, 240)], labels, seed)
            for k in range(5)
        ]
        numbers = [_of_number(f"Number {k}", random.normal(size=240).tolist(), labels) for k in range(4)]
        meaningless = [each for each in (*noise, *numbers) if each is not None]
        assert planted is not None
        found = association_findings([planted, *meaningless])
        assert found[0].title.startswith("Device model goes together")
        assert found[0].severity == "serious"
        false_alarms += association_findings(meaningless)[0].severity != "fine"
    assert false_alarms <= 5


def test_effects_agree_with_known_tables() -> None:
    labels = np.repeat(["a", "b"], 100)
    same = _of_category("x", labels.tolist(), labels, 0)
    assert same is not None
    assert same.effect > 0.98
    assert _of_category("x", ["one"] * 200, labels, 0) is None
    assert _of_category("x", [str(number) for number in range(200)], labels, 0) is None, "a name for each image"
    ages = _of_number("Age", [*np.linspace(20, 40, 100), *np.linspace(50, 70, 99), None], labels)
    assert ages is not None
    assert ages.effect > 0.8
    assert "a 30" in ages.shares
    assert association_findings([Association("x", 0.05, 1e-9, "")])[0].severity == "fine", "too weak to matter"


@pytest.mark.integration
def test_view_position_is_found_on_the_real_images(project: Project, cxr: Path) -> None:
    import_folders(project, [cxr / "dicom"])
    apply_labels(project, preview_table(project, cxr / "labels.csv"))
    make_split(project, SplitPlan())
    found = run_checks(project, Monitor())
    by_title = {finding.title.partition(" goes together")[0]: finding for finding in found}
    view = by_title["View position"]
    assert "AP in 57% of no_finding, 37% of pneumonia" in view.evidence
    checks = {finding.check: finding for finding in found}
    assert checks["attributes alone"].severity == "look"
    assert checks["borders alone"].severity == "serious"
    assert "95 %" in checks["borders alone"].evidence
    assert 90 <= len(checks["text"].images) <= 180, "images with PORTABLE on them"
    assert 20 <= len(checks["labels"].images) <= 200, "text-mined labels are noisy"
    assert checks["polarity"].severity == checks["blank"].severity == checks["cut"].severity == "fine"
    assert last_checks(project.root) == found


def _written(image: np.ndarray, text: str, size: int = 14) -> np.ndarray:
    picture = Image.fromarray(image)
    ImageDraw.Draw(picture).text((20, 30), text, fill=255, font=ImageFont.load_default(size=size))
    return np.asarray(picture)


def test_letters_in_the_pixels_are_seen_and_side_markers_are_not() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        image = np.round(chest(random, build=np.random.default_rng(seed), opacity=bool(seed % 2)) * 225).astype(
            np.uint8
        )
        image[-30:, -120:] = 20  # the phantom's own inscription
        image[:30, :40] = 20
        assert not has_text(image)
        assert not has_text(_written(image, "L"))
        assert has_text(_written(image, "DOE JOHN 1961"))
        assert has_text(255 - _written(image, "PORTABLE"))


def test_blank_cut_and_saturated_images() -> None:
    image = np.round(chest(np.random.default_rng(1), build=np.random.default_rng(1), opacity=False) * 225)
    image = image.astype(np.uint8)
    assert picture_facts(np.full((40, 50), 90, np.uint8)).blank
    fine = picture_facts(image)
    assert not (fine.blank or fine.cut or fine.saturated)
    cut = image.copy()
    cut[-len(cut) // 3 :] = 128
    assert picture_facts(cut).cut
    bordered = image.copy()
    bordered[-len(cut) // 3 :] = 0
    assert not picture_facts(bordered).cut, "black borders are collimation"
    burnt = image.copy()
    burnt[:, : image.shape[1] // 2] = 255
    assert picture_facts(burnt).saturated


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_negatives_are_found(share: float) -> None:
    facts: list[PictureFacts] = []
    negative = np.arange(60) < 60 * share
    for seed, turned in enumerate(negative):
        image = np.round(chest(np.random.default_rng(seed), build=np.random.default_rng(seed), opacity=False) * 225)
        facts.append(picture_facts(255 - image.astype(np.uint8) if turned else image.astype(np.uint8)))
    np.testing.assert_array_equal(_inverted(facts), negative)


def _images(labels: np.ndarray) -> list[LabelledImage]:
    return [LabelledImage(n, n // 2, label, f"{n:064d}", StoredAt(0, 0, 1, 1)) for n, label in enumerate(labels)]


def test_strangers_and_contradicted_labels_are_found() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(150) % 2, 2)
    features = random.normal(size=(300, 60)).astype(np.float32)
    features[:, :10] += truth[:, None] * 2.5
    wrong = random.choice(300, 15, replace=False)
    labels = np.array(["a", "b"])[np.where(np.isin(np.arange(300), wrong), 1 - truth, truth)]
    images = _images(labels)
    groups = np.arange(300) // 2
    doubted = contradicted_labels(images, features, groups)
    # Confident learning is cautious: it names about half of the planted ones, and next to no others.
    assert len(set(doubted.images) & set(wrong.tolist())) >= 7
    assert len(set(doubted.images) - set(wrong.tolist())) <= 1
    assert outliers(images, features).severity == "fine"
    features[7] += 40
    features[99] -= 60
    assert set(outliers(images, features).images) == {7, 99}


@pytest.mark.integration
def test_copies_small_classes_and_missing_ids_are_found(
    project: Project, images: Callable[..., Path], tmp_path: Path
) -> None:
    folder = images(patients=14, each=2)
    for name, patient in (("twice", "PAT-0"), ("stolen", "OTHER")):
        write_image(folder / f"dark/{name}", patient=patient, number=0)
    shutil.rmtree(folder / "dark")
    for patient in range(3):
        name = f"D{patient}" if patient else ""
        write_image(folder / f"dark/p{patient}", patient=name, number=patient, level=0.2)
    import_folders(project, [folder])
    apply_labels(project, preview_folders(project))
    found = {finding.check: finding for finding in run_checks(project, Monitor())}
    (nameless,) = found["identity"].images
    source = source_of(project, nameless)
    assert source is not None
    assert source[0].path == folder / "dark/p0"
    assert found["class sizes"].severity == "serious"
    assert "“dark”" in found["class sizes"].title


@pytest.mark.integration
def test_a_copy_under_another_name_is_serious_and_can_be_left_out(project: Project, tmp_path: Path) -> None:

    for patient in range(24):
        write_picture(tmp_path / f"images/{patient % 2}/{patient}", texture(patient, 0), f"PAT-{patient}")
    write_picture(tmp_path / "images/1/copy", texture(4, 0)[:, ::-1], "SOMEBODY")
    import_folders(project, [tmp_path / "images"])
    apply_labels(project, preview_folders(project))
    split = make_split(project, SplitPlan(folds=2))
    found = {finding.check: finding for finding in run_checks(project, Monitor())}
    copies = found["copies of others"]
    assert copies.severity == "serious"
    assert copies.leave_out
    assert "mirrored" in copies.evidence
    assert found["copies with other labels"].severity == "serious"
    leave_out(project, copies.images, copies.title)
    assert len(labelled_images(project)) == 24
    assert not is_current(project, split)
    assert "copies of others" not in {finding.check for finding in run_checks(project, Monitor())}
    put_back(project, copies.images)
    assert len(labelled_images(project)) == 25
    assert is_current(project, split)


def test_without_labels_there_is_nothing_to_check(project: Project) -> None:
    with pytest.raises(NothingToCheck):
        run_checks(project, Monitor())
    assert last_checks(project.root) == []
    (project.root / "checks.json").write_text("{}")
    assert last_checks(project.root) == []
    assert CheckResult("x", "fine", "t", "e").images == ()


def test_what_earlier_versions_kept_is_read_by_todays_names(project: Project) -> None:
    keep_checks(project.root, [CheckResult("strangers", "look", "t", "e")], ["strangers"], "label", Seen.of([]))
    assert [each.check for each in last_checks(project.root)] == ["outliers"]
    checked = last_checked(project.root)
    assert checked is not None and checked.carried_out == ("outliers",) and checked.findings[0].check == "outliers"
