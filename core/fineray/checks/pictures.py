"""What the pixels themselves tell: blank, cut, saturated or inverted images, and letters burned into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.checks.check_result import CheckResult
from fineray.dicom.letters import has_text
from fineray.project.catalogue import LabelledImage
from fineray.project.files.fingerprint import small_square
from fineray.project.project import Project

BLANK_DEVIATION = 4.0  # shades of 255
SATURATED_SHARE = 0.35
CUT_SHARE = 0.2
SMALL = 32
FEWEST = 10  # images, below which none can be called a negative of the others
BORDERED, BORDER = 48, 6  # the image as 48 x 48, of which this many rows and columns at each side are its border
_INSIDE = np.pad(np.ones((BORDERED - 2 * BORDER,) * 2, dtype=bool), BORDER)


@dataclass(frozen=True)
class PictureFacts:
    """small: the image shrunk to 32 x 32, mean 0 and length 1 (all 0 if blank); border: shades of its outer eighth."""

    small: NDArray[np.float64]
    border: NDArray[np.float64]
    blank: bool
    saturated: bool
    cut: bool
    text: bool


def picture_facts(pixels: NDArray[np.uint8]) -> PictureFacts:
    """Look at one stored image [rows, columns]."""
    small = small_square(pixels, SMALL)
    centred = small - small.mean()
    length = float(np.linalg.norm(centred))
    deviation = float(pixels.std())
    blank = deviation < BLANK_DEVIATION
    return PictureFacts(
        centred / length if length > 0 else centred,
        small_square(pixels, BORDERED)[~_INSIDE],
        blank,
        not blank and float((pixels == 255).mean()) > SATURATED_SHARE,
        not blank and _cut(pixels),
        not blank and has_text(pixels),
    )


def look_at_pictures(
    project: Project, images: Sequence[LabelledImage], on_done: Callable[[int], None] = lambda done: None
) -> list[PictureFacts]:
    """The facts of all images; on_done(images looked at) may raise to stop."""
    facts = []
    for done, image in enumerate(images, start=1):
        facts.append(picture_facts(project.pixels.read(image.stored_at)))
        on_done(done)
    return facts


def picture_findings(images: Sequence[LabelledImage], facts: Sequence[PictureFacts]) -> list[CheckResult]:
    """The findings over all images."""
    ids = [image.id for image in images]

    def those(flag: Callable[[PictureFacts], bool]) -> tuple[int, ...]:
        return tuple(each for each, fact in zip(ids, facts, strict=True) if flag(fact))

    inverted = _inverted(facts)
    cases = (
        ("blank", those(lambda fact: fact.blank), "hardly vary", " in shade: blank, or the wrong file", True),
        (
            "saturated",
            those(lambda fact: fact.saturated),
            "are",
            " more than a third pure white: overexposed or windowed away",
            False,
        ),
        ("cut", those(lambda fact: fact.cut), "end", " in a uniform band: cut short when sent or stored", True),
        (
            "text",
            those(lambda fact: fact.text),
            "seem",
            " to carry letters in the pixels, which may name a person or the diagnosis",
            False,
        ),
        ("polarity", tuple(np.array(ids)[inverted].tolist()), "look", " like negatives of the others", True),
    )
    findings = []
    one = {"hardly vary": "hardly varies", "are": "is", "end": "ends", "seem": "seems", "look": "looks"}
    for name, concerned, verb, what, leave_out in cases:
        if concerned:
            share = f"{len(concerned):,} of {len(images):,} images"
            title = f"{len(concerned):,} images {verb}{what}." if len(concerned) > 1 else f"1 image {one[verb]}{what}."
            findings.append(CheckResult(name, "look", title, share, concerned, leave_out))
        elif name == "polarity" and len(images) < FEWEST:
            title = "Too few images to say which look like negatives of the others."
            findings.append(CheckResult(name, "fine", title, f"{len(images):,} images", done=False))
        else:
            findings.append(
                CheckResult(name, "fine", f"No images that {verb}{what}.", f"{len(images):,} images looked at")
            )
    return findings


def _cut(pixels: NDArray[np.uint8]) -> bool:
    """A fifth of the rows, at one end, of a single shade that is not the black of a border."""
    rows = pixels.shape[0]
    uniform = (pixels == pixels[:, :1]).all(axis=1)
    for end in (uniform, uniform[::-1]):
        band = int(np.argmin(end)) if not end.all() else rows
        edge = pixels[0, 0] if end is uniform else pixels[-1, 0]
        if band > CUT_SHARE * rows and edge > 8:
            return True
    return False


def _inverted(facts: Sequence[PictureFacts]) -> NDArray[np.bool_]:
    """Images that agree with the typical image only when black and white change places."""
    if len(facts) < FEWEST:
        return np.zeros(len(facts), dtype=bool)
    small = np.stack([fact.small.ravel() for fact in facts])
    # The first principal direction finds the typical image even if a good part of the study is inverted.
    _, _, directions = np.linalg.svd(small, full_matrices=False)
    agreement = small @ directions[0]
    if (agreement < 0).mean() > 0.5:
        agreement = -agreement
    strong = float(np.median(agreement[agreement > 0]))
    found: NDArray[np.bool_] = agreement < -0.5 * strong if strong > 0.4 else np.zeros(len(facts), dtype=bool)
    return found
