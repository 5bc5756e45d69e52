"""Coverage-guided fuzzing of the header reader: python -m tests.robustness.fuzz_header CORPUS [libFuzzer's options].

Whatever the bytes, reading ends in images or in one of the two errors that name a reason and a remedy.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fineray.dicom", "pydicom"]):
    from fineray.dicom.location import FileLocation
    from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
    from fineray.dicom.read import read_radiographs

FILE = Path(tempfile.mkdtemp(prefix="fineray-fuzz-")) / "image"
warnings.simplefilter("ignore")


def read(data: bytes) -> None:
    """One file."""
    FILE.write_bytes(data)
    try:
        found = read_radiographs(FileLocation(FILE), "first")
    except (NotARadiograph, UnreadableFile) as error:
        assert error.what and error.todo
    else:
        assert all(each.image.index.ndim == 2 for each in found)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
