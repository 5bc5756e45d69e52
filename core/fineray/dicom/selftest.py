"""Whether this very installation can decode: frozen applications lose decoders without a word."""

from __future__ import annotations

import base64
import json
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from fineray.dicom.codec_result import CodecResult
from fineray.dicom.pixels import FASTEST_PLUGIN, stored_values
from fineray.errors import FinerayError

SIDE = 16


def codec_self_test() -> list[CodecResult]:
    """Decode the small built-in picture of every compressed transfer syntax (fineray_resources/codecs.json)."""
    manifest = json.loads(resources.files("fineray_resources").joinpath("codecs.json").read_text("utf-8"))
    return [_tried(entry) for entry in manifest["pictures"]]


def _tried(entry: dict[str, str]) -> CodecResult:
    syntax = UID(entry["transfer_syntax"])
    expected = _picture(entry["picture"])
    problem = ""
    try:
        values = stored_values(_data_set(syntax, expected, base64.b64decode(entry["codestream"])))
        worst = int(np.abs(values.astype(np.int64) - expected).max())
        if worst > int(entry["tolerance"]):
            problem = f"pixels differ by up to {worst}"
    except FinerayError as error:
        problem = error.what
    return CodecResult(syntax.name, FASTEST_PLUGIN.get(syntax, "pydicom"), problem)


def _picture(kind: str) -> NDArray[np.int64]:
    if kind == "ramp":
        return np.asarray(np.add.outer(np.arange(SIDE) * 61, np.arange(SIDE) * 31) % 4096)
    top = 255 if kind == "smooth8" else 4095
    return np.linspace(0, top, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.int64)


def _data_set(syntax: UID, picture: NDArray[np.int64], codestream: bytes) -> Dataset:
    bits = 8 if picture.max() < 256 else 12
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PixelRepresentation = "MONOCHROME2", 1, 0
    ds.Rows, ds.Columns = picture.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    ds.PixelData = encapsulate([codestream])
    ds["PixelData"].is_undefined_length = True
    return ds
