"""The header of one frame: what its functional groups say stands where a file of one frame would say it."""

from __future__ import annotations

from copy import copy

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

# Functional groups (PS3.3 C.7.6.16.2) that say how a frame is shown and measured; each replaces what it stands for.
_GROUPS: dict[str, tuple[str, ...]] = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    "PixelMeasuresSequence": ("PixelSpacing",),
}


def frame_header(ds: Dataset, frame: int) -> Dataset:
    """A copy of the header for a frame (from 1), without its pixels; `ds` is left as it is.

    What the frame's own functional groups say goes before the shared ones, these before the top level.
    """
    header = Dataset()
    # items() converts no value; an element that was not converted yet cannot change, so that both may hold it.
    found = ((tag, each) for tag, each in ds.items() if tag.group != 0x7FE0)
    header.update({tag: each if isinstance(each, RawDataElement) else copy(each) for tag, each in found})
    header.file_meta = ds.file_meta
    shared = _item(ds, "SharedFunctionalGroupsSequence", 0)
    own = _item(ds, "PerFrameFunctionalGroupsSequence", frame - 1)
    for sequence, keywords in _GROUPS.items():
        group = _item(own, sequence, 0) or _item(shared, sequence, 0)
        if group is None or not any(keyword in group for keyword in keywords):
            continue
        for keyword in keywords:
            if keyword in header:
                delattr(header, keyword)
            if keyword in group:
                header[keyword] = copy(group[keyword])
    return header


def _item(ds: Dataset | None, sequence: str, number: int) -> Dataset | None:
    """An item of a sequence, None where there is none or the attribute is no sequence."""
    try:
        items = ds.get(sequence) if ds is not None else None
        found = items[number] if items and number < len(items) else None
    except Exception:  # pydicom raises whatever a malformed value leads to
        return None
    return found if isinstance(found, Dataset) else None
