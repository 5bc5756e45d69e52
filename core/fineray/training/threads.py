"""Threads of torch: small matrices are quicker on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_thread() -> Iterator[None]:
    """Within, torch works on one thread: a head's matrices are small, and threads of torch and BLAS that wait for one
    another made its fit 15 times as slow on two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
