"""Matrix, image view and tables do what the hand expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from fineray.dicom.radiograph import GrayImage, Window
from fineray.dicom.shades import shades_8bit
from fineray.progress import Progress
from fineray.project.catalogue import FileRow
from fineray_desktop.models.files_model import FilesModel
from fineray_desktop.widgets.basics import label
from fineray_desktop.widgets.charts import LineChart
from fineray_desktop.widgets.confusion_matrix import ConfusionMatrix
from fineray_desktop.widgets.image_view import ImageView
from fineray_desktop.widgets.job_bar import describe, duration


@pytest.fixture
def matrix(qtbot: QtBot) -> ConfusionMatrix:
    made = ConfusionMatrix()
    qtbot.addWidget(made)
    made.set_matrix(("a", "b", "c"), ((5, 1, 0), (2, 7, 1), (0, 0, 9)))
    made.resize(420, made.sizeHint().height())
    made.show()
    return made


def test_clicks_select_cells_rows_and_columns(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    chosen: list[object] = []
    matrix.selected.connect(chosen.append)
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.cell_center(1, 2))
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.cell_center(1, 2))
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(20, matrix.cell_center(2, 0).y()))
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(matrix.cell_center(0, 1).x(), 30))
    assert chosen == [(1, 2), None, (2, None), (None, 1)]
    assert matrix.describe((1, 2)) == "truly b, predicted c"


def test_the_matrix_works_from_the_keyboard(matrix: ConfusionMatrix, qtbot: QtBot) -> None:
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(matrix, key)
    assert matrix.chosen == (1, 1)
    qtbot.keyClick(matrix, Qt.Key.Key_Escape)
    assert matrix.chosen is None
    assert "true b: 2, 7, 1" in matrix.accessibleDescription()


def _gray(inverted: bool = False) -> GrayImage:
    index = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    return GrayImage(index, np.arange(4096, dtype=np.float32), Window(2048, 4096), inverted)


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    made = ImageView()
    qtbot.addWidget(made)
    made.resize(500, 500)
    made.show()
    return made


@pytest.mark.parametrize("inverted", [False, True])
def test_dragging_sets_window_and_level_as_viewers_do(view: ImageView, inverted: bool) -> None:
    view.show_image(_gray(inverted))
    before = view._item.image.mean()
    view.drag(QPointF(0, 40))
    assert view._item.image.mean() < before, "down darkens, whatever the polarity"
    view.reset()
    view.drag(QPointF(100, 0))
    assert view.window_level is not None
    assert view.window_level.width == pytest.approx(4096 * 1.25)
    view.drag(QPointF(-10_000, 0))
    assert view.window_level.width > 0


def test_invert_reset_and_keys(view: ImageView, qtbot: QtBot) -> None:
    steps: list[int] = []
    view.step.connect(steps.append)
    gray = _gray()
    view.show_image(gray)
    np.testing.assert_array_equal(view._item.image, shades_8bit(gray))
    qtbot.keyClick(view, Qt.Key.Key_I)
    np.testing.assert_array_equal(view._item.image, 255 - shades_8bit(gray))
    qtbot.keyClick(view, Qt.Key.Key_R)
    np.testing.assert_array_equal(view._item.image, shades_8bit(gray))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_N, Qt.Key.Key_P):
        qtbot.keyClick(view, key)
    assert steps == [1, -1, 1, -1]
    width = view._view.viewRange()[0][1] - view._view.viewRange()[0][0]
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    closer = view._view.viewRange()[0][1] - view._view.viewRange()[0][0]
    assert closer < width


def test_anisotropic_pixels_are_shown_with_their_shape(view: ImageView) -> None:
    view.show_image(_gray(), spacing=(0.4, 0.2))
    rect = view._item.mapRectToView(view._item.boundingRect())
    assert rect.height() == pytest.approx(2 * rect.width())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text("abXY", max_size=4), st.sampled_from(["imported", "skipped", "failed"])), max_size=40),
    st.sampled_from(["", "imported", "failed"]),
    st.text("abxy", max_size=2),
    st.integers(0, 3),
)
def test_tables_sort_and_filter_like_python(
    qapp: object, rows: list[tuple[str, str]], status: str, text: str, column: int
) -> None:
    table = FilesModel()
    files = [FileRow(None, kind, reason, f"do {number}") for number, (reason, kind) in enumerate(rows)]
    table.set_rows(files[: len(files) // 2])
    table.append(files[len(files) // 2 :])
    table.show_only(status, text)
    table.sort(column)
    cells = [tuple(table.index(row, each).data() for each in range(4)) for row in range(table.rowCount())]
    expected = [
        ("(not known on this computer)", f.status, f.reason, f.todo)
        for f in files
        if (not status or f.status == status) and text.casefold() in f"None\n{f.reason}\n{f.todo}".casefold()
    ]
    assert cells == sorted(expected, key=lambda each: each[column])
    table.sort(column, Qt.SortOrder.DescendingOrder)
    assert table.rowCount() == len(expected)


def test_a_chart_says_that_it_is_empty(qtbot: QtBot) -> None:
    chart = LineChart("Loss", "Step", "Loss", empty="Nothing yet.")
    qtbot.addWidget(chart)
    chart.show()
    assert chart._empty.isVisible()
    chart.add("Fold 1", [(1, 0.7), (2, 0.6)])
    chart.add("Fold 1", [(3, 0.5)])
    assert not chart._empty.isVisible()
    assert chart._lines["Fold 1"].getData()[0].tolist() == [1, 2, 3]
    chart.reset()
    assert chart._empty.isVisible()


@pytest.mark.parametrize(("seconds", "words"), [(7.6, "8 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_time_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_progress_in_words() -> None:
    assert describe(Progress("Reading files", 20, 100, "files"), 10.2, 7.8) == (
        "Reading files: 20 of 100 files · 10 a second · 8 s left"
    )
    assert describe(Progress("Loading the backbone", 0, 0, ""), None, None) == "Loading the backbone"


def test_a_name_that_looks_like_html_is_shown_as_it_is(qtbot: QtBot) -> None:
    made = label("ill<img src='canary.png'><b>x</b>")
    qtbot.addWidget(made)
    assert made.textFormat() == Qt.TextFormat.PlainText
