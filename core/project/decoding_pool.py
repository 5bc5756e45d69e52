"""Decoding on all cores, in processes whose death costs one file and nothing else."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType

from core.progress import Monitor
from core.project.preparation import Prepared, Rejected, prepare

CRASHED = Rejected(
    "failed",
    "The decoder crashed on this file",
    "The file is probably damaged; export it again from the archive.",
)


class DecodingPool:
    """Prepares files in `processes` processes (one a core unless told)."""

    IN_FLIGHT_PER_PROCESS = 4  # enough to keep every process busy, few enough to bound memory and cancel at once

    def __init__(self, side: int, processes: int | None = None) -> None:
        self._side = side
        self._processes = processes or os.cpu_count() or 1
        self._pool = self._new_pool(self._processes)

    def prepare_all(self, paths: Iterable[Path], monitor: Monitor) -> Iterator[tuple[Path, Prepared | Rejected]]:
        """Each path with its outcome, in the order in which they are finished. May raise Cancelled."""
        waiting = iter(paths)
        flying: dict[Future[Prepared | Rejected], Path] = {}
        while True:
            monitor.check()
            while len(flying) < self._processes * self.IN_FLIGHT_PER_PROCESS:
                path = next(waiting, None)
                if path is None:
                    break
                try:
                    flying[self._pool.submit(prepare, path, self._side)] = path
                except BrokenProcessPool:
                    yield path, self._alone(path)
            if not flying:
                return
            done, _ = wait(flying, timeout=0.2, return_when=FIRST_COMPLETED)
            broken: list[Path] = []
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
                return pool.submit(prepare, path, self._side).result()
            except BrokenProcessPool:
                return CRASHED

    @staticmethod
    def _new_pool(processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> DecodingPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
