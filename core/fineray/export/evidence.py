"""What is written of each new image beside its row in the table: its heat map, and DICOM objects that refer to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fineray.export.dicom_results import DicomResultWriter
from fineray.export.heat_maps import HeatMapWriter, map_of
from fineray.prediction.predict import NewImage
from fineray.project.runs import RunFolder


def evidence_writer(folder: RunFolder, maps: Path | None, results: Path | None) -> Callable[[NewImage], None] | None:
    """A visitor of new images that writes what is asked for, each into its own folder; None where nothing is. May raise
    a storage error."""
    classes = folder.metrics().classes
    writers: list[HeatMapWriter | DicomResultWriter] = []
    if maps is not None:
        writers.append(HeatMapWriter(folder, classes, maps))
    if results is not None:
        writers.append(DicomResultWriter(folder, classes, results))

    def write(new: NewImage) -> None:
        seen = map_of(folder, classes, new)  # once, in whatever forms it is written
        for writer in writers:
            writer.write(new, seen)

    return write if writers else None
