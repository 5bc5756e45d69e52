"""Heat maps of new images as pictures: where a run saw its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fineray import RESEARCH_USE
from fineray.explaining.explain import evidence_for
from fineray.prediction.predict import NewImage
from fineray.prediction.results import Scored
from fineray.project.runs import RunFolder
from fineray.system.output_file import whole_file

STRIP = 34  # pixels below the image, for two lines of text
MOST_OPAQUE = 0.6
COLOURS = "inferno"


@dataclass(frozen=True)
class HeatMap:
    """picture: uint8 [rows + strip, columns, 3]; evidence: float32 [rows, columns] over the image, signed; class_name:
    what it is evidence for."""

    picture: NDArray[np.uint8]
    evidence: NDArray[np.float32]
    class_name: str


def heat_map(folder: RunFolder, classes: tuple[str, ...], pixels: NDArray[np.uint8], scored: Scored) -> HeatMap:
    """For the class that the image counts as, or its most probable one. The map was not checked against a network that
    learned nothing, as the review does."""
    name = scored.predicted if scored.predicted in classes else classes[int(np.argmax(scored.probabilities))]
    found = evidence_for(folder, pixels, name)
    rows, columns = pixels.shape
    whole = np.asarray(Image.fromarray(found).resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.float32)
    strength = np.clip(whole / max(float(whole.max()), 1e-9), 0, 1)[..., None]
    colours = matplotlib.colormaps[COLOURS](strength[..., 0])[..., :3] * 255
    opaque = MOST_OPAQUE * strength
    mixed = pixels[..., None] * (1 - opaque) + colours * opaque
    picture = np.zeros((rows + STRIP, columns, 3), dtype=np.uint8)
    picture[:rows] = np.round(mixed)
    chance = scored.probabilities[classes.index(name)]
    lines = (f"{name}: {chance:.3f} (evidence, {folder.name})", RESEARCH_USE)
    canvas = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for number, line in enumerate(lines):
        draw.text((4, rows + 3 + 15 * number), line, fill=(255, 255, 255), font=font)
    return HeatMap(np.asarray(canvas), whole, name)


def map_of(folder: RunFolder, classes: tuple[str, ...], new: NewImage) -> HeatMap:
    """heat_map() of an image that was just scored."""
    return heat_map(folder, classes, new.project.pixels.read(new.image.stored_at), new.scored)


@dataclass(frozen=True)
class HeatMapWriter:
    """A visitor of new images that writes each one's map as PNG below `output`, under the image's own path.

    May raise a storage error.
    """

    folder: RunFolder
    classes: tuple[str, ...]
    output: Path

    def __call__(self, new: NewImage) -> None:
        """Write one."""
        self.write(new, map_of(self.folder, self.classes, new))

    def write(self, new: NewImage, seen: HeatMap) -> None:
        """Write one whose map is known."""
        target = below(self.output, new.scored.file, ".png")
        with whole_file(target) as partial:
            Image.fromarray(seen.picture).save(partial, format="PNG")


def below(output: Path, file: str, ending: str) -> Path:
    """Where a result of an image goes: under the image's own path, which cannot lead out of `output`."""
    steps = [step for step in PurePosixPath(file).parts if step not in ("..", "/", ".")]
    target = output.joinpath(*steps)
    target = target.with_name(target.name + ending)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
