"""What the user wants of the files, beside their being X-rays."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.dicom.radiograph import Attributes, FrameChoice


@dataclass(frozen=True)
class ImportOptions:
    """Which X-rays of a folder are wanted.

    A file whose header leaves an attribute blank passes that filter only if the empty text is among the values.

    Parameters
    ----------
    frames : {"none", "first", "middle", "all"}
        Which frames of files with several become images (Number of Frames, DICOM PS3.3 C.7.6.6).
    modalities : tuple of str
        Values of Modality (0008,0060) to keep, all if empty.
    views : tuple of str
        Values of View Position (0018,5101) to keep, all if empty.
    body_parts : tuple of str
        Values of Body Part Examined (0018,0015) to keep, all if empty.
    intents : tuple of str
        Values of Presentation Intent Type (0008,0068) to keep, all if empty: a detector may send one exposure both FOR
        PROCESSING (its own values) and FOR PRESENTATION (as it is read).

    Examples
    --------
    >>> import fineray
    >>> frontal = fineray.ImportOptions(modalities=("CR", "DX"), views=("PA", "AP"))
    >>> frontal.objection(fineray.read_radiograph("images/SYNTHETIC-001/image-1.dcm").attributes) is None
    True
    """

    frames: FrameChoice = "none"
    modalities: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()

    def objection(self, attributes: Attributes) -> str | None:
        """Why an image is not wanted, or None."""
        for name, value, wanted in (
            ("Modality", attributes.modality, self.modalities),
            ("View", attributes.view_position, self.views),
            ("Body part", attributes.body_part, self.body_parts),
            ("Presentation intent", attributes.presentation_intent, self.intents),
        ):
            if wanted and value not in wanted:
                return f"{name} {value or 'not stated'}: not chosen for this import"
        return None


EVERY_XRAY = ImportOptions()
