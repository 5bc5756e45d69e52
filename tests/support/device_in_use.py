"""Another device from now on."""

from __future__ import annotations

import pytest
import torch

from fineray.training import devices, model


def use(device: torch.device, patch: pytest.MonkeyPatch) -> None:
    """From now on this device is the best one."""
    patch.setenv("FINERAY_DEVICE", device.type)
    forget()


def forget() -> None:
    """What was kept of another device."""
    if hasattr(devices.fabric, "cache_clear"):
        devices.fabric.cache_clear()
    model._load.cache_clear()
    model._runtime.cache_clear()
