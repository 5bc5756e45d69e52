"""What installer/check asks of the installed program itself, hidden from its help.

    fineray --self-check imports FILE
        loads each module that the file names, a line each, and says which it cannot
    fineray --self-check window PROJECT NEW OUT
        goes through every page, chart and dialog of the window on a project with two runs and a folder of new images;
        pictures and a report go into OUT

It loads what the program holds and runs nothing that a user brings along. The exit status is 0 where all went well.
"""

import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_MS = 900_000  # for one step: a fine-tuning on a busy computer


def main(words: list[str]) -> int:
    """Carry out one of the two; returns the exit status."""
    match words:
        case ["imports", file]:
            problems = imports(Path(file).read_text("utf-8").split())
        case ["window", project, new, out]:
            problems = window(Path(project), Path(new), Path(out))
        case _:
            problems = ["imports FILE, or window PROJECT NEW OUT"]
    sys.stdout.write("".join(f"{each}\n" for each in problems))
    return 1 if problems else 0


def imports(names: list[str]) -> list[str]:
    """The modules that cannot be loaded, with the reason."""
    problems = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # some raise what they like
            problems.append(f"{name}: {type(error).__name__}: {error}")
    return problems


def window(project: Path, new: Path, out: Path) -> list[str]:
    """What went wrong in the window."""
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from fineray.system.network_use import watch_network
    from fineray_desktop.leaving import Leaving
    from fineray_desktop.main_window import MainWindow
    from fineray_desktop.theme import apply_theme, wanted_theme

    out.mkdir(parents=True, exist_ok=True)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    apply_theme(app, wanted_theme("light"))
    shown = MainWindow(QSettings(str(out / "settings.ini"), QSettings.Format.IniFormat))
    watch_network(shown.session.note_network)  # these two as the program's own start has them
    Leaving(app, shown)
    shown.resize(1360, 860)
    shown.show()
    walk = Walk(shown, out)
    usual, sys.excepthook = (
        sys.excepthook,
        lambda *error: walk.problems.append("".join(traceback.format_exception(*error))),
    )
    try:
        walk.go(project, new)
    except Exception:
        walk.problems.append(traceback.format_exc())
    finally:
        shown.close()
        sys.excepthook = usual
    return walk.problems


class Walk:
    """The way through the window; every job that fails, and every fault in a slot, is a problem."""

    def __init__(self, shown: Any, out: Path) -> None:
        self.window, self.session, self.out = shown, shown.session, out
        self.problems: list[str] = []
        self.session.failed.connect(
            lambda failed: self.problems.append(f"{failed.what} {failed.where} {failed.details}")
        )
        self._running = 0
        for client in (self.session.engine, self.session.analyst, self.session.reader):
            client.start = self._watched(client.start)

    def _watched(self, start: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`start` of a client of the engine, whose jobs are counted and may not fail: what some of them say then stands
        beside an image, where nobody would look for it here."""

        def started(request: Any) -> Any:
            job = start(request)
            self._running += 1
            name = type(request).__name__
            job.failed.connect(lambda told: self.problems.append(f"{name}: {told.what} {told.where} {told.details}"))
            job.ended.connect(self._ended)
            return job

        return started

    def _ended(self) -> None:
        self._running -= 1

    def go(self, project: Path, new: Path) -> None:
        """Every page, one after the other."""
        self.window.open_project(project)
        self.until(lambda: self.session.state is not None)
        if not self.session.may_change:
            raise RuntimeError(f"The project cannot be changed: {self.session.obstacle}")
        for each in (self.importing, self.curate, self.train, self.review, self.dialogs):
            each()
        self.predict(new)
        self.menus()

    def until(self, there: Callable[[], Any]) -> None:
        """Let the window run until a condition holds. Raises TimeoutError."""
        from PySide6.QtCore import QDeadlineTimer, QEventLoop
        from PySide6.QtWidgets import QApplication

        deadline = QDeadlineTimer(PATIENCE_MS)
        while not there():
            if deadline.hasExpired():
                raise TimeoutError(there.__qualname__)
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)

    def quiet(self) -> bool:
        """Whether nothing is under way."""
        from fineray_desktop.loading import Loading

        return not self._running and not any(each.busy for each in self.window.findChildren(Loading))

    def picture(self, name: str) -> None:
        """Keep what is on show."""
        self.until(self.quiet)
        (self.window if not (dialog := self.dialog()) else dialog).grab().save(str(self.out / f"{name}.png"))

    def dialog(self) -> Any:
        """The dialog that is open, if one is."""
        from PySide6.QtWidgets import QDialog

        return next((each for each in reversed(self.window.findChildren(QDialog)) if each.isVisible()), None)

    def page(self, name: str) -> Any:
        """Bring a page to the front and wait until it is filled."""
        self.window.show_page(name)
        self.until(self.quiet)
        return self.window.page(name)

    def close_dialogs(self) -> None:
        while (dialog := self.dialog()) is not None:
            dialog.reject()

    def importing(self) -> None:
        """Page Import, and archives."""
        page = self.page("Import")
        self.picture("import")
        page.ask_archive()
        self.picture("archives")
        self.close_dialogs()

    def curate(self) -> None:
        """All tabs, the data checks, and an image."""
        page = self.page("Curate")
        page.checks.run()
        for number in range(page.tabs.count()):
            page.tabs.setCurrentIndex(number)
            self.picture(f"curate-{number}")
        page.images.open_image(0)
        self.picture("image")
        self.close_dialogs()

    def train(self) -> None:
        """A training with its curves, its settings with views, and the comparison of backbones."""
        page = self.page("Train")
        before = len(self.runs())
        page.start()
        self.until(lambda: self.quiet() and (len(self.runs()) > before or self.problems))
        self.page("Train")
        self.picture("train")
        page.mode.setCurrentIndex(page.mode.findData("finetune"))
        page.frozen_stages.setValue(8)
        page.settings_button.click()
        dialog = self.dialog()
        dialog.find_rate.click()
        for number in range(dialog.tabs.count()):
            dialog.tabs.setCurrentIndex(number)
            self.picture(f"settings-{number}")
        self.close_dialogs()
        page.compare_button.click()
        self.dialog().start_button.click()
        self.picture("compare-backbones")
        self.close_dialogs()
        page.weights_button.click()
        self.picture("weights")
        self.close_dialogs()

    def runs(self) -> list[Any]:
        from fineray.project.runs import runs

        return runs(self.session.project)

    def review(self) -> None:
        """Every tab and chart, every overlay and list."""
        page = self.page("Review")
        page.chooser.setCurrentText("run-001")
        self.until(lambda: page.state.judgement is not None)
        for number in range(page.tabs.count()):
            page.tabs.setCurrentIndex(number)
            self.picture(f"review-{number}")
        page.plan.learn()
        self.picture("learning-curve")
        for number in range(page.image_panel.tabs.count()):
            page.image_panel.tabs.setCurrentIndex(number)
            self.picture(f"image-{number}")
        page.image_panel.tabs.setCurrentIndex(0)
        for number in range(page.image_panel.explain.method.count()):
            page.image_panel.explain.method.setCurrentIndex(number)
            self.picture(f"overlay-{number}")
        page.image_panel.explain.method.setCurrentIndex(0)
        for number in range(page.list.count()):
            page.list.setCurrentIndex(number)
            self.until(self.quiet)
        page.clear_button.click()

    def dialogs(self) -> None:
        """What Review opens."""
        page = self.page("Review")
        for asked, name in (
            (page.bar.compare_asked, "compare-runs"),
            (page.bar.map_asked, "map"),
            (page.bar.desk_asked, "reader-desk"),
            (page.image_panel.beside_asked, "beside"),
        ):
            asked.emit(*([page.image_panel.image] if name == "beside" else []))
            self.picture(name)
            self.close_dialogs()
        page.search.setText(page.table.index(0, 1).data())  # the images of one patient
        page.image_panel.explain.mean_button.click()
        self.picture("mean-map")
        self.close_dialogs()
        page.clear_button.click()
        page.bar.report_asked.emit()
        self.dialog().parts.setChecked(True)
        self.dialog().write(self.out / "report.pdf")
        self.picture("report")
        self.close_dialogs()

    def predict(self, new: Path) -> None:
        """A model on new images, drift, and the ways out."""
        page = self.page("Predict")
        page.take(new)
        page.begin()
        self.until(lambda: page.found is not None or self.problems)
        page.view.selectRow(0)
        for number in range(page.tabs.count()):
            page.tabs.setCurrentIndex(number)
            self.picture(f"predict-{number}")
        page.write(self.out / "table.xlsx")
        page.give()
        self.picture("give")
        self.dialog().write(self.out / "model.frpkg")
        self.until(self.quiet)
        self.close_dialogs()
        page.judge()
        self.picture("judge")
        self.close_dialogs()

    def menus(self) -> None:
        """What only the menus open, and the tour."""
        from fineray_desktop.help.user_guide import user_guide
        from fineray_desktop.start.tour import Tour

        if getattr(sys, "frozen", False) and user_guide() is None:
            raise AssertionError("the frozen program has no user guide")
        for text in ("Export images", "Keys", "Crash reports", "left this computer", "Welcome"):
            actions = [each for menu in self.window.menuBar().actions() for each in menu.menu().actions()]
            next(each for each in actions if text in each.text().replace("&", "")).trigger()
            self.picture(text.lower().replace(" ", "-"))
            self.until(self.quiet)  # the first start asks which device there is
            self.close_dialogs()
        tour = Tour(self.window)
        tour.page_wanted.connect(self.window.show_page)
        tour.go(0)
        self.picture("tour")
        tour.end()
