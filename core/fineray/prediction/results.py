"""What a run says of images; plain data, for the window too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.operating_point import OperatingPoint
from fineray.system.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scored:
    """One image, or a file that gives none. probabilities: empty where it was not scored; predicted: the class that it
    counts as, or findings between bars; flag: why to be careful, empty if nothing speaks against the image."""

    file: str
    sop_instance_uid: str
    probabilities: tuple[float, ...]
    predicted: str
    flag: str
    distance: float | None = None


@dataclass(frozen=True)
class Share:
    """Of training images and of new ones, 0..1, with the 95 % interval of the latter."""

    value: str
    before: float
    now: float
    low: float
    high: float


@dataclass(frozen=True)
class DriftLine:
    """One comparison. size: of the difference, 0..1; p: how seldom chance alone would do as much; differs: whether it
    is sure beside all the other comparisons, and large enough to matter."""

    what: str
    kind: Literal["attribute", "numbers"]
    size: float
    p: float
    differs: bool
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Drift:
    """New images beside those that the run learned from. images, learned: how many there are of each."""

    images: int
    learned: int
    lines: tuple[DriftLine, ...]


@dataclass(frozen=True)
class FolderPredictions:
    """rows: one an image, files without an image at the end; limit: the distance from which images count as unlike;
    drift: None with too few images; multilabel: classes are findings that stand side by side."""

    run: str
    classes: tuple[str, ...]
    point: OperatingPoint
    rows: tuple[Scored, ...]
    limit: float | None
    drift: Drift | None = None
    multilabel: bool = False

    def to_frame(self) -> pd.DataFrame:
        """A pandas data frame with a row an image: `file`, `sop_instance_uid`, p_<class> a class, `predicted`, `flag`,
        `distance`; missing values where a file was not scored. Raises PandasMissing."""
        nothing = (None,) * len(self.classes)
        chances = [row.probabilities or nothing for row in self.rows]
        return to_frame(
            {
                "file": [row.file for row in self.rows],
                "sop_instance_uid": [row.sop_instance_uid for row in self.rows],
                **{f"p_{name}": [each[number] for each in chances] for number, name in enumerate(self.classes)},
                **{name: [getattr(row, name) for row in self.rows] for name in ("predicted", "flag", "distance")},
            }
        )

    @property
    def scored(self) -> int:
        """Images with probabilities."""
        return sum(bool(row.probabilities) for row in self.rows)

    @property
    def flagged(self) -> int:
        """Rows with a flag."""
        return sum(bool(row.flag) for row in self.rows)


@dataclass(frozen=True)
class LookedAt:
    """pixels: uint8 [rows, columns]; evidence: float32 over the whole image, signed."""

    file: str
    class_name: str
    pixels: NDArray[np.uint8]
    evidence: NDArray[np.float32]
