"""What Lightning Fabric does for one device, for GPU machines that lack it; nothing where it is installed."""

from __future__ import annotations

from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import torch

from fineray.backbones.runtime import best_device
from fineray.training import devices


class OneDevice:
    """Fabric's calls as fineray.training makes them, in one process, in bfloat16 where a GPU can."""

    global_rank, world_size = 0, 1

    def __init__(self) -> None:
        self.device = best_device()
        self.half = self.device.type == "cuda" and torch.cuda.is_bf16_supported()

    def setup(self, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> tuple[Any, torch.optim.Optimizer]:
        """The network on the device, in half precision while it computes, and its optimiser."""
        return _Half(network.to(self.device), self), optimiser

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()

    def no_backward_sync(self, network: torch.nn.Module, enabled: bool = True) -> nullcontext[None]:
        return nullcontext()


class _Half(torch.nn.Module):
    def __init__(self, network: torch.nn.Module, device: OneDevice) -> None:
        super().__init__()
        self.network, self._at = network, device

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self._at.device.type, torch.bfloat16, enabled=self._at.half):
            found: torch.Tensor = self.network(*given)
        return found.float()


def stand_in_for_fabric() -> bool:
    """From now on fineray.training uses it where Fabric is not installed; whether it does."""
    missing = find_spec("lightning_fabric") is None
    if missing:
        devices.fabric = OneDevice  # type: ignore[assignment]
    return missing
