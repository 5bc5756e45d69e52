"""What is asked of the worker process about labels and readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.project.labels.preview import LabelPreview, LabelSource
from fineray.review.agreement import Agreement


@dataclass(frozen=True)
class PreviewLabels:
    """Match labels with images and change nothing. Result: LabelPreview."""

    project: Path
    source: LabelSource


@dataclass(frozen=True)
class ApplyLabels:
    """Write previewed labels. Result: the number of labels."""

    project: Path
    preview: LabelPreview


@dataclass(frozen=True)
class CompareReaders:
    """Compare two label sets. Result: Agreement."""

    project: Path
    first: str
    second: str


LabelRequest = PreviewLabels | ApplyLabels | CompareReaders
LabelResult = LabelPreview | int | Agreement
