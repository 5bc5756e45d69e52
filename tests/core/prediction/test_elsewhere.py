"""A model judged on another project's images, what it tells of drift, and what may be returned to its makers."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.export.statistics import write_statistics
from fineray.package.contents import export_package
from fineray.package.opening import open_package
from fineray.package.verifying import NotVerified, verify_run, verify_statistics
from fineray.prediction.abstaining import band_effect
from fineray.prediction.predict import predict_folder, watch_folder
from fineray.prediction.results import FolderPredictions
from fineray.prediction.validation import OtherLabels, validate
from fineray.progress import (
    Cancelled,
    Interim,
    Monitor,
    ProgressEvent,
)
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder, run, runs
from fineray.report.writing import write_report
from fineray.review.judging import judge
from fineray.review.query import ReviewQuery
from tests.support.images import write_image


def other_images(root: Path, patients: int = 16, names: tuple[str, str] = ("bright", "dark"), **tags: object) -> Path:
    for patient in range(patients):
        level = (0.6, 0.4)[patient % 2]
        write_image(root / names[patient % 2] / f"e{patient}", patient=f"EXT-{patient}", level=level, **tags)
    return root


@pytest.fixture
def elsewhere(trained: Path, tmp_path: Path) -> tuple[Project, RunFolder]:
    """(another hospital's project with images and labels, the model that was brought there)."""
    with open_project(trained) as project:
        export_package(project, run(project, "run-001"), tmp_path / "m.frpkg")
    create_project(tmp_path / "elsewhere")
    name = open_package(tmp_path / "m.frpkg", tmp_path / "elsewhere").run
    project = open_project(tmp_path / "elsewhere")
    # of the 40 training patients four come along, and must not count
    other = other_images(tmp_path / "images")
    for number in range(4):
        label = ("bright", "dark")[number % 2]
        source = trained.parent / "images" / label / f"p{number}"
        (other / label / f"known{number}").write_bytes(source.read_bytes())
    import_folders(project, [other])
    apply_labels(project, preview_folders(project))
    return project, run(project, name)


def test_the_whole_review_works_on_another_hospitals_images(
    elsewhere: tuple[Project, RunFolder], tmp_path: Path
) -> None:
    project, model = elsewhere
    done = validate(project, model, Monitor())
    predictions = done.predictions()
    assert set(predictions.parts) == {"external"} and len(predictions.images) == 16
    facts = done.metrics()
    assert facts.external.left_out == {"learned from": 4, "sealed elsewhere": 0, "other labels": 0}
    expected = roc_auc_score(predictions.true, predictions.probabilities[:, 1])
    assert facts.figures.auc.value == pytest.approx(expected)
    judged = judge(project, done, ReviewQuery(done.name, PointRule()), Monitor())
    assert judged.images == 16 and judged.figures.auc.value == pytest.approx(expected)
    path = write_report(project, done, tmp_path / "r.html", ReviewQuery(done.name, PointRule()), False, None)
    assert "trained elsewhere" in Path(path).read_text("utf-8")
    assert [each.name for each in runs(project)] == [done.name]
    assert len(verify_run(done)) == 1
    table = predict_folder(project, done, tmp_path / "images")
    assert sum("learned from this image" in row.flag for row in table.rows) == 4, "a validated model can be applied too"
    project.close()


def test_only_statistics_go_back(elsewhere: tuple[Project, RunFolder], tmp_path: Path) -> None:
    project, model = elsewhere
    done = validate(project, model, Monitor())
    write_statistics(project, done, tmp_path / "back.json", Monitor())
    text = (tmp_path / "back.json").read_text("utf-8")
    told = json.loads(text)
    for row in range(16):
        assert repr(float(done.predictions().probabilities[row, 0])) not in text, "no score of a single image"
    assert "P0000" not in text and "EXT-" not in text and str(tmp_path) not in text
    assert told["figures"]["images"] == 16 and sum(told["scores"]["dark"]["with"]) == 8
    assert len(verify_statistics(tmp_path / "back.json")) == 1
    told["figures"]["per_class"][0]["figures"]["sensitivity"]["value"] = 0.123
    (tmp_path / "forged.json").write_text(json.dumps(told))
    with pytest.raises(NotVerified, match="sensitivity of bright"):
        verify_statistics(tmp_path / "forged.json")
    for text in ("{", '{"kind": "statistics"}', "[]"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(NotVerified):
            verify_statistics(tmp_path / "bad.json")
    project.close()


def test_labels_of_another_question_are_refused(trained: Path, tmp_path: Path) -> None:
    with open_project(trained) as project:
        export_package(project, run(project, "run-001"), tmp_path / "m.frpkg")
        with pytest.raises(OtherLabels, match="learned from all"):
            validate(project, run(project, "run-001"), Monitor())
    for names in (("cat", "dog"), ("bright", "other")):
        target = tmp_path / names[0] / "project"
        target.parent.mkdir()
        create_project(target)
        with open_project(target) as project:
            import_folders(project, [other_images(tmp_path / names[0] / "images", 4, names)])
            apply_labels(project, preview_folders(project))
            name = open_package(tmp_path / "m.frpkg", target).run
            with pytest.raises(OtherLabels, match="bright, dark"):
                validate(project, run(project, name), Monitor())
            assert runs(project) == []


def test_drift_is_told_where_there_is_some_and_not_where_there_is_none(trained: Path, tmp_path: Path) -> None:
    alike = tmp_path / "alike"
    for patient in range(40):
        label = ("bright", "dark")[patient % 2]
        write_image(alike / f"{patient}", patient=f"NEW-{patient}", level=0.62 if label == "bright" else 0.38)
    unlike = tmp_path / "unlike"
    for patient in range(40):
        write_image(unlike / f"{patient}", patient=f"ODD-{patient}", level=0.9, PatientSex="F", ViewPosition="AP")
    with open_project(trained) as project:
        folder = run(project, "run-001")
        same = predict_folder(project, folder, alike).drift
        other = predict_folder(project, folder, unlike).drift

    assert same is not None and other is not None
    assert [line.what for line in same.lines if line.differs] == []
    differing = {line.what for line in other.lines if line.differs}
    assert {"View position", "Distance of features", "Probability of dark"} <= differing
    for line in (*same.lines, *other.lines):
        assert 0 <= line.size <= 1 and 0 <= line.p <= 1
        for share in line.shares:
            assert share.low - 1e-9 <= share.now <= share.high + 1e-9
    view = next(line for line in other.lines if line.what == "View position")
    assert {each.value: (each.before, each.now) for each in view.shares} == {"PA": (1.0, 0.0), "AP": (0.0, 1.0)}


@pytest.mark.integration
def test_chance_alone_is_seldom_called_drift() -> None:
    """Under the same distribution the Kolmogorov line is called different in far under one case in twenty."""
    from fineray.prediction.drift import _of_numbers
    from fineray.prediction.likeness import HUNDREDTHS

    random = np.random.default_rng(1)
    predicted = 0
    for _ in range(300):
        known = np.quantile(random.normal(size=400), HUNDREDTHS)
        predicted += _of_numbers("x", known, random.normal(size=60), 400).p < 0.05
    assert predicted / 300 < 0.08


@pytest.mark.integration
def test_a_watched_folder_is_told_anew_when_it_changes(trained: Path, tmp_path: Path) -> None:
    images = tmp_path / "watched"
    write_image(images / "1.dcm", patient="NEW-1", level=0.6)
    tables: list[FolderPredictions] = []
    ended = threading.Event()

    class Listen(Monitor):
        def report(self, what: ProgressEvent) -> None:
            if isinstance(what, Interim):
                assert isinstance(what.result, FolderPredictions)
                tables.append(what.result)
                if len(tables) == 1:
                    (images / "2.dcm").write_bytes((images / "1.dcm").read_bytes()[:900])  # still being written
                elif len(tables) == 2:
                    write_image(images / "2.dcm", patient="NEW-2", level=0.4)
                else:
                    ended.set()

        def check(self) -> None:
            if ended.is_set():
                raise Cancelled

    visited: list[str] = []
    with open_project(trained) as project, pytest.raises(Cancelled):
        folder = run(project, "run-001")
        watch_folder(
            project, folder, images, every_s=0.5, visit=lambda new: visited.append(new.scored.file), monitor=Listen()
        )
    assert [table.scored for table in tables] == [1, 1, 2] and visited == ["1.dcm", "2.dcm"]
    assert "not scored" in tables[1].rows[1].flag and tables[2].rows[1].flag == ""


def test_a_band_without_answers(trained: Path) -> None:
    with open_project(trained) as project:
        predictions = run(project, "run-001").predictions()
    effect = band_effect(predictions, OperatingPoint(), 0.2, 0.8)
    chance = predictions.probabilities[:, 1]
    outside = ~((chance >= 0.2) & (chance < 0.8))
    assert effect.answered.value == pytest.approx(outside.mean()) and effect.positive == "dark"
    right = (predictions.true == 1) & outside
    assert (
        effect.sensitivity.value == pytest.approx((chance[right] >= 0.5).mean()) and effect.sensitivity.n == right.sum()
    )
    nothing = band_effect(predictions, OperatingPoint(), 0.0, 1.01)
    assert nothing.answered.value == 0 and nothing.sensitivity.value is None


def test_drift_agrees_with_other_implementations() -> None:
    """Kolmogorov's D and p with scipy's two-sample test, a 2 x 2 table with Fisher's exact one, intervals with
    statsmodels."""
    from scipy.stats import fisher_exact, ks_2samp
    from statsmodels.stats.proportion import proportion_confint

    from fineray.prediction.drift import _of_attribute, _of_numbers
    from fineray.prediction.likeness import HUNDREDTHS

    random = np.random.default_rng(3)
    for shift in (0.0, 0.3, 0.8):
        before, now = random.normal(size=4000), random.normal(shift, 1.1, size=300)
        line = _of_numbers("x", np.quantile(before, HUNDREDTHS), now, len(before))
        other = ks_2samp(before, now, method="asymp")
        assert line.size == pytest.approx(other.statistic, abs=0.012)
        assert np.log10(line.p + 1e-12) == pytest.approx(np.log10(other.pvalue + 1e-12), abs=0.12 * (2 + 30 * shift))
    line = _of_attribute("sex", {"F": 300, "M": 3}, {"F": 20, "M": 4})
    assert line.p == pytest.approx(fisher_exact([[300, 3], [20, 4]]).pvalue, rel=0.5)
    assert line.size == pytest.approx(abs(3 / 303 - 4 / 24))
    for share, count in zip(line.shares, (20, 4), strict=True):
        assert (share.low, share.high) == pytest.approx(proportion_confint(count, 24, method="wilson"), abs=1e-4)


def test_the_band_agrees_with_scikit_learn(trained: Path) -> None:
    from sklearn.metrics import recall_score

    with open_project(trained) as project:
        predictions = run(project, "run-001").predictions()
    effect = band_effect(predictions, OperatingPoint("dark", 0.4, "by hand"), 0.3, 0.6)
    chance = predictions.probabilities[:, 1]
    predicted = (chance >= 0.4).astype(int)
    out = (chance < 0.3) | (chance >= 0.6)
    for found, label, rows in (
        (effect.sensitivity, 1, out),
        (effect.specificity, 0, out),
        (effect.sensitivity_without, 1, np.ones_like(out)),
        (effect.specificity_without, 0, np.ones_like(out)),
    ):
        assert found.value == pytest.approx(recall_score(predictions.true[rows], predicted[rows], pos_label=label))
