"""Another device from now on."""

from __future__ import annotations

import pytest
import torch

from fineray.explaining import trained_model
from fineray.training import devices


def use(device: torch.device, patch: pytest.MonkeyPatch) -> None:
    """From now on this device is the best one."""
    patch.setenv("FINERAY_DEVICE", device.type)
    forget()


def forget() -> None:
    """What was kept of another device."""
    if hasattr(devices.fabric, "cache_clear"):
        devices.fabric.cache_clear()
    trained_model._load.cache_clear()
    trained_model._backbone.cache_clear()
