"""The defined terms of the coded attributes of an X-ray (PS3.3 C.7 and C.8.11, PS3.16 annex L)."""

from __future__ import annotations

import itertools

from pydicom.tag import BaseTag, Tag

_SHAPES = ("RECTANGLE", "RECTANGULAR", "ROUND", "CIRCULAR", "POLYGONAL", "HEXAGONAL")
_SIDES = ("L", "R", "B", "U")
_YES_NO = ("YES", "NO", "BOTH")
_DIRECTIONS = tuple("".join(each) for n in (1, 2, 3) for each in itertools.permutations("ALRPHF", n))
_BODY_PARTS = (
    *("ABDOMEN", "ANKLE", "ARM", "BREAST", "CALCANEUS", "CHEST", "CLAVICLE", "COCCYX", "CSPINE", "ELBOW", "EXTREMITY"),
    *("FEMUR", "FIBULA", "FINGER", "FOOT", "FOREARM", "HAND", "HEAD", "HEEL", "HIP", "HUMERUS", "JAW", "KNEE", "LEG"),
    *("LSPINE", "LUNG", "MANDIBLE", "MAXILLA", "NECK", "ORBIT", "PATELLA", "PELVIS", "RADIUS", "RIB", "SCAPULA"),
    *("SHOULDER", "SINUS", "SKULL", "SPINE", "SSPINE", "STERNUM", "THORAX", "THUMB", "TIBIA", "TIBIA FIBULA", "TMJ"),
    *("TOE", "TSPINE", "ULNA", "WHOLEBODY", "WRIST", "ZYGOMA"),
)
_VIEWS = (
    *("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LAT", "LATERAL", "OBL", "AX", "CC", "MLO", "ML", "LM"),
    *("LMO", "MLO", "XCC", "XCCL", "XCCM", "FB", "ISO", "SIO", "CV", "LMO"),
)

TERMS: dict[BaseTag, frozenset[str]] = {
    Tag(name): frozenset(terms)
    for name, terms in {
        "Modality": ("CR", "DX", "RG", "MG", "IO", "PX", "XR", "RF", "XA", "OT", "SC"),
        "ImageType": ("ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY"),
        "BodyPartExamined": _BODY_PARTS,
        "ViewPosition": _VIEWS,
        "Laterality": _SIDES,
        "ImageLaterality": _SIDES,
        "PatientOrientation": _DIRECTIONS,
        "PhotometricInterpretation": ("MONOCHROME1", "MONOCHROME2"),
        "PresentationLUTShape": ("IDENTITY", "INVERSE"),
        "PresentationIntentType": ("FOR PRESENTATION", "FOR PROCESSING"),
        "PixelIntensityRelationship": ("LIN", "LOG", "DISP"),
        "RescaleType": ("US", "OD", "HU"),
        "VOILUTFunction": ("LINEAR", "LINEAR_EXACT", "SIGMOID"),
        "ConversionType": ("DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"),
        "LossyImageCompression": ("00", "01"),
        "LossyImageCompressionMethod": ("ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15"),
        "Grid": ("FIXED", "FOCUSED", "RECIPROCATING", "PARALLEL", "CROSSED", "NONE"),
        "FilterType": ("STRIP", "WEDGE", "BUTTERFLY", "MULTIPLE", "FLAT", "SHAPED", "NONE"),
        "DetectorType": ("DIRECT", "SCINTILLATOR", "STORAGE", "IMAGE"),
        "DetectorConfiguration": ("AREA", "SLOT"),
        "FieldOfViewShape": _SHAPES,
        "CollimatorShape": _SHAPES,
        "ExposureControlMode": ("MANUAL", "AUTOMATIC"),
        "PixelSpacingCalibrationType": ("GEOMETRY", "FIDUCIAL"),
        "BreastImplantPresent": _YES_NO,
        "QualityControlImage": _YES_NO,
    }.items()
}
