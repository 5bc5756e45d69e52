"""Each frame is shown as its functional groups say: its own, then the shared ones, then the file's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from fineray.dicom.frame_header import frame_header
from fineray.dicom.radiograph import Window
from fineray.dicom.read import read_radiographs
from tests.support.film import film
from tests.support.images import image

FILM = film(12)


def group(**sequences: dict[str, Any]) -> Dataset:
    made = Dataset()
    for name, values in sequences.items():
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(made, name, [item])
    return made


def tomosynthesis(frames: int, **tags: Any) -> Dataset:
    ds = image(FILM, NumberOfFrames=frames, Modality="MG", SOPClassUID=uid.BreastTomosynthesisImageStorage, **tags)
    ds.PixelData = FILM.tobytes() * frames
    return ds


@pytest.mark.parametrize("implicit", [False, True])
def test_a_frames_own_window_goes_before_the_shared_one(tmp_path: Path, implicit: bool) -> None:
    ds = tomosynthesis(3, WindowCenter=100, WindowWidth=50)
    ds.SharedFunctionalGroupsSequence = [
        group(
            FrameVOILUTSequence={"WindowCenter": 3000, "WindowWidth": 1000, "VOILUTFunction": "SIGMOID"},
            PixelValueTransformationSequence={"RescaleSlope": 2, "RescaleIntercept": -5, "RescaleType": "US"},
            PixelMeasuresSequence={"PixelSpacing": [0.1, 0.2]},
        )
    ]
    own = group(FrameVOILUTSequence={"WindowCenter": [1500, 1], "WindowWidth": [800, 1]})
    ds.PerFrameFunctionalGroupsSequence = [group(), own]  # and nothing on the third
    if implicit:
        ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    ds.save_as(tmp_path / "f")
    first, second, third = read_radiographs(tmp_path / "f", "all")
    assert first.image.window == third.image.window == Window(3000, 1000, "SIGMOID")
    assert second.image.window == Window(1500, 800, "LINEAR")
    for read in (first, second, third):
        np.testing.assert_array_equal(read.image.values, FILM * 2.0 - 5)
        assert read.attributes.pixel_spacing_mm == (0.1, 0.2)
        assert (read.attributes.voi_source, read.warnings) == ("window", ())


def test_a_frames_voi_lut(tmp_path: Path) -> None:
    ds, lut = tomosynthesis(2), Dataset()
    lut.add_new("LUTDescriptor", "US", [4096, 0, 12])
    lut.add_new("LUTData", "US", list(range(4095, -1, -1)))
    ds.PerFrameFunctionalGroupsSequence = [group(), group(FrameVOILUTSequence={"VOILUTSequence": [lut]})]
    ds.save_as(tmp_path / "f")
    first, second = read_radiographs(tmp_path / "f", "all")
    assert (first.attributes.voi_source, second.attributes.voi_source) == ("percentile", "VOI LUT")
    np.testing.assert_array_equal(second.image.values, 4095 - FILM.astype(int))


def test_the_files_own_header_is_left_as_it_is_and_nonsense_is_passed_over() -> None:
    ds = tomosynthesis(1, WindowCenter=100, WindowWidth=50)
    ds.add_new("SharedFunctionalGroupsSequence", "LO", "none")
    ds.PerFrameFunctionalGroupsSequence = [group(FrameVOILUTSequence={"FrameVOILUTSequence": []})]
    header = frame_header(ds, 1)
    header.WindowCenter = 7
    assert (ds.WindowCenter, header.WindowWidth, "PixelData" in header) == (100, 50, False)
    assert frame_header(ds, 99).WindowCenter == 100
