"""The window: the rail of pages, the error banner, the page, the foot with the job under way."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QGuiApplication, QIcon, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.training import RunDemo
from fineray.errors import FinerayError
from fineray.export.options import ExportSummary
from fineray.project.changes import undo
from fineray.training.results import RunDone
from fineray_desktop.closing import Closing
from fineray_desktop.help.user_guide import ABSENT, open_user_guide, user_guide
from fineray_desktop.manners import Manners
from fineray_desktop.session import Session
from fineray_desktop.start.page import StartPage
from fineray_desktop.theme import apply_theme, wanted_theme
from fineray_desktop.widgets.basics import ErrorBanner, plain
from fineray_desktop.widgets.job_bar import JobBar
from fineray_desktop.widgets.rail import Rail
from fineray_desktop.widgets.read_only_strip import ReadOnlyStrip
from fineray_desktop.widgets.scrolling import PageArea

NARROW_BELOW = 1200  # points of window width
LEAST = QSize(940, 520)  # points; a screen of 1920 by 1200 pixels at 200 % has 960 by 600
FRAME = QSize(8, 40)  # that the system may draw around the window
PAGES = ("Import", "Curate", "Train", "Review", "Predict")


class MainWindow(QMainWindow):
    """Holds the session; pages are made when they are first shown, so that the window is up at once."""

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self.session = Session(settings, self)
        self._manners = Manners(self)
        self.setWindowTitle("Fineray")
        self.setWindowIcon(QIcon(str(resources.files("fineray_resources").joinpath("fineray.svg"))))
        available = QGuiApplication.primaryScreen().availableSize() - FRAME
        self.setMinimumSize(LEAST.boundedTo(available))
        self.resize(QSize(1360, 860).boundedTo(available))
        self.banner = ErrorBanner()
        self.read_only = ReadOnlyStrip()
        self.job_bar = JobBar()
        self.rail = Rail(PAGES)
        self.start_page = StartPage(self.session)
        self._pages: dict[str, QWidget] = {}
        self._touring = self._leaving = False
        self.closing = Closing(self.session, self)
        self.closing.done.connect(self.leave)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.start_page)
        self.setCentralWidget(self._frame())
        self._make_menu()
        self._connect()
        self._project_changed()

    def page(self, name: str) -> QWidget:
        """The page of that name, made now if it was not shown before."""
        if name not in self._pages:
            self._pages[name] = _make_page(name, self.session)
            self._stack.addWidget(self._pages[name])
            self._manners.teach(self._pages[name])
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        self._stack.setCurrentWidget(self.page(name))
        self.rail.buttons[name].setChecked(True)

    def open_project(self, root: Path) -> None:
        """Open a project, or say why it cannot be opened."""
        try:
            self.session.open(root)
        except FinerayError as error:
            self.session.fail(error.what, error.where, error.todo)

    def open_path(self, path: Path) -> None:
        """Open a project's folder, or take the model of a package in."""
        if path.suffix == ".frpkg":
            from fineray_desktop.predict.taking import take_package

            take_package(self.session, path, self)
        else:
            self.open_project(path)

    def welcome_once(self) -> None:
        """On the first start, say what there is."""
        from fineray_desktop.start.welcome import WELCOMED

        if not self.session.settings.value(WELCOMED):
            self.welcome()

    def welcome(self) -> None:
        """What this computer computes on, where projects go, and a tour."""
        from fineray_desktop.start.welcome import WelcomeDialog

        dialog = WelcomeDialog(self.session, self)
        dialog.tour_asked.connect(self.tour)
        dialog.open()

    def tour(self) -> None:
        """Show the pages on the demo study, step by step."""
        from fineray.system.user_folder import demo_folder

        if not self.session.busy:
            self._touring = True
            self.start_demo(demo_folder(None))

    def start_demo(self, folder: Path) -> None:
        """Make the demo study there, then open Review on it."""
        self.session.close_project()
        self.start_page.demo_running(True)
        job = self.session.run(RunDemo(folder), "Demo study", self._demo_done)
        job.ended.connect(self._demo_ended)

    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow = event.size().width() < NARROW_BELOW
        self.rail.set_narrow(narrow)
        self._body.setContentsMargins(12 if narrow else 18, 14, 12 if narrow else 18, 10)
        super().resizeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._leaving and not self.closing.may_close():
            event.ignore()
            return
        self.session.close()
        super().closeEvent(event)

    def leave(self) -> None:
        """Close without a question, whatever is under way."""
        self._leaving = True
        self.close()

    def _demo_ended(self) -> None:
        self._touring = False  # also where the demo failed or was cancelled
        self.start_page.demo_running(False)

    def _demo_done(self, done: RunDone) -> None:
        self.open_project(done.project)
        if self.session.project is None:
            return
        self.show_page("Review")
        if self._touring:
            from fineray_desktop.start.tour import Tour

            tour = Tour(self)
            tour.page_wanted.connect(self.show_page)
            tour.ended.connect(tour.deleteLater)
            self.session.project_closed.connect(tour.end)
            tour.go(0)

    def _frame(self) -> QWidget:
        self._body = body = QVBoxLayout()
        body.setSpacing(10)
        body.addWidget(self.read_only)
        body.addWidget(self.banner)
        body.addWidget(PageArea(self._stack), 1)
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.rail)
        upper.addLayout(body, 1)
        outer = QVBoxLayout()
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(upper, 1)
        outer.addWidget(self.job_bar)
        frame = QWidget()
        frame.setLayout(outer)
        return frame

    def _make_menu(self) -> None:
        project = self.menuBar().addMenu("&Project")
        _action(project.addAction("&New…"), self.start_page.choose_new, QKeySequence.StandardKey.New)
        _action(project.addAction("&Open…"), self.start_page.choose_existing, QKeySequence.StandardKey.Open)
        _action(project.addAction("Open a &model…"), self.start_page.choose_model)
        _action(project.addAction("Try the &demo study"), lambda: self.start_page.demo_asked.emit())
        project.addSeparator()
        self.export_action = project.addAction("&Export images without identity…")
        _action(self.export_action, self._export)
        _action(project.addAction("&Close project"), self.session.close_project)
        _action(project.addAction("&Quit"), self.close, QKeySequence("Ctrl+Q"))
        edit = self.menuBar().addMenu("&Edit")
        self.undo_action = edit.addAction("&Undo")
        _action(self.undo_action, self._undo, QKeySequence.StandardKey.Undo)
        view = self.menuBar().addMenu("&View")
        for number, name in enumerate(PAGES, start=1):
            go = view.addAction(name)
            _action(go, lambda name=name: self._go(name), QKeySequence(f"Ctrl+{number}"))
        view.addSeparator()
        themes = QActionGroup(self)
        wanted = str(self.session.settings.value("theme", "system"))
        for choice, text in (("system", "As the system"), ("light", "Light"), ("dark", "Dark")):
            entry = view.addAction(text)
            entry.setCheckable(True)
            entry.setChecked(choice == wanted)
            themes.addAction(entry)
            _action(entry, lambda choice=choice: self._set_theme(choice))

        about = self.menuBar().addMenu("&Help")
        self._add_guide(about)
        _action(about.addAction("&Keys…"), self._keys, QKeySequence("F1"))
        _action(about.addAction("&Welcome and device…"), self.welcome)
        _action(about.addAction("&Tour on the demo study"), self.tour)
        _action(about.addAction("&Crash reports…"), self._reports)
        _action(about.addAction("What &left this computer…"), self._network)

    def _add_guide(self, menu: QMenu) -> None:
        guide = menu.addAction("&User guide")
        page = user_guide()
        if page is None:
            menu.setToolTipsVisible(True)
            guide.setToolTip(ABSENT)
            guide.setEnabled(False)
        else:
            _action(guide, lambda: open_user_guide(page))

    def _keys(self) -> None:
        from fineray_desktop.help.keys_dialog import KeysDialog

        KeysDialog(self).open()

    def _reports(self) -> None:
        from fineray_desktop.help.reports_dialog import ReportsDialog

        ReportsDialog(self.session, self).open()

    def _network(self) -> None:
        from fineray_desktop.help.network_dialog import NetworkDialog

        NetworkDialog(self.session, self).open()

    def _connect(self) -> None:
        session = self.session
        session.project_opened.connect(self._project_changed)
        session.project_closed.connect(self._project_changed)
        for changed in (session.project_opened, session.project_closed, session.state_changed, session.busy_changed):
            changed.connect(self._name_undo)
        self._name_undo()
        self.rail.chosen.connect(self.show_page)
        self.rail.close_asked.connect(session.close_project)
        self.read_only.again.connect(self._open_again)
        session.failed.connect(self.banner.show_error)
        session.job_started.connect(self.job_bar.watch)
        session.engine.silent.connect(self.job_bar.show_silence)
        self.job_bar.end.clicked.connect(session.engine.end_worker)
        session.job_started.connect(lambda: self.banner.hide())
        session.show_page.connect(self.show_page)
        session.exported.connect(self._exported)
        self.start_page.demo_asked.connect(self._demo_asked)

    def _open_again(self) -> None:
        if self.session.project is not None and not self.session.busy:
            shown = next((name for name, page in self._pages.items() if page is self._stack.currentWidget()), "Import")
            self.open_project(self.session.project.root)
            self._go(shown)

    def _undo(self) -> None:
        project = self.session.project
        if project is None or not self.session.may_change:
            return
        undone = undo(project)
        if undone is not None and undone.images:
            self.session.images_changed.emit(undone.images)
        elif undone is not None:
            self.session.data_changed.emit()

    def _export(self) -> None:
        from fineray_desktop.curate.export_dialog import ExportDialog

        if self.session.project is not None and not self.session.busy:
            ExportDialog(self.session, self).open()

    def _exported(self, summary: ExportSummary) -> None:
        from fineray_desktop.curate.export_dialog import in_words

        QMessageBox.information(self, "Export", in_words(summary))

    def _name_undo(self) -> None:
        title = self.session.state.undo if self.session.state is not None else None
        self.undo_action.setText(f"&Undo: {plain(title)}" if title else "&Undo")
        self.export_action.setEnabled(self.session.project is not None and not self.session.busy)
        self.undo_action.setEnabled(title is not None and self.session.may_change)

    def _demo_asked(self) -> None:
        from fineray.system.user_folder import demo_folder

        if not self.session.busy:
            self.start_demo(demo_folder(None))

    def _go(self, name: str) -> None:
        if self.session.project is not None:
            self.show_page(name)

    def _project_changed(self) -> None:
        project = self.session.project
        self.rail.set_project(project.name if project else None)
        only_read = " (for reading only)" if self.session.read_only else ""
        self.setWindowTitle(f"{project.name}{only_read} — Fineray" if project else "Fineray")
        self.read_only.show_reason(project.read_only if project else None)
        if project is None:
            self._stack.setCurrentWidget(self.start_page)
            self.start_page.refresh()
        else:
            self.banner.hide()
            self.show_page("Import")

    def _set_theme(self, choice: str) -> None:
        self.session.settings.setValue("theme", choice)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, wanted_theme(choice))


def _action(
    action: QAction, run: Callable[[], object], shortcut: QKeySequence | QKeySequence.StandardKey | None = None
) -> None:
    action.triggered.connect(lambda checked=False: run())
    if shortcut is not None:
        action.setShortcut(shortcut)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)


def _make_page(name: str, session: Session) -> QWidget:
    # pyqtgraph takes a third of a second to import; the pages that draw with it pay when they are first shown.
    match name:
        case "Import":
            from fineray_desktop.importing.page import ImportPage

            return ImportPage(session)
        case "Curate":
            from fineray_desktop.curate.page import CuratePage

            return CuratePage(session)
        case "Train":
            from fineray_desktop.train.page import TrainPage

            return TrainPage(session)
        case "Review":
            from fineray_desktop.review.page import ReviewPage

            return ReviewPage(session)
        case _:
            from fineray_desktop.predict.page import PredictPage

            return PredictPage(session)
