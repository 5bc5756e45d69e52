"""De-identification of one data set: what goes, what stays, and that the file is still a good X-ray."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from fineray.dicom.deidentify import ACTIONS, Disguise, deidentified
from fineray.dicom.letters import Region, text_lines
from fineray.dicom.pixels import decoded, stored_values
from fineray.dicom.presentation import gray_image
from fineray.dicom.shades import shades_8bit
from tests.support.film import film
from tests.support.images import image

DISGUISE = Disguise(
    "P00001",
    lambda old: f"2.25.{sum(old.encode())}",
    lambda date: "20010203" if date.isdigit() else "",
    devices=("ACME",),
)


def _values(bits: int = 12, signed: bool = False) -> np.ndarray:
    random = np.random.default_rng(0)
    low = -(1 << (bits - 1)) if signed else 0
    return random.integers(low, low + (1 << bits), (40, 30)).astype(np.int16 if signed else np.uint16)


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (16, False), (12, True)])
def test_pixels_come_through_without_loss(bits: int, signed: bool) -> None:
    values = _values(bits, signed)
    ds = image(values, bits=bits)
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert made.file_meta.TransferSyntaxUID == uid.RLELossless
    np.testing.assert_array_equal(stored_values(made), values)


def _frame_with_a_window_of_its_own() -> Dataset:
    ds, groups, voi = image(film(12), NumberOfFrames=1), Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = 3000, 1000
    groups.FrameVOILUTSequence = [voi]
    ds.SharedFunctionalGroupsSequence = [groups]
    return ds


def _gray_in_colour() -> Dataset:
    ds = image(film(8).astype(np.uint8), bits=8, PhotometricInterpretation="RGB", SamplesPerPixel=3)
    ds.PlanarConfiguration, ds.PixelData = 0, np.stack([film(8).astype(np.uint8)] * 3, axis=2).tobytes()
    return ds


@pytest.mark.parametrize(
    "ds",
    [
        image(film(12), PhotometricInterpretation="MONOCHROME 1", WindowCenter=2048, WindowWidth=4096),
        image(film(12), BitsStored=10, HighBit=9, WindowCenter=2048, WindowWidth=4096),
        image((film(12) << 4).astype(np.uint16), HighBit=15),
        _frame_with_a_window_of_its_own(),
        _gray_in_colour(),
    ],
    ids=["Monochrome 1", "Bits Stored", "High Bit", "frame's window", "RGB"],
)
def test_what_was_mended_is_written_as_it_is_shown(ds: Dataset) -> None:
    read = decoded(ds)
    made = deidentified(read.header, read.values, DISGUISE)
    again = decoded(made)
    shown = shades_8bit(gray_image(read.header, read.values).image)
    np.testing.assert_array_equal(shades_8bit(gray_image(again.header, again.values).image), shown)
    assert again.notes == () and "SharedFunctionalGroupsSequence" not in made


def test_the_table_of_the_standard_is_whole() -> None:
    expected = {
        "PatientName": "empty",
        "PatientID": "dummy",
        "PatientBirthDate": "empty",
        "InstitutionName": "dummy",
        "InstitutionAddress": "remove",
        "StudyInstanceUID": "uid",
        "SOPInstanceUID": "uid",
        "PatientComments": "remove",
        "OtherPatientIDs": "remove",
        "OperatorsName": "dummy",
    }
    assert len(ACTIONS) > 600
    assert {name: ACTIONS[Tag(name)] for name in expected} == expected


def test_dates_move_or_go_and_birth_dates_always_go() -> None:
    ds = image(
        _values(),
        StudyDate="20200101",
        PatientBirthDate="19700101",
        StudyTime="101112",
        AcquisitionDateTime="2020010110",
    )
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert (made.StudyDate, made.AcquisitionDateTime) == ("20010203", "20010203")
    assert not made.PatientBirthDate and not made.StudyTime
    assert made.LongitudinalTemporalInformationModified == "MODIFIED"
    removed = Disguise(DISGUISE.pseudonym, DISGUISE.new_uid, DISGUISE.shift, "removed")
    made = deidentified(ds, stored_values(ds), removed)
    assert not made.StudyDate and made.LongitudinalTemporalInformationModified == "REMOVED"
    ds.StudyDate = "Miller"
    assert not deidentified(ds, stored_values(ds), DISGUISE).StudyDate


def test_the_device_is_kept_only_as_chosen() -> None:
    ds = image(_values(), StationName="ROOM 7", DeviceSerialNumber="S-123", Manufacturer="ACME", GantryID="G")
    ds.ManufacturerModelName = "Mrs Typed-Here"
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert (made.StationName, made.DeviceSerialNumber, made.Manufacturer) == ("REMOVED", "REMOVED", "ACME")
    assert "ManufacturerModelName" not in made
    kept = deidentified(ds, stored_values(ds), Disguise("P", DISGUISE.new_uid, DISGUISE.shift, keep_device=True))
    assert (kept.StationName, kept.DeviceSerialNumber, kept.GantryID) == ("ROOM 7", "S-123", "G")
    assert "113109" in [item.CodeValue for item in kept.DeidentificationMethodCodeSequence]


def test_regions_are_blanked_black() -> None:
    for photometric, black in (("MONOCHROME2", 0), ("MONOCHROME1", 4095)):
        values = _values()
        values[0, 0], values[0, 1] = 0, 4095
        ds = image(values, PhotometricInterpretation=photometric)
        made = deidentified(ds, stored_values(ds), DISGUISE, [Region(0.5, 0.5, 1.0, 0.75)])
        found = stored_values(made)
        assert (found[20:, 15:23] == black).all(), photometric
        np.testing.assert_array_equal(found[:20], values[:20])
        assert [item.CodeValue for item in made.DeidentificationMethodCodeSequence][1] == "113101"


def test_private_elements_stay_only_where_they_are_known_to_be_safe() -> None:
    ds = image(_values())
    ds.private_block(0x0903, "GEIIS PACS", create=True).add_new(0x10, "US", 1)
    ds.private_block(0x0903, "GEIIS PACS").add_new(0x20, "LO", "Smith")
    ds.private_block(0x0011, "ACME 1.0", create=True).add_new(0x01, "US", 3)
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert {str(element.value) for element in made if element.tag.is_private} == {"GEIIS PACS", "1"}


def test_codes_keep_the_meaning_of_their_scheme() -> None:
    ds = image(_values())
    known, unknown = Dataset(), Dataset()
    known.CodeValue, known.CodingSchemeDesignator, known.CodeMeaning = "399348003", "SCT", "Mr Smith"
    unknown.CodeValue, unknown.CodingSchemeDesignator, unknown.CodeMeaning = "X-17", "99LOCAL", "Mr Smith"
    ds.ViewCodeSequence = [known, unknown]
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert [item.CodeMeaning for item in made.ViewCodeSequence] == ["antero-posterior"]


def test_uids_of_the_standard_stay_and_others_are_consistent() -> None:
    ds = image(_values(), FrameOfReferenceUID="1.2.3", SynchronizationFrameOfReferenceUID="1.2.3")
    made = deidentified(ds, stored_values(ds), DISGUISE)
    assert made.SOPClassUID == ds.SOPClassUID
    assert made.FrameOfReferenceUID == made.SynchronizationFrameOfReferenceUID != "1.2.3"


def test_lines_of_letters_are_found_where_they_are() -> None:
    pixels = np.full((200, 300), 90, dtype=np.uint8)
    for letter in range(6):
        pixels[150:162, 20 + 14 * letter : 22 + 14 * letter] = 255
        pixels[150:152, 20 + 14 * letter : 29 + 14 * letter] = 255
    region = text_lines(pixels)[0]
    assert region.y0 * 200 <= 150 and region.y1 * 200 >= 162
    assert region.x0 * 300 <= 20 and region.x1 * 300 >= 99
    assert region.y1 - region.y0 < 0.4
