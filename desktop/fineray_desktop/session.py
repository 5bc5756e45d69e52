"""What the pages share: the open project, the engine, and the job under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from fineray.engine.protocol import Failed
from fineray.engine.requests import Request
from fineray.errors import StorageUnavailable
from fineray.project.lock import ProjectInUse
from fineray.project.project import Project, open_project
from fineray.project.state import StudyState, study_state
from fineray_desktop.engine_client import EngineClient, Job
from fineray_desktop.loading import Loading

MAX_RECENT = 8
WAITS, READ_ONLY = "Waits for the job under way.", "The project is open for reading only."


class Session(QObject):
    """One window's state. `engine` does the long work; meanwhile `reader` reads single images, and `analyst` works
    out what the review asks."""

    project_opened = Signal()
    project_closing = Signal()  # what is not written yet can be written still
    project_closed = Signal()
    data_changed = Signal()  # images, label sets or splits: everything is read anew
    images_changed = Signal(object)  # ids of the images whose label, patient or leaving out changed, and nothing else
    state_changed = Signal()
    runs_changed = Signal(str)  # name of the new run
    point_kept = Signal(str)  # name of the run that has another operating point now
    job_started = Signal(object, str)  # Job, what it is called
    busy_changed = Signal()
    exported = Signal(object)  # fineray.export.options.ExportSummary
    failed = Signal(object)  # fineray.engine.protocol.Failed
    show_page = Signal(str)

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.engine = EngineClient(self)
        self.reader = EngineClient(self, patient=False)
        self.analyst = EngineClient(self, patient=False)
        self.project: Project | None = None
        self.state: StudyState | None = None  # as it was read last
        self.network: list[str] = []  # what left this computer, a line each with the time
        self._running: list[Job] = []
        self._loading = Loading(self.fail, self)
        self.data_changed.connect(self._read_state)
        self.images_changed.connect(self._read_state)

    def open(self, root: Path) -> None:
        """Open a project and hold its lock; for reading only, where that is all that can be had.

        Raises a FinerayError; the project open before stays open then.
        """
        root = root.resolve()
        # A project that is open here is let go first: it would be refused to itself.
        if self.project is not None and self.project.root == root:
            self.close_project()
        try:
            opened = open_project(root, lock=True)
        except (ProjectInUse, StorageUnavailable):
            opened = open_project(root)
            if opened.read_only is None:  # free since a moment ago
                opened.close()
                opened = open_project(root, lock=True)
        self.close_project()
        self.project = opened
        self._remember(opened.root)
        self._read_state()
        self.project_opened.emit()

    def close_project(self) -> None:
        """Close the project, if one is open, and pause what runs for it."""
        if self.project is not None:
            self.project_closing.emit()
            self.pause()
            self._loading.forget()
            self.project.close()
            self.project = self.state = None
            self.project_closed.emit()

    def run(self, request: Request, title: str, on_finished: Callable[[Any], None]) -> Job:
        """Start a job of the engine that the window shows with its progress; failures go to `failed`."""
        job = self.engine.start(request)
        job.finished.connect(on_finished)
        job.failed.connect(self.failed)
        self._running.append(job)
        job.ended.connect(lambda: self._job_ended(job))
        self.job_started.emit(job, title)
        self.busy_changed.emit()
        return job

    def pause(self) -> None:
        """Stop what is under way, for now; what it did is kept."""
        for job in self._running:
            job.pause()

    @property
    def running(self) -> list[Job]:
        """The jobs that the window shows."""
        return list(self._running)

    @property
    def busy(self) -> bool:
        """Whether a job that the window shows is under way; the next one has to wait for it."""
        return bool(self._running)

    @property
    def read_only(self) -> bool:
        """Whether the open project may only be looked at."""
        return self.project is not None and self.project.read_only is not None

    @property
    def may_change(self) -> bool:
        """Whether the project may be changed now: one is open, for writing too, and no job is under way."""
        return self.project is not None and not self.obstacle

    @property
    def obstacle(self) -> str:
        """What keeps the open project from being changed now, in words; empty where nothing does."""
        return READ_ONLY if self.read_only else WAITS if self.busy else ""

    @property
    def loading(self) -> bool:
        """Whether the state is being read anew."""
        return self._loading.busy

    def _read_state(self) -> None:
        if self.project is not None:
            self._loading.ask(self.project.root, study_state, self._show_state)

    def _show_state(self, state: StudyState) -> None:
        self.state = state
        self.state_changed.emit()

    def _job_ended(self, job: Job) -> None:
        self._running.remove(job)
        self.busy_changed.emit()

    def fail(self, what: str, where: str, todo: str) -> None:
        """Show an error that came up in the window itself."""
        self.failed.emit(Failed(0, what, where, todo))

    def note_network(self, what: str) -> None:
        """Remember that a process of Fineray spoke to another computer; from any thread."""
        self.network.append(f"{datetime.now().astimezone():%H:%M:%S}  {what}")

    def recent(self) -> list[Path]:
        """Projects opened last, the newest first, as far as they still exist."""
        stored = self.settings.value("recent", [], list)
        return [Path(entry) for entry in stored if (Path(entry) / "catalogue.sqlite").is_file()]

    def close(self) -> None:
        """Close the project and let the processes go."""
        self.close_project()
        self.engine.close()
        self.reader.close()
        self.analyst.close()

    def _remember(self, root: Path) -> None:
        others = [str(path) for path in self.recent() if path != root]
        self.settings.setValue("recent", [str(root), *others][:MAX_RECENT])
