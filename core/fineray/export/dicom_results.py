"""What a run says of an image as DICOM objects in the image's own study, each under a new series.

A Structured Report (PS3.16 TID 1500 with TID 1501), a heat map as Secondary Capture (PS3.3 A.8.1) and a Grayscale
Softcopy Presentation State (PS3.3 A.33.1); made by highdicom. They are for research use and say so.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from highdicom.sr import (
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from fineray import RESEARCH_USE, __version__
from fineray.dicom.dataset import as_they_stand
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import open_dicom
from fineray.export.heat_maps import HeatMap, below, map_of
from fineray.prediction.predict import NewImage
from fineray.project.runs import RunFolder
from fineray.system.output_file import whole_file

MAKER, SCHEME = "Fineray", "99FINERAY"  # codes of our own: no standard names the classes of every study
KINDS = ("report", "heat map", "presentation state")
RESEARCH = "RESEARCH USE ONLY"
OUTLINED = 0.5  # of the strongest evidence: what the presentation state outlines


@dataclass
class DicomResultWriter:
    """A visitor of new images that writes three DICOM files each below `output`.

    Images that are no DICOM files, or lack the identifiers that refer to them, are counted in `without` and get none.
    """

    folder: RunFolder
    classes: tuple[str, ...]
    output: Path
    without: int = 0
    _series: dict[tuple[str, str], str] = field(default_factory=dict)
    _number: int = 0

    def __call__(self, new: NewImage) -> None:
        """Write those of one image. May raise a storage error."""
        self.write(new, map_of(self.folder, self.classes, new))

    @as_they_stand()
    def write(self, new: NewImage, seen: HeatMap) -> None:
        """Write those of one image whose map is known. May raise a storage error."""
        try:
            source = open_dicom(new.source)
        except (NotARadiograph, UnreadableFile, OSError):
            source = None
        needed = ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")
        if source is None or not all(source.get(name) for name in needed):
            self.without += 1
            return
        self._number += 1
        evidence = _referable(source)
        scored = new.scored
        chance = scored.probabilities[self.classes.index(seen.class_name)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's of values in the source that break the standard
            made = {
                ".report.dcm": self._report(evidence, scored.probabilities, scored.predicted, scored.flag),
                ".heatmap.dcm": self._heat_map(evidence, seen),
                ".state.dcm": self._state(evidence, seen, chance),
            }
            for ending, ds in made.items():
                with whole_file(below(self.output, new.scored.file, ending)) as partial:
                    ds.save_as(partial, enforce_file_format=True)

    def _of_series(self, source: Dataset, kind: str) -> dict[str, Any]:
        key = (str(source.StudyInstanceUID), kind)
        return {
            "series_instance_uid": self._series.setdefault(key, generate_uid()),
            "series_number": 900 + KINDS.index(kind),
            "sop_instance_uid": generate_uid(),
            "instance_number": self._number,
            "manufacturer": MAKER,
            "series_description": f"Fineray {kind}, {RESEARCH}",
        }

    def _report(self, source: Dataset, chances: tuple[float, ...], told: str, flag: str) -> Dataset:
        device = DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=[MAKER, __version__]),
            name=MAKER,
            manufacturer_name=MAKER,
            model_name=self.folder.name,
        )
        context = ObservationContext(
            observer_device_context=ObserverContext(
                observer_type=codes.DCM.Device, observer_identifying_attributes=device
            )
        )
        numbers = [
            Measurement(
                name=CodedConcept(f"P{number + 1}", SCHEME, _meaning(f"Probability of {name}")),
                value=round(chance, 6),
                unit=CodedConcept("{ratio}", "UCUM", "ratio"),
            )
            for number, (name, chance) in enumerate(zip(self.classes, chances, strict=True))
        ]
        words = [
            QualitativeEvaluation(
                CodedConcept("CALLED", SCHEME, "Counts as"),
                CodedConcept(self._code(told), SCHEME, _meaning(told.replace("|", ", ")) or "no answer"),
            ),
            QualitativeEvaluation(
                CodedConcept("USE", SCHEME, "Use"), CodedConcept("RESEARCH", SCHEME, RESEARCH_USE[:64])
            ),
        ]
        if flag:
            words.append(
                QualitativeEvaluation(
                    CodedConcept("CAUTION", SCHEME, "Caution"), CodedConcept("FLAGGED", SCHEME, _meaning(flag))
                )
            )
        group = MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier=f"Image {self._number}"),
            measurements=numbers,
            qualitative_evaluations=words,
            source_images=[SourceImageForMeasurementGroup.from_source_image(source)],
            finding_type=CodedConcept("SCORE", SCHEME, "Scores of a trained network"),
        )
        report = MeasurementReport(
            observation_context=context,
            procedure_reported=codes.LN.XRayReport if hasattr(codes.LN, "XRayReport") else _PLAIN_IMAGE,
            imaging_measurements=[group],
            title=CodedConcept("126000", "DCM", "Imaging Measurement Report"),
        )
        made = EnhancedSR(
            evidence=[source], content=report[0], is_complete=True, is_final=False, **self._of_series(source, "report")
        )
        return _marked(made, source, of_image=False)

    def _code(self, told: str) -> str:
        """Of what an image counts as: a class or findings between bars by number, 0 for none."""
        numbers = [str(self.classes.index(name) + 1) for name in told.split("|") if name in self.classes]
        return f"C{'-'.join(numbers) or '0'}"[:16]  # as long as a code may be

    def _heat_map(self, source: Dataset, seen: HeatMap) -> Dataset:
        of_series = self._of_series(source, "heat map")
        made = hd.sc.SCImage.from_ref_dataset(
            ref_dataset=source,
            pixel_array=np.ascontiguousarray(seen.picture),
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "F"),
            pixel_spacing=None,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **of_series,
        )
        made.BurnedInAnnotation = "YES"
        made.ImageComments = f"Evidence for {seen.class_name}. {RESEARCH_USE}"
        made.DerivationDescription = "Grad-CAM over the stages of the network, on the image at reduced size"
        # What the image shows is the source's; its orientation is not known better than there.
        made["PatientOrientation"].value = source.get("PatientOrientation") or ""
        return _marked(made, source)

    def _state(self, source: Dataset, seen: HeatMap, chance: float) -> Dataset:
        layer = GraphicLayer("FINERAY", order=1, description=RESEARCH)
        text = TextObject(
            text_value=f"{seen.class_name} {chance:.3f} - {RESEARCH}",
            units=AnnotationUnitsValues.DISPLAY,
            bounding_box=(0.02, 0.02, 0.6, 0.07),
        )
        outline = GraphicObject(
            graphic_type=GraphicTypeValues.POLYLINE,
            graphic_data=_outline(seen.evidence, int(source.Rows), int(source.Columns)),
            units=AnnotationUnitsValues.PIXEL,
        )
        made = GrayscaleSoftcopyPresentationState(
            referenced_images=[source],
            manufacturer_model_name=MAKER,
            software_versions=__version__,
            device_serial_number="none",
            content_label="FINERAY",
            content_description=RESEARCH,
            graphic_layers=[layer],
            graphic_annotations=[
                GraphicAnnotation(
                    referenced_images=[source], graphic_layer=layer, graphic_objects=[outline], text_objects=[text]
                )
            ],
            concept_name=None,
            **self._of_series(source, "presentation state"),
        )
        return _marked(made, source)


_PLAIN_IMAGE = CodedConcept("168537006", "SCT", "Plain X-ray")


def _outline(evidence: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float64]:
    """The box around the strongest evidence, in (column, row) of the source's pixels, closed."""
    y, x = np.nonzero(evidence >= OUTLINED * evidence.max())
    tall, wide = evidence.shape
    left, right = x.min() * columns / wide + 1, min((x.max() + 1) * columns / wide, columns)
    top, bottom = y.min() * rows / tall + 1, min((y.max() + 1) * rows / tall, rows)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]], dtype=np.float64)


def _referable(source: Dataset) -> Dataset:
    """The source's header, with empty values for what every object of a study has to carry."""
    header = Dataset()
    header.update({element.tag: element for element in source if element.tag.group < 0x7FE0})
    header.file_meta = source.file_meta
    for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        if name not in header:
            setattr(header, name, "")
    for name in ("AccessionNumber", "ReferringPhysicianName"):
        if name not in header:
            setattr(header, name, "")
    return header


def _meaning(text: str) -> str:
    """As a code meaning: at most 64 characters (PS3.5 6.2, LO)."""
    plain = text.replace("\\", "/")
    return plain if len(plain) <= 64 else f"{plain[:63]}…"


def _marked(made: Dataset, source: Dataset, of_image: bool = True) -> Dataset:
    made.SoftwareVersions = __version__
    made.ManufacturerModelName = MAKER
    made.DeviceSerialNumber = made.get("DeviceSerialNumber") or "none"
    if of_image:
        side = source.get("Laterality") or source.get("ImageLaterality") or ""
        made.Laterality = side if side in ("R", "L") else ""
    return made
