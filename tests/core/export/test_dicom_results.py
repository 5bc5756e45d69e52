"""Results as DICOM: in the image's own study, under series of their own, right by an independent validator."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from fineray.evaluation.operating_point import PointRule
from fineray.export.dicom_results import DicomResultWriter
from fineray.export.heat_maps import STRIP, HeatMapWriter, below
from fineray.prediction.predict import predict_folder
from fineray.prediction.results import FolderPredictions
from fineray.project.project import open_project
from fineray.project.runs import run
from tests.support.images import write_image
from tests.support.studies import Zoo, lend

pytestmark = pytest.mark.xdist_group("dicom results")  # the same for all of them


@pytest.fixture(scope="module")
def results(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> tuple[FolderPredictions, Path, Path]:
    """(the table, the images, the folder of results) of four images: two real ones, one of a test, one picture."""
    root = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        return _results(lend(zoo.trained(), root / "study"), root)


def _results(study: Path, root: Path) -> tuple[FolderPredictions, Path, Path]:
    images, out = root / "new", root / "out"
    write_image(images / "a" / "small.dcm", patient="NEW-1", level=0.6)
    for name in ("RG1_UNCR.dcm", "RG3_UNCI.dcm"):
        shutil.copyfile(get_testdata_file(name), images / name)
    Image.fromarray(np.full((60, 50), 90, dtype=np.uint8)).save(images / "picture.png")
    with open_project(study) as project:
        folder = run(project, "run-001")
        classes = folder.metrics().classes
        dicom, maps = DicomResultWriter(folder, classes, out), HeatMapWriter(folder, classes, out)
        table = predict_folder(project, folder, images, visit=lambda new: (dicom(new), maps(new), None)[-1])
    assert dicom.without == 1, "the picture is no DICOM file"
    return table, images, out


def test_three_objects_an_image_in_its_own_study(results: tuple[FolderPredictions, Path, Path]) -> None:
    table, images, out = results
    scored = {row.file: row for row in table.rows if row.probabilities}
    assert len(scored) == 4
    for name in ("a/small.dcm", "RG1_UNCR.dcm"):
        source = pydicom.dcmread(images / name)
        made = {kind: pydicom.dcmread(out / f"{name}.{kind}.dcm") for kind in ("report", "heatmap", "state")}
        assert {each.StudyInstanceUID for each in made.values()} == {source.StudyInstanceUID}
        assert {each.PatientID for each in made.values()} == {source.PatientID}
        series = {each.SeriesInstanceUID for each in made.values()}
        assert len(series) == 3 and source.SeriesInstanceUID not in series
        assert len({each.SOPInstanceUID for each in made.values()}) == 3
        for each in made.values():
            assert "RESEARCH USE ONLY" in each.SeriesDescription and each.Manufacturer == "Fineray"
        report = made["report"]
        assert report.Modality == "SR" and report.VerificationFlag == "UNVERIFIED"
        assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
        numbers = [float(item.MeasuredValueSequence[0].NumericValue) for item in _items(report, "NUM")]
        assert numbers == pytest.approx(scored[name].probabilities, abs=1e-6)
        words = [item.ConceptCodeSequence[0].CodeMeaning for item in _items(report, "CODE")]
        assert scored[name].predicted in words and "For research use only, not for diagnosis." in words
        assert made["state"].ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == (
            source.SOPInstanceUID
        )
        assert made["heatmap"].BurnedInAnnotation == "YES" and made["heatmap"].pixel_array.shape[2] == 3


@pytest.mark.integration
def test_what_an_image_counts_as_stands_beside_its_own_probability(trained: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "new" / "image.dcm", patient="NEW-1", level=0.62)  # bright, most probably
    with open_project(trained) as project:
        folder = run(project, "run-001")
        dicom = DicomResultWriter(folder, folder.metrics().classes, tmp_path / "out")
        by_hand = PointRule("threshold", "dark", 0.0)
        (row,) = predict_folder(project, folder, tmp_path / "new", visit=dicom, rule=by_hand).rows
    assert row.predicted == "dark" and row.probabilities[1] < 0.5
    state = pydicom.dcmread(tmp_path / "out" / "image.dcm.state.dcm")
    text = state.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue
    assert text.startswith(f"dark {row.probabilities[1]:.3f}")
    report = pydicom.dcmread(tmp_path / "out" / "image.dcm.report.dcm")
    assert "dark" in [item.ConceptCodeSequence[0].CodeMeaning for item in _items(report, "CODE")]


def _items(ds: pydicom.Dataset, kind: str) -> list[pydicom.Dataset]:
    found = []
    for item in ds.get("ContentSequence", []):
        found += [item] if item.ValueType == kind else []
        found += _items(item, kind)
    return found


def test_a_validator_finds_no_error(results: tuple[FolderPredictions, Path, Path]) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian's package dicom3tools)")
    made = sorted(results[2].rglob("*.dcm"))
    assert len(made) == 9
    for path in made:
        done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
        assert not errors, (path.name, errors)


def test_heat_maps_show_the_image_and_what_they_are(results: tuple[FolderPredictions, Path, Path]) -> None:
    table, _, out = results
    picture = np.asarray(Image.open(out / "RG1_UNCR.dcm.png"))
    assert picture.shape[2] == 3 and picture[-STRIP:].max() == 255, "words below the image"
    colours = np.ptp(picture[:-STRIP].astype(int), axis=2)
    assert (colours > 20).mean() > 0.01 and (colours < 5).mean() > 0.1, "evidence in colour over a gray image"
    assert len(list(out.rglob("*.png"))) == sum(bool(row.probabilities) for row in table.rows) == 4


def test_results_stay_below_their_folder(tmp_path: Path) -> None:
    for file in ("../../evil", "/etc/evil", "a/../../evil", "a/b"):
        assert (tmp_path / "out") in below(tmp_path / "out", file, ".png").parents
