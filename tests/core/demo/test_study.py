"""The demo study is synthetic, says so everywhere, and is as mixed as an archive."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from fineray.demo.phantom import chest
from fineray.demo.study import write_study
from fineray.dicom.location import FileLocation
from fineray.dicom.read import read_radiograph
from fineray.dicom.shades import shades
from fineray.progress import Cancelled, Monitor

pytestmark = pytest.mark.xdist_group("demo")  # one study for all of them


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("demo") / "images", patients=12)


def test_images_of_many_kinds_are_readable_and_labelled(study: Path) -> None:
    with study.open(newline="") as file:
        rows = list(csv.DictReader(file))
    files = sorted(path for path in study.parent.rglob("*.dcm"))
    assert len(rows) == len(files) > 20
    kinds = Counter()
    for path in files:
        read = read_radiograph(FileLocation(path))
        kinds[read.attributes.photometric] += 1
        kinds[read.attributes.transfer_syntax] += 1
        kinds[f"{read.attributes.bits_stored} bits"] += 1
        shown = shades(read.image)
        lungs, middle = shown[120:200, 70:110].mean(), shown[120:200, 165:195].mean()
        assert middle > lungs, "whatever the encoding, bones are bright and lungs are dark"
    assert len(kinds) == 2 + 4 + 2
    assert {row["label"] for row in rows} == {"clear (synthetic)", "opacity (synthetic)"}


def test_every_name_says_synthetic(study: Path) -> None:
    for path in study.parent.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        for keyword in ("PatientName", "PatientID", "StudyDescription", "SeriesDescription"):
            assert "SYNTHETIC" in str(ds[keyword].value)
        assert "SYNTHETIC" in path.parent.name


def test_the_pixels_say_synthetic_and_repeat() -> None:
    one, two = (chest(np.random.default_rng(1), build=np.random.default_rng(2), opacity=True) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert (one[-25:, -110:] > 0.99).sum() > 50, "burnt-in letters"
    other = chest(np.random.default_rng(3), build=np.random.default_rng(2), opacity=True)
    assert not np.array_equal(one, other)


def test_making_it_can_be_cancelled(tmp_path: Path) -> None:
    class Impatient(Monitor):
        def check(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_study(tmp_path / "x", monitor=Impatient())
