"""A worker process whose work fails as a GPU or a memory does."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import Any

from fineray.engine.jobs import table as jobs
from fineray.engine.worker import serve


def fail(how: str) -> None:
    """Raise what torch or Python raises."""
    import torch

    match how:
        case "gpu gone":
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        case "gpu full":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        case "memory full":
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")
        case "no memory":
            raise MemoryError


def serve_failing(connection: Connection, how: str) -> None:
    """Like serve(), but every request fails in that way."""

    def failing(request: object, monitor: object) -> Any:
        fail(how)

    jobs.do = failing
    os.environ["FINERAY_DEVICE"] = "cpu"
    serve(connection)
