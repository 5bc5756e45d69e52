"""Images into features: the frozen backbone in inference mode, on the best device at hand."""

from __future__ import annotations

import copy
import itertools
import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.backbones.catalogue import Backbone
from core.backbones.surgery import pretrained


def best_device() -> torch.device:
    """CUDA if a GPU answers, then Apple's MPS, else the CPU; the variable FINERAY_DEVICE overrides."""
    chosen = os.environ.get("FINERAY_DEVICE")
    if chosen:
        return torch.device(chosen)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_title(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "GPU (Apple)"
    return f"CPU ({torch.get_num_threads()} threads)"


class TorchRuntime:
    """A pretrained backbone that turns batches of grayscale images into features.

    weights_sha256 names the weights in hex; device is where it runs.
    """

    def __init__(self, chosen: Backbone, device: torch.device) -> None:
        model, self.weights_sha256 = pretrained(chosen)
        self.device = device
        # On a CPU channels-last with batch norms folded into the convolutions is 2.7 times as fast as torch's
        # usual layout (docs/benchmarks.md), and gives the same features to about 1e-5.
        folded = with_folded_batch_norms(model, chosen.input_size)
        self._model = folded.to(memory_format=torch.channels_last).to(device)
        self._mean = torch.tensor(chosen.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(chosen.std, device=device).view(1, 3, 1, 1)

    def features(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 shades [images, side, side] -> float32 [images, features]."""
        with torch.inference_mode():
            gray = torch.from_numpy(batch).to(self.device).float().div_(255).unsqueeze(1)
            colour = gray.expand(-1, 3, -1, -1).sub(self._mean).div_(self._std)
            features: torch.Tensor = self._model(colour.contiguous(memory_format=torch.channels_last))
        return features.cpu().numpy()


def with_folded_batch_norms(model: torch.nn.Module, side: int) -> torch.nn.Module:
    """A copy in which batch norms after convolutions are folded into them, or the model itself.

    Folding takes modules that stand side by side to follow one another, so the copy has to prove itself: it is
    used only if its features of a random image agree with the model's.
    """
    folded = copy.deepcopy(model)
    _fold(folded)
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(1, 3, side, side, generator=generator)
    with torch.inference_mode():
        expected, got = model(probe), folded(probe)
    scale = float(expected.abs().max()) or 1.0
    return folded if torch.allclose(got, expected, atol=1e-4 * scale, rtol=0) else model


def _fold(module: torch.nn.Module) -> None:
    children = list(module.named_children())
    for (name, first), (next_name, second) in itertools.pairwise(children):
        if isinstance(first, torch.nn.Conv2d) and isinstance(second, torch.nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(first, second))
            # timm's batch norms carry the activation that follows them
            setattr(module, next_name, getattr(second, "act", torch.nn.Identity()))
    for _, child in module.named_children():
        _fold(child)
