"""Which device there is to compute on, and why it is not a better one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from fineray.backbones.runtime import best_device, device_title

DRIVER = Path("/proc/driver/nvidia/version")  # Linux; elsewhere the driver brings nvidia-smi


def explain_device() -> tuple[str, str]:
    """(the device in words, a sentence on what that means for the user)."""
    device = best_device()
    title = device_title(device)
    if device.type == "cuda":
        return title, "Training and prediction run on it."
    if device.type == "mps":
        return title, "Training and prediction run on this Mac's own GPU."
    if not _nvidia_driver():
        return title, (
            "No GPU that Fineray can use was found, and none is needed: a frozen backbone learns from some hundred"
            " images in under a minute here. Tuning later stages takes longer."
        )
    if torch.version.cuda is None:
        return title, ("There is an NVIDIA GPU, but this is the CPU variant of Fineray. The CUDA variant uses the GPU.")
    return title, (
        f"There is an NVIDIA GPU, but its driver is too old for this variant (it needs CUDA {torch.version.cuda}) or"
        " does not answer. Update the driver; until then the CPU computes."
    )


def _nvidia_driver() -> bool:
    return DRIVER.is_file() or (sys.platform == "win32" and shutil.which("nvidia-smi") is not None)
