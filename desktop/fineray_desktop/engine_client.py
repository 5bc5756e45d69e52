"""The only door to the engine: requests go in, Qt signals come out. The GUI thread never waits here."""

from __future__ import annotations

import itertools
import multiprocessing
import queue
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

from PySide6.QtCore import QObject, QTimer, Signal

from fineray.engine.protocol import Alive, Cancel, Failed, Finished, FromWorker, Leave, Pause, Reported, Stopped, Submit
from fineray.engine.requests import Request
from fineray.engine.worker import serve
from fineray.system.processes import without_working_folder

# A worker says every two seconds that it is alive, whatever it does. One that is silent for so long is stopped, swapped
# out, or held by a driver: a person is told.
SILENT_AFTER_S = 15.0


class Job(QObject):
    """A request on its way. Exactly one of finished, failed and stopped is emitted, and then ended."""

    reported = Signal(object)  # fineray.engine.protocol.Reported
    finished = Signal(object)  # the request's result
    failed = Signal(object)  # fineray.engine.protocol.Failed
    stopped = Signal()
    ended = Signal()

    def __init__(self, client: EngineClient, number: int, request: Request) -> None:
        super().__init__(client)
        self.number = number
        self.request = request
        self._client = client

    def pause(self) -> None:
        """Ask the engine to stop for now; all that was done is kept, and the same request goes on from there."""
        self._client.send(self, Pause(self.number))

    @property
    def engine_runs(self) -> bool:
        """Whether the engine is up; else its process is only being started."""
        return self._client.runs

    def cancel(self) -> None:
        """Ask the engine to stop, and to give up what was kept to go on from."""
        self._client.send(self, Cancel(self.number))


class EngineClient(QObject):
    """One worker process, started with the first request and again after it died.

    With `patient`, a worker that does not answer is waited for until end_worker(); otherwise it is ended at once.
    """

    processes: ClassVar[Any] = multiprocessing.get_context("spawn")  # tests put a quicker way in its place
    silent = Signal(bool)  # whether a worker that has work to do has stopped answering
    _arrived = Signal(object, int)

    def __init__(self, parent: QObject | None = None, *, patient: bool = True) -> None:
        super().__init__(parent)
        self._patient = patient
        self._worker: BaseProcess | None = None
        self._heard = time.monotonic()
        self._looks, self._silent = 0, False
        self._watch = QTimer(self, interval=1000)
        self._watch.timeout.connect(self._look_after)
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._outbox: queue.SimpleQueue[Submit | Pause | Cancel | Leave] | None = None
        self._generation, self._runs = 0, False
        # Once it is closed the window may be taken down at any moment: a thread that emits through it then would
        # touch an object that is gone.
        self._gate, self._open = threading.Lock(), True
        self._arrived.connect(self._dispatch)

    @property
    def runs(self) -> bool:
        """Whether the worker process has spoken."""
        return self._runs

    def start(self, request: Request) -> Job:
        """Send a request; connect to the job's signals before returning to the event loop."""
        job = Job(self, next(self._numbers), request)
        if not self._jobs:
            self._heard = time.monotonic()
        self._jobs[job.number] = job
        self._watch.start()
        if self._outbox is None:
            self._open = True
            self._generation, self._runs = self._generation + 1, False
            self._outbox = queue.SimpleQueue()
            # Starting the process takes tens of milliseconds and the pipe may fill up: both belong to a thread.
            threading.Thread(target=self._send, args=(self._outbox, self._generation), daemon=True).start()
        self._outbox.put(Submit(job.number, request))
        return job

    def send(self, job: Job, what: Pause | Cancel) -> None:
        """Ask for a job to stop; nothing happens if it has ended."""
        if self._outbox is not None and job.number in self._jobs:
            self._outbox.put(what)

    def end_worker(self) -> None:
        """End a worker that does not answer; its jobs fail, and the next request starts another."""
        if self._worker is not None:
            self._worker.kill()

    def close(self) -> None:
        """Let the worker go; its unfinished jobs end without a signal."""
        if self._silent:
            self.end_worker()  # it would not hear that it may leave
        self._watch.stop()
        self._jobs.clear()
        with self._gate:
            self._open = False
        if self._outbox is not None:
            self._outbox.put(Leave())
            self._outbox = None

    def _send(self, outbox: queue.SimpleQueue[Submit | Pause | Cancel | Leave], generation: int) -> None:
        without_working_folder()
        ours, theirs = self.processes.Pipe()
        # Not a daemon: an import has decoding processes of its own. It leaves when our end of the pipe closes.
        worker = self.processes.Process(target=serve, args=(theirs,), name="fineray engine", daemon=False)
        worker.start()
        self._worker = worker
        theirs.close()
        threading.Thread(target=self._receive, args=(ours, worker, generation), daemon=True).start()
        message: Submit | Pause | Cancel | Leave | None = None
        while not isinstance(message, Leave):
            message = outbox.get()
            try:
                ours.send(message)
            except (BrokenPipeError, OSError):
                return  # the receiving thread sees the end too and tells

    def _receive(self, connection: Connection, worker: BaseProcess, generation: int) -> None:
        while True:
            try:
                event: FromWorker = connection.recv()
            except (EOFError, OSError):
                connection.close()
                worker.join()
                self._tell(None, generation)
                return
            self._tell(event, generation)

    def _tell(self, event: FromWorker | None, generation: int) -> None:
        with self._gate:
            if self._open:
                self._arrived.emit(event, generation)

    def _look_after(self) -> None:
        if not self._jobs:
            self._watch.stop()
        late = bool(self._jobs) and time.monotonic() - self._heard > SILENT_AFTER_S
        # Three looks in a row: where it was this window that slept, word from the worker is on its way.
        self._looks = self._looks + 1 if late else 0
        quiet = self._looks >= 3
        if quiet and not self._patient:
            self.end_worker()
        self._say_silent(quiet)

    def _say_silent(self, quiet: bool) -> None:
        if quiet != self._silent:
            self._silent = quiet
            self.silent.emit(quiet)

    def _dispatch(self, event: FromWorker | None, generation: int) -> None:
        if event is None:
            self._worker_died(generation)
            return
        self._heard, self._runs = time.monotonic(), True
        if isinstance(event, Alive):
            return
        job = self._jobs.get(event.job)
        if job is None:
            return
        if isinstance(event, Reported):
            job.reported.emit(event)
        else:
            self._end(job, event)

    def _end(self, job: Job, event: Finished | Failed | Stopped) -> None:
        del self._jobs[job.number]
        match event:
            case Finished(_, result):
                job.finished.emit(result)
            case Failed():
                job.failed.emit(event)
            case Stopped():
                job.stopped.emit()
        job.ended.emit()
        job.deleteLater()

    def _worker_died(self, generation: int) -> None:
        if generation != self._generation or self._outbox is None:
            return
        self._outbox.put(Leave())
        self._outbox = self._worker = None
        for job in list(self._jobs.values()):
            todo = "Everything finished before is kept. Start the step again; the engine starts anew by itself."
            self._end(job, Failed(job.number, "The engine stopped unexpectedly", "", todo))
        self._say_silent(False)  # who is gone need not be ended
