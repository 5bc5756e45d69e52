"""The worker process: one job at a time, requests, pauses and cancellations over a pipe."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from multiprocessing.connection import Connection

from fineray.engine.protocol import (
    Alive,
    Cancel,
    Failed,
    FromWorker,
    Leave,
    Pause,
    Reported,
    Submit,
)
from fineray.progress import (
    Cancelled,
    Interim,
    Loading,
    Monitor,
    Pace,
    Paused,
    Progress,
    ProgressEvent,
)
from fineray.system.loading import loading_told

REPORT_EVERY_S = 0.1
ALIVE_EVERY_S = 2.0


def serve(connection: Connection) -> None:
    """Main function of the process: work until the other side closes the connection. Raises PairsNotWhole before it
    takes a request, if there is one that no job answers."""
    # The window knows this module, and is to know nothing of what the jobs need.
    from fineray.engine.jobs.table import carry_out

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the window to decide on
    if hasattr(os, "nice"):
        os.nice(5)  # where all cores are busy the window goes first
    jobs: queue.Queue[Submit] = queue.Queue()
    asked: dict[int, type[Cancelled]] = {}
    outgoing = Outgoing(connection)
    threading.Thread(target=_listen, args=(connection, jobs, asked), daemon=True).start()
    threading.Thread(target=_say_alive, args=(outgoing,), daemon=True).start()
    while True:
        submitted = jobs.get()
        monitor = WorkerMonitor(submitted.job, outgoing, asked)
        with loading_told(monitor):
            ended = carry_out(submitted.job, submitted.request, monitor)
        monitor.flush()
        outgoing.send(ended)
        if isinstance(ended, Failed) and ended.process_unfit:
            os._exit(0)  # the window starts another with the next request


def _listen(connection: Connection, jobs: queue.Queue[Submit], asked: dict[int, type[Cancelled]]) -> None:
    while True:
        try:
            message: Submit | Pause | Cancel | Leave = connection.recv()
        except (EOFError, OSError):
            message = Leave()  # the window is gone
        match message:
            case Submit():
                jobs.put(message)
            case Pause(job):
                asked.setdefault(job, Paused)
            case Cancel(job):
                asked[job] = Cancelled
            case Leave():
                os._exit(0)


def _say_alive(outgoing: Outgoing) -> None:
    while True:
        outgoing.send(Alive())
        time.sleep(ALIVE_EVERY_S)


class Outgoing:
    """The way to the window, for several threads; where nobody is at its end the process leaves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.Lock()

    def send(self, what: FromWorker) -> None:
        """Hand it over whole."""
        try:
            with self._one_at_a_time:
                self._connection.send(what)
        except (BrokenPipeError, OSError):
            os._exit(0)


class WorkerMonitor(Monitor):
    """Sends reports on in batches and stops a job; asked: by job, whether it is to be paused or cancelled."""

    def __init__(self, job: int, outgoing: Outgoing, asked: dict[int, type[Cancelled]]) -> None:
        self._job = job
        self._outgoing = outgoing
        self._asked = asked
        self._started = self._sent = time.monotonic()
        self._waiting: list[ProgressEvent] = []
        self._progress: Progress | None = None
        self._stage = ""
        self._pace = Pace()
        self._rate: tuple[float | None, float | None] = (None, None)

    def report(self, what: ProgressEvent) -> None:
        """Keep a report until the next batch; of several Progress only the latest goes on.

        What begins is sent at once: a new stage and a library that is loaded may be silent for long. So is an Interim.
        """
        begins = isinstance(what, Loading) or (isinstance(what, Progress) and what.stage != self._stage)
        if begins:
            self.flush()
        if isinstance(what, Progress):
            self._stage, self._progress = what.stage, what
            self._rate = self._pace.update(what)
        else:
            self._waiting.append(what)
        if begins or isinstance(what, Interim) or time.monotonic() - self._sent >= REPORT_EVERY_S:
            self.flush()

    def check(self) -> None:
        """Raise Paused or Cancelled if the window asked for it."""
        if self._job in self._asked:
            raise self._asked[self._job]

    def flush(self) -> None:
        """Send what waits."""
        reports = (*self._waiting, *((self._progress,) if self._progress else ()))
        if reports:
            elapsed = time.monotonic() - self._started
            self._outgoing.send(Reported(self._job, reports, elapsed, *self._rate))
        self._waiting, self._progress = [], None
        self._sent = time.monotonic()
