"""The project's images as DICOM files without identity."""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from fineray.dicom.deidentify import Disguise, deidentified, identity_of
from fineray.dicom.letters import Region, text_lines
from fineray.dicom.pixels import decoded
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import open_dicom
from fineray.errors import FinerayError, storage_error
from fineray.export.key_file import SHORTEST, KeyFileRefused, write_key_file
from fineray.export.options import ExportOptions, ExportSummary
from fineray.progress import SILENT, FileResult, Monitor, Progress
from fineray.project.blanking import blanked_regions
from fineray.project.catalogue import devices, images_to_export, source_of, stored_at
from fineray.project.label_sets import label_sets, values_of
from fineray.project.project import Project

STAGE = "De-identifying"
MANIFEST = "images.csv"


class CannotExport(FinerayError):
    """The folder is not empty, or no image can be exported."""


def export_deidentified(
    project: Project, target: Path, options: ExportOptions, monitor: Monitor = SILENT
) -> ExportSummary:
    """Write each image to `target`/<pseudonym>/<number>.dcm, and images.csv with content hashes and labels.

    Images that were left out stay behind, and those that say that letters are burned in where none were found or drawn.
    Raises CannotExport, KeyFileRefused, Cancelled (what is written stays), or a storage error.
    """
    if options.key_file is not None and len(options.passphrase) < SHORTEST:
        raise KeyFileRefused(f"The passphrase has fewer than {SHORTEST} characters", todo="Choose a longer one.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CannotExport("The export needs a new or empty folder", where=str(target), todo="Choose another folder.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        export = _Export(project, target, options)
        images = images_to_export(project)
        monitor.report(Progress(STAGE, 0, len(images), "images"))
        for done, image in enumerate(images, start=1):
            monitor.check()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydicom warns of values that break the standard; they may hold names
                problem = export.write(image.id, image.pseudonym, image.content_hash)
            if problem:
                name = f"{image.pseudonym}, image {image.id}"
                monitor.report(FileResult(name, "skipped", problem, "It was not exported."))
            monitor.report(Progress(STAGE, done, len(images), "images"))
        return export.finish()
    except OSError as error:
        raise storage_error(error) or error from error


class _Export:
    def __init__(self, project: Project, target: Path, options: ExportOptions) -> None:
        self._project, self._target, self._options = project, target, options
        self._regions = blanked_regions(project)
        # What the catalogue holds as text was had by enough patients when it was imported.
        self._devices = devices(project)
        self._rows: list[tuple[str, int, str, str]] = []
        self._held_back: dict[str, int] = defaultdict(int)
        self._blanked = 0
        self._patients: dict[str, list[dict[str, str]]] = defaultdict(list)
        self._uids: dict[str, str] = {}

    def write(self, image: int, pseudonym: str, content_hash: str) -> str:
        """Write one image; returns why it was held back, or nothing."""
        problem = self._write(image, pseudonym, content_hash)
        if problem:
            self._held_back[problem] += 1
        return problem

    def finish(self) -> ExportSummary:
        """Write the list of images and the key."""
        if not self._rows:
            reasons = "; ".join(self._held_back) or "The project holds no images"
            raise CannotExport(
                f"No image could be exported: {reasons}",
                todo="Bring back the folders that the images were imported from.",
            )
        self._write_manifest()
        if self._options.key_file is not None:
            content = {"project": self._project.id, "patients": self._patients, "uids": self._uids}
            write_key_file(self._options.key_file, self._options.passphrase, content)
        return ExportSummary(len(self._rows), self._blanked, dict(self._held_back))

    def _write(self, image: int, pseudonym: str, content_hash: str) -> str:
        source = source_of(self._project, image)
        if source is None:
            return "its file is not at hand on this computer"
        location, frame = source
        try:
            ds = open_dicom(location)
            if ds is None:
                return "it was imported from a picture and has no DICOM header"
            pixels = decoded(ds, frame)
        except (NotARadiograph, UnreadableFile, OSError):
            return "its file cannot be read any more"
        regions = self._to_blank(image)
        if str(ds.get("BurnedInAnnotation", "")).upper() == "YES" and not regions:
            return "it says that letters are burned in, and none were found: blank them by hand"
        instance = str(ds.get("SOPInstanceUID") or content_hash) + (f" frame {frame}" if frame > 1 else "")
        # The frame's own header: it is true to the pixels where the file's is not, and holds the frame's window.
        made = deidentified(pixels.header, pixels.values, self._disguise(pseudonym), regions, instance)
        name = f"{pseudonym}/{image:06d}.dcm"
        path = self._target / name
        path.parent.mkdir(exist_ok=True)
        pydicom.dcmwrite(path, made, enforce_file_format=True)
        self._blanked += bool(regions)
        self._rows.append((name, image, pseudonym, content_hash))
        self._remember(pseudonym, ds)
        return ""

    def _to_blank(self, image: int) -> list[Region]:
        drawn = list(self._regions.get(image, ()))
        if not self._options.find_text:
            return drawn
        return drawn + text_lines(self._project.pixels.read(stored_at(self._project, image)))

    def _disguise(self, pseudonym: str) -> Disguise:
        options = self._options
        return Disguise(pseudonym, self._new_uid, self._shift, options.dates, options.keep_device, self._devices)

    def _new_uid(self, old: str) -> str:
        # A UUID as a UID (PS3.5 B.2): under 2.25 stand whole numbers of 128 bits.
        new = f"2.25.{int(self._project.keyed_hash('export uid:' + old)[:32], 16)}"
        if self._options.key_file is not None:
            self._uids[new] = old
        return new

    def _shift(self, date: str) -> str:
        return self._project.shifted_date(date).replace("-", "")

    def _remember(self, pseudonym: str, ds: Dataset) -> None:
        if self._options.key_file is not None:
            identity = identity_of(ds)
            if identity not in self._patients[pseudonym]:
                self._patients[pseudonym].append(identity)

    def _write_manifest(self) -> None:
        sets = label_sets(self._project)
        labels: list[Mapping[int, str]] = [values_of(self._project, each) for each in sets]
        with (self._target / MANIFEST).open("w", newline="", encoding="utf-8-sig") as file:
            table = csv.writer(file)
            table.writerow(["file", "patient", "content_hash", *(each.name for each in sets)])
            for name, image, pseudonym, content_hash in self._rows:
                table.writerow([name, pseudonym, content_hash, *(values.get(image, "") for values in labels)])
