"""What the user wants of the files, beside their being X-rays."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.dicom.radiograph import Attributes, FrameChoice


@dataclass(frozen=True)
class ImportOptions:
    """frames: which frames of files with several become images; the others: values to keep, empty for all.

    A file whose header leaves an attribute blank passes that filter only if the empty text is among the values.
    """

    frames: FrameChoice = "none"
    modalities: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()

    def objection(self, attributes: Attributes) -> str | None:
        """Why an image is not wanted, or None."""
        for name, value, wanted in (
            ("Modality", attributes.modality, self.modalities),
            ("View", attributes.view_position, self.views),
            ("Body part", attributes.body_part, self.body_parts),
        ):
            if wanted and value not in wanted:
                return f"{name} {value or 'not stated'}: not chosen for this import"
        return None


EVERY_XRAY = ImportOptions()
