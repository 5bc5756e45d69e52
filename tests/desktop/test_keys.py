"""Every key that is written somewhere does what stands beside it, with the focus where a person's is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from fineray.project.labels.preview import FromFolders
from fineray.project.labels.readings import readings
from fineray.project.project import Project
from fineray_desktop import keys
from fineray_desktop.curate.image_browser import ImageBrowser
from fineray_desktop.curate.image_dialog import ImageDialog
from fineray_desktop.curate.label_set_dialog import LabelSetDialog
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.help.keys_dialog import KeysDialog
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.desk_dialog import DeskDialog
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.recipe_dialog import RecipeDialog
from fineray_desktop.widgets.charts import Chart
from fineray_desktop.widgets.image_view import ImageView
from tests.support.window import MINUTE, idle

LEFT = Qt.MouseButton.LeftButton
ARROWS = {"←": "Left", "→": "Right", "↑": "Up", "↓": "Down", "−": "-"}


def click(what: QWidget) -> None:
    """With the mouse into its middle. A list box gets the focus alone: without a screen Qt does not give the keyboard
    back to the window once the list has closed."""
    if isinstance(what, QComboBox):
        what.setFocus(Qt.FocusReason.MouseFocusReason)
        return
    aim = what.viewport() if isinstance(what, QAbstractItemView) else what
    aim = what._canvas.viewport() if isinstance(what, ImageView) else aim
    QTest.mouseClick(aim, LEFT, pos=aim.rect().center())


def press(key: str) -> None:
    """A key as it is written, on whatever has the focus."""
    target = QApplication.focusWidget()
    assert target is not None, "nothing has the focus"
    pressed = QKeySequence(ARROWS.get(key, key))[0]
    QTest.keyClick(target, pressed.key(), pressed.keyboardModifiers())


def written(section: Iterable[keys.Key]) -> set[str]:
    """The keys of a section."""
    return {key for key, _ in section}


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot, trained: Path) -> MainWindow:
    """The window with a trained study of 32 images, two classes and a run; it has the keyboard."""
    window.resize(1440, 900)
    window.open_project(trained)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    idle(window, qtbot)
    return window


@pytest.fixture
def curate(opened: MainWindow, qtbot: QtBot) -> CuratePage:
    opened.show_page("Curate")
    page = opened.page("Curate")
    assert isinstance(page, CuratePage)
    idle(opened, qtbot)
    return page


@pytest.fixture
def review(opened: MainWindow, qtbot: QtBot) -> ReviewPage:
    opened.show_page("Review")
    page = opened.page("Review")
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.table.rowCount() == 32 and not page.busy, timeout=MINUTE)
    qtbot.waitUntil(lambda: page.image.gray is not None and not page.image_panel.cache.reading, timeout=MINUTE)
    return page


def project_of(window: MainWindow) -> Project:
    assert window.session.project is not None
    return window.session.project


def choose_first(images: ImageBrowser) -> None:
    """Select the first image alone, whatever keys the test has pressed before."""
    flags = QItemSelectionModel.SelectionFlag
    images.view.selectionModel().setCurrentIndex(images.table.index(0, 1), flags.ClearAndSelect | flags.Rows)


def test_labels_that_were_applied_are_undone_with_the_focus_where_it_is(
    opened: MainWindow, qtbot: QtBot, curate: CuratePage
) -> None:
    """The button that was pressed goes away, and the focus goes to the filter."""
    curate.images.view.selectAll()
    curate.images.label_selected(None)
    idle(opened, qtbot)
    curate.labels.preview(FromFolders())
    idle(opened, qtbot)
    click(curate.labels.apply_button)
    idle(opened, qtbot)
    assert opened.undo_action.text().startswith("&Undo: Labels for 32 images")
    assert not curate.labels.apply_button.isVisible() and QApplication.focusWidget() is not None
    press("Ctrl+Z")
    idle(opened, qtbot)
    assert {curate.images.table.row(number).label for number in range(32)} == {""}


def test_undo_works_from_every_part_that_can_have_the_focus(
    opened: MainWindow, qtbot: QtBot, curate: CuratePage, review: ReviewPage
) -> None:
    images, point = curate.images, review.overview.point
    places: tuple[tuple[str, QWidget | None, QWidget], ...] = (
        ("Curate", None, images.view),
        ("Curate", None, images.search),
        ("Curate", None, curate.labels.sets),
        ("Curate", None, curate.split.folds),
        ("Curate", None, curate.seal.share),
        ("Review", None, review.image),
        ("Review", None, review.view),
        ("Review", None, review.search),
        ("Review", None, review.list),
        ("Review", None, review.matrix),
        ("Review", None, point.prevalence),
        ("Review", None, point.slider),
        ("Review", review.image_panel.tabs, review.image_panel.note),
        ("Review", review.image_panel.tabs, review.image_panel.label),
        ("Curate", None, images.wall),
    )
    for page, tabs, place in places:
        opened.show_page("Curate")
        curate.tabs.setCurrentIndex(1 if place in (curate.split.folds, curate.seal.share) else 0)
        (images.wall_button if place is images.wall else images.table_button).click()
        choose_first(images)
        before = images.table.row(0).label
        images.label_selected("dark" if before == "bright" else "bright")
        idle(opened, qtbot)
        assert images.table.row(0).label != before, f"before {place.accessibleName()}"
        opened.show_page(page)
        if tabs is not None:
            tabs.setCurrentIndex(2)  # type: ignore[attr-defined]
        inside = next((each for each in _parents(place) if isinstance(each, QScrollArea)), None)
        if inside is not None:
            inside.ensureWidgetVisible(place)
        click(place)
        idle(opened, qtbot)
        focus = QApplication.focusWidget()
        assert focus is place or place.isAncestorOf(focus), f"{place.accessibleName()} has no focus, but {focus}"
        zoom = review.image._view.viewRect()
        press("Ctrl+Z")
        idle(opened, qtbot)
        assert images.table.row(0).label == before, f"with the focus in {place.accessibleName()}"
        assert review.image._view.viewRect() == zoom, "Z alone would be one to one"


def _parents(part: QWidget) -> Iterable[QWidget]:
    while (part := part.parentWidget()) is not None:
        yield part


@pytest.mark.parametrize("where", ["text", "number"])
def test_a_field_undoes_its_own_edits_first(opened: MainWindow, qtbot: QtBot, curate: CuratePage, where: str) -> None:
    choose_first(curate.images)
    before = curate.images.table.row(0).label
    curate.images.label_selected("dark" if before == "bright" else "bright")
    idle(opened, qtbot)
    curate.tabs.setCurrentIndex(1)
    field = curate.images.search if where == "text" else curate.split.seed
    click(field)
    line = field if isinstance(field, QLineEdit) else field.lineEdit()
    line.selectAll()
    was = line.text()
    QTest.keyClicks(field, "7")
    assert line.text() == "7" != was
    presses = 0
    while line.isUndoAvailable():
        press("Ctrl+Z")
        presses += 1
        assert presses < 5
        assert project_of(opened) and opened.session.state is not None and opened.session.state.undo
    assert line.text() == was
    idle(opened, qtbot)
    assert curate.images.table.row(0).label != before, "the change of the project waits"
    press("Ctrl+Z")
    idle(opened, qtbot)
    assert curate.images.table.row(0).label == before


class Closing(QObject):
    """Counts wishes to close a window, and does not let it close."""

    wishes = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Close:
            self.wishes += 1
            event.ignore()
            return True
        return False


@pytest.fixture
def closing(opened: MainWindow) -> Iterator[Closing]:
    watch = Closing()
    opened.installEventFilter(watch)
    yield watch
    opened.removeEventFilter(watch)


def test_the_keys_of_the_window_work_wherever_the_focus_is(
    opened: MainWindow, qtbot: QtBot, review: ReviewPage, closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *rest: asked.append("new") or ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *rest: asked.append("open") or "")
    trials = {"Ctrl+1 to Ctrl+5", "Ctrl+Z", "Ctrl+N", "Ctrl+O", "Ctrl+Q", "F1"}
    assert trials == written(keys.MAIN_WINDOW), "Ctrl+Z has tests of its own"
    point = review.overview.point
    for place in (review.image, review.view, review.search, review.list, point.prevalence, point.slider):
        closing.wishes, asked[:] = 0, []

        def there(place: QWidget = place) -> None:
            opened.show_page("Review")
            click(place)

        for number, name in enumerate(("Import", "Curate", "Train", "Review", "Predict"), start=1):
            there()
            press(f"Ctrl+{number}")
            assert opened.page(name).isVisible(), (name, place.accessibleName())
            assert opened.rail.buttons[name].toolTip() == f"{name} (Ctrl+{number})"
        there()
        for key in ("Ctrl+N", "Ctrl+O", "Ctrl+Q"):
            press(key)
        assert asked == ["new", "open"] and closing.wishes == 1, place.accessibleName()
        press("F1")
        (dialog,) = opened.findChildren(KeysDialog)
        assert dialog.isVisible()
        qtbot.waitUntil(dialog.isActiveWindow)
        press("Esc")
        assert not dialog.isVisible()
        dialog.setParent(None)
        dialog.deleteLater()
        opened.activateWindow()
        qtbot.waitUntil(opened.isActiveWindow)


def looks(view: ImageView) -> tuple[object, ...]:
    """All that a key may change of an image on the screen."""
    rect = view._view.viewRect()
    place = tuple(round(each, 3) for each in (rect.x(), rect.y(), rect.width(), rect.height()))
    return (view.window_level, view.inverted, view.turns, view.mirrored, view.ruler.shown, view.lens.wanted, place)


def _from_the_menus(view: ImageView) -> dict[str, QAction]:
    """Key -> the entry of the image's menus that names it."""
    actions = [*view.tools_button.menu().actions(), *view.window_button.menu().actions()]
    split = (each.text().split("\t") for each in actions)
    return {parts[1]: each for parts, each in zip(split, actions, strict=True) if len(parts) == 2}


def _try_image_keys(view: ImageView, focus: Callable[[], None], digits: bool) -> None:
    entries = _from_the_menus(view)
    numbers = {"1", "2", "3", "4"} if digits else set()
    assert entries.keys() == written(keys.IMAGE) - {"W", "+ −"} | numbers
    for key, entry in entries.items():
        found = []
        for act in (entry.trigger, lambda key=key: press(key)):
            view.reset()
            view.ruler.put_away()
            if key in ("R", "F"):
                view.invert() if key == "R" else view.one_to_one()
            elif key == "1":
                view.preset(3)
            focus()
            start = looks(view)
            act()
            assert looks(view) != start or key in numbers, key  # two windows may be alike
            found.append(looks(view))
        assert found[0] == found[1], f"{key} does something else than “{entry.text()}”"
    windows = {}
    for number in range(1, 5):
        view.preset(number)
        windows[number] = view.window_level
    view.reset()
    for number in (2, 3, 4, 1):
        press("W")
        assert view.window_level == windows[number], "round and round"
    wide = view._view.viewRect().width()
    press("+")
    assert view._view.viewRect().width() < wide
    press("−")
    assert view._view.viewRect().width() == pytest.approx(wide)
    for key in ("Ctrl+I", "Alt+T", "Ctrl+L", "Ctrl+M"):
        before = looks(view)
        press(key)
        assert looks(view) == before, f"{key} is no key of the image"


def test_the_keys_of_an_image_work_in_it_and_in_the_list_beside_it(review: ReviewPage) -> None:
    view = review.image
    _try_image_keys(view, lambda: click(view), digits=True)
    _try_image_keys(view, lambda: click(review.view), digits=True)
    click(view)
    first = review.image_panel.image
    press("→")
    assert review.image_panel.image != first
    press("←")
    assert review.image_panel.image == first
    click(review.view)
    row = review.view.currentIndex().row()
    press("↓")
    assert review.view.currentIndex().row() == row + 1
    tip = view._canvas.toolTip()
    assert keys.in_a_line(keys.IMAGE) in tip and keys.in_a_line((keys.PRESETS_BY_NUMBER, keys.STEPS)) in tip
    click(review.search)
    QTest.keyClicks(review.search, "i1")
    assert review.search.text() == "i1" and not view.inverted, "a field takes what is typed"


def test_an_image_in_a_dialog_takes_the_keys_at_once(opened: MainWindow, qtbot: QtBot, curate: CuratePage) -> None:
    dialog = ImageDialog(opened.session, curate.images.table.image(0), "image", opened)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.waitUntil(lambda: dialog.view.gray is not None and len(dialog.view.gray.table) != 256, timeout=MINUTE)
    press("I")
    assert dialog.view.inverted
    _try_image_keys(dialog.view, lambda: click(dialog.view), digits=True)
    assert "previous" not in dialog.view._canvas.toolTip(), "there is none"


def test_the_magnifier_goes_away_with_its_key_and_with_reset_and_is_seen_whole(review: ReviewPage) -> None:
    view, lens = review.image, review.image.lens
    click(view)
    canvas = view._canvas
    ends = (
        view._view.mapViewToScene(QPointF(1, 1)),
        view._view.mapViewToScene(QPointF(view.shown_size[0] - 1, view.shown_size[1] - 1)),
    )
    corners = [(x, y) for x in (ends[0].x(), ends[1].x()) for y in (ends[0].y(), ends[1].y())]
    press("M")
    for x, y in corners:
        canvas.scene().sigMouseMoved.emit(QPointF(x, y))
        assert lens.isVisible(), "on every corner of the image"
        assert canvas.rect().contains(lens.geometry()), (x, y, lens.geometry())
        assert not lens.geometry().contains(QPoint(round(x), round(y))) or lens.height() == canvas.height()
    press("M")
    assert not lens.isVisible(), "at once, without a move of the mouse"
    press("M")
    assert lens.isVisible(), "and at once there again"
    press("R")
    assert not lens.isVisible() and not lens.wanted
    canvas.scene().sigMouseMoved.emit(QPointF(*corners[0]))
    assert not lens.isVisible()
    press("M")
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert not lens.isVisible(), "the pointer left"


@pytest.mark.parametrize("on_the_wall", [False, True])
def test_images_are_labelled_by_the_keys_that_their_tip_names(
    opened: MainWindow, qtbot: QtBot, curate: CuratePage, on_the_wall: bool
) -> None:
    images = curate.images
    if on_the_wall:
        images.wall_button.click()
        place, aim = images.wall, images.wall.viewport()
        QTest.mouseClick(aim, LEFT, pos=images.wall.tile(0).center())
    else:
        place, aim = images.view, images.view.viewport()
        QTest.mouseClick(aim, LEFT, pos=images.view.visualRect(images.table.index(0, 1)).center())
    assert QApplication.focusWidget() is place
    assert place.toolTip().startswith("1 bright · 2 dark · U uncertain\n")
    for key, expected in (("2", "dark"), ("1", "bright"), ("U", "uncertain"), ("Delete", ""), ("3", ""), ("2", "dark")):
        press(key)
        idle(opened, qtbot)
        assert images.table.row(0).label == expected, key
    press("X")
    idle(opened, qtbot)
    assert images.table.row(0).left_out
    press("B")
    idle(opened, qtbot)
    assert not images.table.row(0).left_out
    press("Enter")
    (dialog,) = images.findChildren(ImageDialog)
    assert dialog.isVisible()
    qtbot.waitUntil(dialog.isActiveWindow)
    press("Esc")
    assert not dialog.isVisible()
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    place.setFocus()
    press("Ctrl+A")
    assert len(images.selected()) == 32
    tried = {"Delete", "X", "B", "Enter", "Ctrl+A"}
    assert tried == written(keys.LABELLING) and keys.CLASSES[0] == "1 to 9" and keys.UNCERTAIN[0] == "U"


def test_the_tip_names_the_classes_of_the_set_in_use(opened: MainWindow, qtbot: QtBot, curate: CuratePage) -> None:
    dialog = LabelSetDialog(project_of(opened), curate)
    qtbot.addWidget(dialog)
    assert dialog.keys.text().startswith("Key U")
    dialog.name.setText("signs")
    dialog.kind.setCurrentIndex(1)
    assert "Key U" not in dialog.keys.text(), "with several findings it does nothing"
    dialog.classes.setText(",".join(f"sign {number}" for number in range(1, 13)))
    dialog.made.connect(lambda name: opened.session.data_changed.emit())
    dialog.accept()
    idle(opened, qtbot)
    tip = curate.images.view.toolTip()
    assert "1 sign 1 · 2 sign 2" in tip and "9 sign 9" in tip and "10" not in tip and "uncertain" not in tip
    QTest.mouseClick(
        curate.images.view.viewport(), LEFT, pos=curate.images.view.visualRect(curate.images.table.index(0, 1)).center()
    )
    for key, expected in (("9", "sign 9"), ("U", "sign 9"), ("9", "sign 9?"), ("9", "none")):
        press(key)
        idle(opened, qtbot)
        assert curate.images.table.row(0).label == expected, key


def test_the_matrix(review: ReviewPage) -> None:
    assert written(keys.MATRIX) == {"↑ ↓ ← →", "Enter", "Esc"}
    matrix = review.matrix
    QTest.mouseClick(matrix, LEFT, pos=matrix.cell_center(0, 0))
    for key, cell in (("→", (0, 1)), ("↓", (1, 1)), ("←", (1, 0)), ("↑", (0, 0)), ("→", (0, 1))):
        press(key)
        assert matrix._cursor == cell
    press("Enter")
    assert matrix.chosen == (0, 1)
    press("Esc")
    assert matrix.chosen is None and review.table.rowCount() == 32


@pytest.mark.parametrize("after", ["start", "a click on the image", "Tab"])
def test_at_the_reader_desk_digits_are_readings(
    opened: MainWindow, qtbot: QtBot, review: ReviewPage, after: str
) -> None:
    desk = DeskDialog(review.state, opened)
    qtbot.addWidget(desk)
    desk.open()
    qtbot.waitUntil(desk.isActiveWindow)
    click(desk.reader)
    QTest.keyClicks(desk.reader, "a1")
    assert desk.reader.text() == "a1", "before the start digits belong to the initials"
    press("Enter")
    for place, name in enumerate(("bright", "dark"), start=1):
        assert desk.answer_buttons[place - 1].text() == f"{name}  ({place})"
        assert f"(key {place})" in desk.answer_buttons[place - 1].toolTip()
        if after == "a click on the image":
            click(desk.view)
        elif after == "Tab":
            press("Tab")
        image, window = desk.image, desk.view.window_level
        press(str(place))
        saved = {each.image: each.value for each in readings(project_of(opened), "run-001", "a1")}
        assert image is not None and saved.get(image) == name
        assert desk.view.window_level == window, "no window was chosen"
        press(str(3 - place))
        assert readings(project_of(opened), "run-001", "a1")[-1].value == name, "a saved reading stays"
        assert desk.next_button.toolTip() == "Enter"
        if after == "a click on the image":
            click(desk.view)
        press("Enter")
        assert desk.image not in (None, image)
    assert written(keys.DESK) == {"1 to 9", "Enter"}
    _try_image_keys(desk.view, lambda: click(desk.view), digits=False)
    assert "1 to 4" not in desk.view._canvas.toolTip() + desk.view.window_button.toolTip()


def test_of_many_classes_at_the_desk_nine_have_a_key_and_an_ampersand_claims_none(
    opened: MainWindow, qtbot: QtBot, review: ReviewPage
) -> None:
    names = ("a & b", *(f"class {number}" for number in range(2, 13)))
    assert review.state.predictions is not None
    review.state.predictions = replace(review.state.predictions, classes=names)
    desk = DeskDialog(review.state, opened)
    qtbot.addWidget(desk)
    texts = [each.text() for each in desk.answer_buttons]
    assert texts[0] == "a && b  (1)" and texts[8] == "class 9  (9)" and texts[9] == "class 10"
    assert "key" not in desk.answer_buttons[9].toolTip()
    saved: list[str] = []
    desk.save = saved.append  # type: ignore[method-assign,assignment]
    desk.open()
    qtbot.waitUntil(desk.isActiveWindow)
    desk.view.setFocus()
    for key in ("9", ":", "0", "Ctrl+1"):
        press(key)
    assert saved == ["class 9"]


def test_enter_and_space_press_the_button_with_the_focus(window: MainWindow, qtbot: QtBot, trained: Path) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for key in ("Enter", "Return", "Space"):
        window.open_project(trained)
        window.session.close_project()
        entries = window.start_page.findChildren(QAbstractButton)
        recent = [each for each in entries if each.text() == trained.name][-1]  # those before are on their way out
        recent.setFocus(Qt.FocusReason.TabFocusReason)
        press(key)
        assert window.session.project is not None, key
        qtbot.waitUntil(lambda: not window.session.loading, timeout=MINUTE)
        window.session.close_project()


def test_tab_goes_through_every_part_and_back(opened: MainWindow, review: ReviewPage) -> None:
    click(review.search)
    start, met = QApplication.focusWidget(), []
    for _ in range(80):
        press("Tab")
        now = QApplication.focusWidget()
        assert now is not None and now.isVisible() and not isinstance(now, Chart)
        if now is start:
            break
        met.append(now)
    assert now is start, "round and round"
    for part in (review.view, review.image, review.list, review.matrix, review.overview.point.rule):
        assert part in met
    press("Shift+Tab")
    assert QApplication.focusWidget() is met[-1]


def test_no_two_actions_of_a_window_claim_one_key(opened: MainWindow, curate: CuratePage, review: ReviewPage) -> None:
    for name in ("Import", "Train", "Predict"):
        opened.show_page(name)
    claimed = [each for action in opened.findChildren(QAction) for each in action.shortcuts() if not each.isEmpty()]
    claimed += [shortcut.key() for shortcut in opened.findChildren(QShortcut)]
    texts = [each.toString() for each in claimed]
    assert len(texts) == len(set(texts)) >= 10
    named = chain.from_iterable(
        [f"Ctrl+{number}" for number in range(1, 6)] if key.startswith("Ctrl+1 to") else [key]
        for key, _ in keys.MAIN_WINDOW
    )
    assert set(texts) == set(named), "Help > Keys lists them all"
    menus = [opened.menuBar(), *(each.menu() for each in opened.menuBar().actions())]
    for menu in menus:
        letters = [_mnemonic(each.text()) for each in menu.actions() if _mnemonic(each.text())]
        assert len(letters) == len(set(letters)), letters


def _mnemonic(text: str) -> str:
    found = re.search(r"(?<!&)(?:&&)*&([^&])", text)
    return found.group(1).lower() if found else ""


def test_every_key_that_a_text_names_is_in_the_list_of_keys(
    opened: MainWindow, qtbot: QtBot, curate: CuratePage, review: ReviewPage
) -> None:
    """What the other tests press is the list; so no text may name another key."""
    for name in ("Import", "Train", "Predict"):
        opened.show_page(name)
    dialogs: list[QDialog] = [
        KeysDialog(opened),
        DeskDialog(review.state, opened),
        LabelSetDialog(project_of(opened), opened),
        ImageDialog(opened.session, curate.images.table.image(0), "image", opened),
    ]
    pattern = re.compile(r"Ctrl\+\w+|Shift\+\w+|Alt\+\w+|\bF\d\b|\bEnter\b|\bEsc\b|\bDelete\b|(?<=[Kk]ey )\w\b")
    listed = set(pattern.findall(" ".join(key for _, section in keys.SECTIONS for key, _ in section)))
    listed |= {"U"} | {str(number) for number in range(1, 10)} | {f"Ctrl+{number}" for number in range(1, 6)}
    texts: list[str] = []
    for part in (each for top in (opened, *dialogs) for each in (top, *top.findChildren(QWidget))):
        texts.append(part.toolTip())
        if isinstance(part, QAbstractButton | QLabel):
            texts.append(part.text())
    named = {found for text in texts for found in pattern.findall(text)}
    assert {"Ctrl+Z", "Ctrl+3", "Enter", "1", "U"} <= named
    assert named <= listed, named - listed


def _turn(what: QWidget) -> None:
    """The wheel one notch down over the middle of a part, by the way that a real one goes."""
    top = what.window()
    place = what.mapTo(top, what.rect().center())
    QTest.wheelEvent(top.windowHandle(), QPointF(place), QPoint(0, -120))


def _value(control: QWidget) -> object:
    return control.currentIndex() if isinstance(control, QComboBox) else control.value()  # type: ignore[attr-defined]


def _try_wheel(top: QWidget) -> int:
    """Turn the wheel over everything on show that it could change; how many those are."""
    controls = [each for kind in (QComboBox, QAbstractSpinBox, QSlider) for each in top.findChildren(kind)]
    shown = [each for each in controls if each.isVisible() and each.isEnabled()]
    for each in shown:
        area = next((part for part in _parents(each) if isinstance(part, QScrollArea)), None)
        if area is not None:
            area.ensureWidgetVisible(each)
        if isinstance(QApplication.focusWidget(), QComboBox | QAbstractSpinBox | QSlider):
            QApplication.focusWidget().clearFocus()
        before = _value(each)
        _turn(each)
        assert _value(each) == before, f"the wheel changed {each.accessibleName() or each.objectName()}"
        assert not each.hasFocus(), "nor does it take the focus"
        if isinstance(each, QComboBox):
            each.setFocus()
            _turn(each)
            assert _value(each) == before, "list boxes are never turned"
    return len(shown)


def test_the_wheel_changes_nothing_that_it_passes(
    opened: MainWindow, qtbot: QtBot, curate: CuratePage, review: ReviewPage
) -> None:
    labels = [review.table.index(row, 2).data() for row in range(32)]
    tried = 0
    for name in ("Import", "Curate", "Train", "Review", "Predict"):
        opened.show_page(name)
        page = opened.page(name)
        tabs = getattr(page, "tabs", None)
        for number in range(tabs.count() if tabs is not None else 1):
            if tabs is not None:
                tabs.setCurrentIndex(number)
            for image_tab in range(3) if name == "Review" else (0,):
                if name == "Review":
                    review.image_panel.tabs.setCurrentIndex(image_tab)
                QApplication.processEvents()
                tried += _try_wheel(page)
    assert tried > 30
    assert [review.table.index(row, 2).data() for row in range(32)] == labels
    assert opened.session.state is not None and opened.session.state.undo == "Making a split", "no label was corrected"
    recipe = opened.page("Train")._settings["finetune"]  # type: ignore[attr-defined]
    dialog = RecipeDialog(opened.session, recipe, opened)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(dialog.isActiveWindow)
    for number in range(dialog.tabs.count()):
        dialog.tabs.setCurrentIndex(number)
        QApplication.processEvents()
        assert _try_wheel(dialog)


def test_a_number_with_the_focus_is_turned(opened: MainWindow, curate: CuratePage) -> None:
    curate.tabs.setCurrentIndex(1)
    folds = curate.split.folds
    QApplication.processEvents()
    folds.setFocus()
    before = folds.value()
    _turn(folds)
    assert folds.value() == before - 1


def test_the_wheel_scrolls_over_charts(opened: MainWindow, qtbot: QtBot, review: ReviewPage) -> None:
    review.tabs.setCurrentIndex(1)
    charts = list(review.curves.findChildren(Chart))
    qtbot.waitUntil(lambda: all(each.isVisible() for each in charts), timeout=MINUTE)
    area = next(each for each in _parents(review.curves) if isinstance(each, QScrollArea))
    bar = area.verticalScrollBar()
    assert bar.maximum() > 0 and len(charts) == 5
    for chart in charts:
        for share in (0.03, 0.5):  # over an axis, and over the curves
            middle = chart.mapTo(area.widget(), chart.rect().center())
            area.ensureVisible(middle.x(), middle.y(), 0, 120)
            QApplication.processEvents()
            direction = -120 if bar.value() < bar.maximum() else 120
            before = bar.value()
            spot = chart.mapTo(opened, QPoint(round(chart.width() * share), chart.height() // 2))
            QTest.wheelEvent(opened.windowHandle(), QPointF(spot), QPoint(0, direction))
            assert bar.value() != before, (chart.accessibleName(), share)


def test_undo_names_a_class_with_an_ampersand_as_it_is(opened: MainWindow, qtbot: QtBot, curate: CuratePage) -> None:
    choose_first(curate.images)
    curate.images.label_selected("a & b")
    idle(opened, qtbot)
    assert opened.undo_action.text() == "&Undo: Labelling 1 image “a && b”"
