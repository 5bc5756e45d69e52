"""How every table of the window looks and behaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QHeaderView, QTableView

from fineray_desktop.models.sorted_model import SortedModel

HEADING = 20  # points beside the text of a heading (resources/fineray_resources/style.qss)


def table_view(model: SortedModel, name: str, row_height: int = 26, picture: int = 0) -> QTableView:
    """A sortable, read-only table whose rows are selected whole; `picture` is the side of thumbnails, 0 for none."""
    view = QTableView()
    view.setModel(model)
    view.setAccessibleName(name)
    view.setSortingEnabled(True)
    view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    view.setAlternatingRowColors(True)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
    view.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setDefaultSectionSize(max(row_height, picture + 6 if picture else 0))
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    if picture:
        view.setIconSize(QSize(picture, picture))
        view.setColumnWidth(0, picture + 14)
    return view


def set_widths(view: QTableView, widths: Sequence[int], first: int = 0) -> None:
    """Widths of the columns from `first` on, in points; none is less than its heading needs."""
    header = view.horizontalHeader()
    header.ensurePolished()
    bold = QFont(header.font())
    bold.setWeight(QFont.Weight.DemiBold)
    for column, width in enumerate(widths, start=first):
        title = str(view.model().headerData(column, Qt.Orientation.Horizontal) or "")
        view.setColumnWidth(column, max(width, QFontMetrics(bold).horizontalAdvance(title) + HEADING))


class Sharing(QObject):
    """Shares the room of a table anew whenever it has another: share(points of the viewport) sets the widths."""

    def __init__(self, view: QTableView, share: Callable[[int], None]) -> None:
        super().__init__(view)
        self._share = share
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._share(event.size().width())  # type: ignore[attr-defined]
        return super().eventFilter(watched, event)
