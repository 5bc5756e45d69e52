"""Decoding on all cores, in processes whose death costs one file and nothing else."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import TracebackType

from core.progress import Monitor
from core.project.pixel_store import PixelStore, ShardWriter
from core.project.preparation import Prepared, Rejected, prepare

CRASHED = Rejected(
    "failed",
    "The decoder crashed on this file",
    "The file is probably damaged; export it again from the archive.",
)


class DecodingPool:
    """Prepares files in `processes` processes (one a core unless told); they start at once, in the background."""

    IN_FLIGHT_PER_PROCESS = 4  # enough to keep every process busy, few enough to bound memory and cancel at once

    def __init__(self, store: PixelStore, side: int, processes: int | None = None) -> None:
        self._folder = store.folder
        self._shards = store.free_shards()
        self._side = side
        self._processes = processes or os.cpu_count() or 1
        self._pool = self._new_pool(self._processes)
        self._pool.submit(os.getpid)  # the first task starts the processes

    def prepare_all(self, paths: Iterable[Path], monitor: Monitor) -> Iterator[tuple[Path, Prepared | Rejected]]:
        """Each path with its outcome, in the order in which they are finished. May raise Cancelled or OSError."""
        waiting = iter(paths)
        flying: dict[Future[Prepared | Rejected], Path] = {}
        while True:
            monitor.check()
            broken: list[Path] = []
            while not broken and len(flying) < self._processes * self.IN_FLIGHT_PER_PROCESS:
                path = next(waiting, None)
                if path is None:
                    break
                try:
                    flying[self._pool.submit(_prepare_here, path)] = path
                except BrokenProcessPool:
                    broken.append(path)
            if not flying and not broken:
                return
            done, _ = wait(flying, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                path = flying.pop(future)
                try:
                    yield path, future.result()
                except BrokenProcessPool:
                    broken.append(path)
            if broken:
                # One of the files in flight killed its process and with it the pool: find it, keep the others.
                broken += flying.values()
                flying.clear()
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = self._new_pool(self._processes)
                for path in broken:
                    monitor.check()
                    yield path, self._alone(path)

    def _alone(self, path: Path) -> Prepared | Rejected:
        with self._new_pool(1) as pool:
            try:
                return pool.submit(_prepare_here, path).result()
            except BrokenProcessPool:
                return CRASHED

    def _new_pool(self, processes: int) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")
        shards = spawn.SimpleQueue()
        for shard in itertools.islice(self._shards, processes):
            shards.put(shard)
        return ProcessPoolExecutor(
            processes,
            mp_context=spawn,
            initializer=_start_process,
            initargs=(self._folder, self._side, shards),
        )

    def __enter__(self) -> DecodingPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)


# A decoding process serves one import, so what it writes to is kept for the life of the process.
_here: tuple[int, ShardWriter] | None = None
# Far above the number of shards that one import fills, so that no two processes ever meet.
_STRIDE = 10_000


def _start_process(folder: Path, side: int, shards: SimpleQueue[int]) -> None:
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for the results decides on Ctrl+C
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _here = side, ShardWriter(folder, shards.get(), 0, _STRIDE)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_here(path: Path) -> Prepared | Rejected:
    assert _here is not None
    side, writer = _here
    return prepare(path, side, writer)
