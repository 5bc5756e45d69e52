"""Decoding on all cores, in processes whose death costs one file and nothing else."""

from __future__ import annotations

import faulthandler
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import TracebackType

from fineray.dicom.location import FileLocation
from fineray.dicom.scan import FoundFile
from fineray.progress import SILENT, Monitor
from fineray.project.files.options import ImportOptions
from fineray.project.files.preparation import Outcome, Rejected, store_file
from fineray.project.pixel_store import PixelStore, ShardWriter
from fineray.system.processes import without_working_folder

CRASHED = Rejected(
    "failed",
    "The decoder crashed or hung on this file",
    "The file is probably damaged; export it again from the archive.",
)
# No X-ray takes longer; a file that does would hold up all the others.
SECONDS_A_FILE = 30
# What a decoding process may allocate beyond what its libraries take: twenty times the largest image. A header that
# claims more costs its own file. (Linux counts it, RLIMIT_DATA; elsewhere the limits on pixels and bytes have to do.)
MEMORY_A_PROCESS = 3_000_000_000
PATIENCE_S = 10  # on top, for starting a process
# A task is a few small files or one large one: handing over costs as much as reading a header.
TASK_FILES, TASK_BYTES = 8, 2_000_000


class DecodingPool:
    """Prepares files in `processes` processes (one a core unless told); they start at once, in the background."""

    IN_FLIGHT_PER_PROCESS = 3  # enough to keep every process busy, few enough to bound memory and cancel at once

    def __init__(self, store: PixelStore, side: int, options: ImportOptions, processes: int | None = None) -> None:
        self._folder = store.folder
        self._options = options
        self._shards = store.free_shards()
        self._side = side
        self._processes = processes or os.cpu_count() or 1
        self._pool = self._new_pool(self._processes)
        self._pool.submit(os.getpid)  # the first task starts the processes

    def prepare_all(self, files: Sequence[FoundFile], monitor: Monitor = SILENT) -> Iterator[tuple[FoundFile, Outcome]]:
        """Each file with its outcome, in the order in which they are finished. May raise Cancelled or OSError."""
        waiting = iter(_tasks(files))
        flying: dict[Future[list[Outcome]], list[FoundFile]] = {}
        heard = time.monotonic()
        while True:
            monitor.check()
            broken = self._send(waiting, flying)
            if not flying and not broken:
                return
            done, _ = wait(flying, timeout=0.2, return_when=FIRST_COMPLETED)
            if done:
                heard = time.monotonic()
            elif time.monotonic() - heard > SECONDS_A_FILE * TASK_FILES + PATIENCE_S:
                _kill(self._pool)  # a process that was stopped cannot end itself
                heard = time.monotonic()
            for future in done:
                task = flying.pop(future)
                try:
                    yield from zip(task, future.result(), strict=True)
                except BrokenProcessPool:
                    broken += task
            if broken:
                # One of the files in flight killed its process and with it the pool: find it, keep the others.
                broken += itertools.chain.from_iterable(flying.values())
                flying.clear()
                yield from self._each_alone(broken, monitor)

    def _send(
        self, waiting: Iterator[list[FoundFile]], flying: dict[Future[list[Outcome]], list[FoundFile]]
    ) -> list[FoundFile]:
        """Keep every process busy; the files that could not be sent, since the pool is broken."""
        while len(flying) < self._processes * self.IN_FLIGHT_PER_PROCESS:
            task = next(waiting, None)
            if task is None:
                break
            try:
                flying[self._pool.submit(_prepare_here, [file.location for file in task])] = task
            except BrokenProcessPool:
                return task
        return []

    def _each_alone(self, files: Sequence[FoundFile], monitor: Monitor) -> Iterator[tuple[FoundFile, Outcome]]:
        """A new pool for what follows, and each of these files in a process of its own."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool(self._processes)
        for file in files:
            monitor.check()
            yield file, self._alone(file.location)

    def _alone(self, location: FileLocation) -> Outcome:
        with self._new_pool(1) as pool:
            try:
                return pool.submit(_prepare_here, [location]).result(SECONDS_A_FILE + PATIENCE_S)[0]
            except BrokenProcessPool:
                return CRASHED
            except TimeoutError:
                _kill(pool)
                return CRASHED

    def _new_pool(self, processes: int) -> ProcessPoolExecutor:
        without_working_folder()
        if sys.platform == "linux":
            # The libraries are imported once, by the server that the processes fork from.
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([__name__])
        else:
            context = multiprocessing.get_context("spawn")
        shards = context.SimpleQueue()
        for shard in itertools.islice(self._shards, processes):
            shards.put(shard)
        return ProcessPoolExecutor(
            processes,
            mp_context=context,
            initializer=_start_process,
            initargs=(self._folder, self._side, self._options, shards),
        )

    def __enter__(self) -> DecodingPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):  # Python 3.14 has kill_workers()
        process.kill()


def _tasks(files: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    task: list[FoundFile] = []
    size = 0
    for file in files:
        if task and (len(task) == TASK_FILES or size + file.size > TASK_BYTES):
            yield task
            task, size = [], 0
        task.append(file)
        size += file.size
    if task:
        yield task


# A decoding process serves one import, so what it writes to is kept for the life of the process.
_here: tuple[ImportOptions, int, ShardWriter] | None = None
# Far above the number of shards that one import fills, so that no two processes ever meet.
_STRIDE = 10_000


def _start_process(folder: Path, side: int, options: ImportOptions, shards: SimpleQueue[int]) -> None:
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for the results decides on Ctrl+C
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _bound_memory()
    _here = options, side, ShardWriter(folder, shards.get(), 0, _STRIDE)


def _bound_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_A_PROCESS, MEMORY_A_PROCESS))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_here(locations: list[FileLocation]) -> list[Outcome]:
    assert _here is not None
    options, side, writer = _here
    outcomes = []
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        for location in locations:
            # A thread of C: it ends the process even while a decoder holds the interpreter.
            faulthandler.dump_traceback_later(SECONDS_A_FILE, exit=True, file=nowhere)
            outcomes.append(store_file(location, options, side, writer))
            faulthandler.cancel_dump_traceback_later()
    return outcomes
