"""Working ahead: threads prepare the next batches while a device computes, which never waits for what is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Batch = TypeVar("Batch")
Images = NDArray[np.uint8]
Waiting = Callable[[], NDArray[np.float32]]


def prepared_ahead(
    batches: Iterable[Batch], prepare: Callable[[Batch], Images], threads: int
) -> Iterator[tuple[Batch, Images]]:
    """Each batch with what prepare() made of it, in order; one batch a thread is under way, and one more lies ready.

    What is prepared has to leave the interpreter free for most of its time, as Pillow does while it resizes.
    """
    coming: deque[tuple[Batch, Future[Images]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for batch in batches:
                coming.append((batch, pool.submit(prepare, batch)))
                if len(coming) > threads:
                    ready, images = coming.popleft()
                    yield ready, images.result()
            while coming:
                ready, images = coming.popleft()
                yield ready, images.result()
        finally:
            for _, images in coming:
                images.cancel()


def computed_ahead(
    given: Iterable[tuple[Batch, Images]], start: Callable[[Batch, Images], Waiting], at_once: bool
) -> Iterator[tuple[Batch, NDArray[np.float32]]]:
    """Each batch with its features, in order. start() sets a device to work and gives what waits for it: the device has
    the next batch before the features of one are handed on. at_once: start() does the work itself, as on a CPU."""
    before: tuple[Batch, Waiting] | None = None
    for batch, images in given:
        started = start(batch, images)
        if at_once:
            yield batch, started()
            continue
        if before is not None:
            yield before[0], before[1]()
        before = batch, started
    if before is not None:
        yield before[0], before[1]()
