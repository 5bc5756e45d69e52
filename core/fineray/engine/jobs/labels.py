"""What each request about labels and readers does."""

from __future__ import annotations

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.labels import ApplyLabels, CompareReaders, PreviewLabels
from fineray.progress import Monitor
from fineray.project.labels import preview
from fineray.project.labels.preview import LabelPreview
from fineray.project.project import open_project
from fineray.review.agreement import Agreement, agreement


def preview_labels(request: PreviewLabels, _: Monitor) -> LabelPreview:
    """Match labels with images."""
    with open_project(request.project) as project:
        return preview.preview_labels(project, request.source)


def apply_labels(request: ApplyLabels, _: Monitor) -> int:
    """Write what was previewed."""
    with open_project(request.project) as project:
        return preview.apply_labels(project, request.preview)


def compare_readers(request: CompareReaders, _: Monitor) -> Agreement:
    """Compare two label sets."""
    with open_project(request.project) as project:
        return agreement(project, request.first, request.second)


PAIRS = (
    Pair(PreviewLabels, preview_labels),
    Pair(ApplyLabels, apply_labels),
    Pair(CompareReaders, compare_readers),
)
