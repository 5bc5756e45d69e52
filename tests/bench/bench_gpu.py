"""What the engine makes of a GPU: `python -m tests.bench.bench_gpu`. Needs torch 2.11 or newer and CUDA, and no window.

Feature extraction and steps of fine-tuning in bfloat16, for ResNet-50 and EfficientNet-Lite0, in images a second. The
ceilings are measured first: a large matrix multiplication (arithmetic) and a large copy (memory). The share of the
ceiling that binds is what counts: FLOPs of the convolutions and linear layers over the arithmetic ceiling, or the bytes
that their inputs, outputs and weights move over the memory ceiling, whichever is more. Data loading is shown apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones.catalogue import Backbone, backbone
from core.backbones.cutting import LearningPart
from core.backbones.runtime import Runtime, shades
from core.backbones.surgery import architecture, feature_network, freeze
from core.training.augmentation import Augmentation
from core.training.devices import fabric
from core.training.finetuning import Lesson, Tuner
from core.training.head import Head, Standardisation
from core.training.network import TunedNetwork
from core.training.recipe import AugmentSettings, LossSettings, Tuning

SIDE, WARM, ROUNDS = 224, 5, 30
PREDICT_BATCH, TRAIN_BATCH = 256, 128


def main() -> None:
    """Print the figures."""
    if not torch.cuda.is_available():
        print("no CUDA GPU here: nothing measured")
        return
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, bfloat16")
    arithmetic, memory = _ceilings(device)
    print(f"ceilings: {arithmetic / 1e12:.0f} TFLOP/s in a matrix multiplication, {memory / 1e9:.0f} GB/s in a copy")
    for name in ("efficientnet_lite0", "resnet50"):
        chosen = backbone(name)
        for what, batch, run in (
            ("features", PREDICT_BATCH, _features(chosen, device)),
            ("tuning step", TRAIN_BATCH, _step(chosen, device)),
        ):
            seconds = _seconds(run, batch)
            flops, moved = _work(chosen, device)
            times = 1 if what == "features" else 3  # forward, and the gradients of inputs and of weights
            need = max(times * flops * batch / arithmetic, times * moved * batch / memory)
            binds = "arithmetic" if times * flops / arithmetic > times * moved / memory else "memory"
            share = need / seconds
            print(
                f"{name:20} {what:12} {batch / seconds:8.0f} images/s, {share:4.0%} of the ceiling that binds ({binds})"
            )
    print(f"{'loading':33} {_loading():8.0f} images/s augmented on one core, apart from the above")


def _features(chosen: Backbone, device: torch.device) -> Callable[[NDArray[np.uint8]], object]:
    """The engine's own way from shades to features, copies to and from the GPU included; random weights will do."""
    with _random_weights(chosen):
        return Runtime(chosen, device).features


def _step(chosen: Backbone, device: torch.device) -> Callable[[NDArray[np.uint8]], object]:
    """The engine's own step, every stage learning, on films that are on the GPU already."""
    network = feature_network(architecture(chosen), chosen)
    width = chosen.features
    plain = Standardisation(np.zeros(width), np.ones(width))
    head = Head(plain, "linear", {"weight": np.zeros((2, width)), "bias": np.zeros(2)})
    tuned = TunedNetwork(LearningPart.whole(network), head, 0.0).to(memory_format=torch.channels_last)
    rows = np.arange(TRAIN_BATCH)
    films = np.random.default_rng(0).integers(0, 256, (TRAIN_BATCH, SIDE, SIDE), np.uint8)
    lesson = Lesson(_OnDevice(films, device), rows, np.eye(2)[rows % 2], False)  # type: ignore[arg-type]
    tuning = Tuning(frozen_stages=0, batch=TRAIN_BATCH, norms="films")
    tuner = Tuner(lesson, tuned, chosen, tuning, LossSettings(), fabric())
    tuner.train_mode()
    return lambda batch: tuner.step(rows, 0, 1.0)


class _OnDevice:
    """Views that are on the device already."""

    def __init__(self, films: NDArray[np.uint8], device: torch.device) -> None:
        self._images = shades(films, device)

    def learning(self, rows: NDArray[np.int64], epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._images[: len(rows)], self._images.new_zeros((len(rows), 0))


@contextmanager
def _random_weights(chosen: Backbone) -> Iterator[None]:
    """Without weight packs on the GPU machine: how quick a network is does not depend on what it knows."""
    network = freeze(feature_network(architecture(chosen), chosen))
    with mock.patch("core.backbones.runtime.pretrained", lambda *given: (network, "")):
        yield


def _seconds(run: Callable[[NDArray[np.uint8]], object], batch: int) -> float:
    films = np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE), np.uint8)
    for _ in range(WARM):
        run(films)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(ROUNDS):
        run(films)
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / ROUNDS


def _ceilings(device: torch.device) -> tuple[float, float]:
    """(FLOP/s, bytes/s)."""
    side = 8192
    one, two = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(1 << 30, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    found = []
    for run, amount in ((lambda: one @ two, 2 * side**3), (lambda: target.copy_(source), 2 * source.numel())):
        for _ in range(WARM):
            run()
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(ROUNDS):
            run()
        torch.cuda.synchronize()
        found.append(amount * ROUNDS / (time.perf_counter() - started))
    return found[0], found[1]


def _work(chosen: Backbone, device: torch.device) -> tuple[float, float]:
    """(FLOPs, bytes moved in bfloat16) of the convolutions and linear layers for one image."""
    flops = moved = 0.0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal flops, moved
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        flops += 2 * output.numel() * weight[0].numel()
        moved += 2 * (inputs[0].numel() + output.numel())  # weights are shared by the images of a batch

    network = feature_network(architecture(chosen), chosen).eval().to(device)
    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)
    ]
    with torch.inference_mode():
        network(torch.zeros(1, 1, SIDE, SIDE, device=device))
    for hook in hooks:
        hook.remove()
    return flops, moved


def _loading() -> float:
    augmentation = Augmentation(SIDE, AugmentSettings())
    film = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    augmentation(film, 0)
    started = time.perf_counter()
    for number in range(200):
        augmentation(film, number)
    return 200 / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
