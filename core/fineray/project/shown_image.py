"""One image as the viewer shows it: from its DICOM file where that is at hand, else from the pixel store."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.dicom.radiograph import GrayImage, NotARadiograph, UnreadableFile
from fineray.project.catalogue import source_of, stored_at
from fineray.project.project import Project


@dataclass(frozen=True)
class ShownImage:
    """An image for the viewer. full_depth is False where only the 8-bit stored pixels were at hand.

    spacing_mm: (row, column) distance of neighbouring pixels, None if unknown.
    """

    image: int
    gray: GrayImage
    full_depth: bool
    spacing_mm: tuple[float, float] | None


def shown_image(project: Project, image: int) -> ShownImage:
    """Read an image at full depth, or what was stored of it where its file is away or became another."""
    source = source_of(project, image)
    if source is not None:
        # pydicom and the decoders come with it; the window, which takes ShownImage from here, needs neither.
        from fineray.dicom.read import read_radiograph

        try:
            radiograph = read_radiograph(*source)
            return ShownImage(image, radiograph.image, True, radiograph.attributes.pixel_spacing_mm)
        except (NotARadiograph, UnreadableFile, OSError):
            pass  # the file was replaced or went away since the import: the stored pixels are still right
    gray = GrayImage.of_shades(project.pixels.read(stored_at(project, image)))
    return ShownImage(image, gray, False, None)
