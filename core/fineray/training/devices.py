"""Where tuning runs: one device, or several processes under torchrun, through Lightning Fabric."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from fineray.backbones.runtime import best_device
from fineray.errors import MemoryFull, device_error

if TYPE_CHECKING:  # it takes more than a second to import, and a frozen head needs none of it
    from lightning_fabric import Fabric

WORTH_MOVING = 64 << 20  # bytes of features


def rank() -> int:
    """The number of this process among those that torchrun started; 0 without torchrun."""
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    """How many processes torchrun started; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@cache
def fabric() -> Fabric:
    """The device that Fineray chooses, in bfloat16 where a GPU can; as many processes as torchrun started."""
    from lightning_fabric import Fabric

    device = best_device()
    precision: Any = "32-true"
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        precision = "bf16-mixed"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    made = Fabric(
        accelerator=device.type,
        devices=local,
        num_nodes=processes() // local,
        strategy="ddp" if processes() > 1 else "auto",
        precision=precision,
    )
    made.launch()
    return made


@contextmanager
def first_process_first() -> Iterator[None]:
    """Within, the first process goes first and the others find what it wrote."""
    if processes() > 1 and rank() > 0:
        fabric().barrier()
    yield
    if processes() > 1 and rank() == 0:
        fabric().barrier()


def of_first_process(value: str) -> str:
    """What the first process has, in every process; it waits for all."""
    return str(fabric().broadcast(value)) if processes() > 1 else value


def head_device(size: int) -> torch.device:
    """Where a head of so many bytes of features is fitted, in double precision: on a CUDA GPU where they are many and
    fit four times over (folds are copies), else on the CPU, which is as quick for few."""
    device = best_device()
    if device.type == "cuda" and size >= WORTH_MOVING and 4 * size < torch.cuda.mem_get_info(device)[0]:
        return device
    return torch.device("cpu")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory is full."""
    return isinstance(device_error(error), MemoryFull)
