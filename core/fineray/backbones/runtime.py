"""Images into features: the frozen backbone in inference mode, on the best device at hand."""

from __future__ import annotations

import copy
import itertools
import os
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fineray.backbones.catalogue import Backbone
from fineray.backbones.surgery import (
    FeatureNetwork,
    Pooling,
    pretrained,
    widths_of,
)

WORTH_COMPILING = 200  # images: compiling takes 3 s, which fewer do not win back
TIMED = 3  # batches of each way
CPU_BATCH, GPU_BATCH = 16, 256  # at 224 pixels; fewer of larger ones
MOST_LOADERS = 16


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
    threads = torch.get_num_threads()
    return f"CPU ({threads} thread{'s' * (threads != 1)})"


class Runtime:
    """A pretrained backbone that turns batches of grayscale images into features.

    weights_sha256 names the weights in hex; device is where it runs; network: what runs there, in float32 (on a GPU
    features are computed by a copy of it in bfloat16); widths: features of an image that each stage gives; batch:
    images that it likes at once; loaders: threads that keep it busy.
    """

    def __init__(self, chosen: Backbone, device: torch.device, pooling: Pooling = "mean", input_size: int = 0) -> None:
        model, self.weights_sha256 = pretrained(chosen, pooling)
        self.device, self.input_size, self.pooling = device, input_size or chosen.input_size, pooling
        self.widths = widths_of(model)
        self.engine = "torch"
        # On a CPU channels-last with batch norms folded into the convolutions is 2.7 times as fast as torch's
        # usual layout (docs/benchmarks.md), and gives the same features to about 1e-5.
        folded = with_folded_batch_norms(model, self.input_size)
        # GPUs compute in bfloat16 several times as fast; such features are a space of their own.
        half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.precision = torch.bfloat16 if half else torch.float32
        self.network = folded.to(memory_format=torch.channels_last).to(device)
        self._model = copy.deepcopy(self.network).to(self.precision) if half else self.network
        # A GPU wants many images at once, and many hands that resize them; on a CPU those take the network's cores.
        self.batch = max(CPU_BATCH, GPU_BATCH * 224**2 // self.input_size**2) if device.type == "cuda" else CPU_BATCH
        self.loaders = min(MOST_LOADERS, os.cpu_count() or 1) if device.type == "cuda" else 1
        self._compiled: OpenVino | None = None

    def expect(self, images: int) -> None:
        """So many images will come: where it pays, let OpenVINO run them, if it is installed and faster here."""
        if self._compiled is not None or not openvino_wanted(self.device, images):
            return
        compiled = OpenVino(self._model, self.input_size)
        probe = np.random.default_rng(0).integers(0, 256, (16, self.input_size, self.input_size), np.uint8)
        if not agree(compiled.outputs(probe)[0], self._by_torch(probe)):
            return
        seconds = [0.0, 0.0]
        for _ in range(TIMED):
            for number, way in enumerate((self._by_torch, compiled.outputs)):
                started = time.perf_counter()
                way(probe)
                seconds[number] += time.perf_counter() - started
        if seconds[1] < seconds[0]:
            self._compiled, self.engine = compiled, "OpenVINO, float32"

    def features(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 shades [images, side, side] -> float32 [images, features]."""
        return self.start(batch)()

    def start(self, batch: NDArray[np.uint8] | torch.Tensor) -> Callable[[], NDArray[np.float32]]:
        """As features(), for a GPU that works while the caller does something else: what is returned waits for it."""
        if self._compiled is not None:
            found = self._compiled.outputs(np.asarray(batch))[0]
            return lambda: found
        return self._start_torch(batch)

    def _by_torch(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._start_torch(batch)()

    def _start_torch(self, batch: NDArray[np.uint8] | torch.Tensor) -> Callable[[], NDArray[np.float32]]:
        try:
            return self._started(batch)
        except torch.OutOfMemoryError:
            if len(batch) < 2:
                raise
        torch.cuda.empty_cache()
        halves = [self._start_torch(half) for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :])]
        return lambda: np.concatenate([half() for half in halves])

    def _started(self, batch: NDArray[np.uint8] | torch.Tensor) -> Callable[[], NDArray[np.float32]]:
        with torch.inference_mode():
            features: torch.Tensor = self._model(shades(batch, self.device).to(self.precision)).float()
        there = features.to("cpu", non_blocking=True)
        if self.device.type != "cuda":
            return there.numpy
        finished = torch.cuda.Event()  # type: ignore[no-untyped-call]
        finished.record()  # behind this batch, and before whatever is asked for next

        def wait() -> NDArray[np.float32]:
            finished.synchronize()
            return there.numpy()

        return wait


class OpenVino:
    """A network compiled by OpenVINO for this CPU, in single precision: the same outputs to about 1e-5."""

    PIECE = 4  # images a request: small pieces stay in the cores' caches

    def __init__(self, network: torch.nn.Module, side: int) -> None:
        import openvino

        example = torch.zeros(1, 1, side, side)
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # openvino still traces by torch.jit
            model = openvino.convert_model(network, example_input=example, input=[-1, 1, side, side])
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
        compiled = openvino.Core().compile_model(model, "CPU", settings)
        self._outputs = len(compiled.outputs)
        self._queue = openvino.AsyncInferQueue(compiled)
        self._found: dict[int, list[NDArray[np.float32]]] = {}
        self._queue.set_callback(self._keep)

    def outputs(self, batch: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """uint8 shades [images, side, side] -> what the network gives, one array an output."""
        inputs = batch[:, None].astype(np.float32) / 255
        self._found.clear()
        for start in range(0, len(inputs), self.PIECE):
            self._queue.start_async([inputs[start : start + self.PIECE]], start)
        self._queue.wait_all()
        pieces = [self._found[start] for start in sorted(self._found)]
        return [np.concatenate([piece[number] for piece in pieces]) for number in range(self._outputs)]

    def _keep(self, request: object, start: int) -> None:
        tensors = (request.get_output_tensor(number) for number in range(self._outputs))  # type: ignore[attr-defined]
        self._found[start] = [tensor.data.copy() for tensor in tensors]


def openvino_wanted(device: torch.device, images: int) -> bool:
    """Whether OpenVINO is worth a try: on a CPU, where it is installed, for images enough to win its start back."""
    allowed = device.type == "cpu" and os.environ.get("FINERAY_OPENVINO") != "0"
    return allowed and images >= WORTH_COMPILING and find_spec("openvino") is not None


def agree(got: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    """Whether two ways of running a network give the same, to single precision."""
    return bool(np.allclose(got, expected, atol=1e-4 * float(np.abs(expected).max()), rtol=0))


def shades(batch: NDArray[np.uint8] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """uint8 [images, side, side] -> shades in 0..1 [images, 1, side, side], laid out as convolutions like it."""
    gray = on_device(batch, device).float().div_(255).unsqueeze(1)
    return gray.contiguous(memory_format=torch.channels_last)


def on_device(batch: NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """The batch on the device. It crosses to a GPU as small as it is, from memory that the GPU reads by itself, so that
    nobody waits for the copy."""
    there = batch if isinstance(batch, torch.Tensor) else torch.from_numpy(batch)
    if device.type == "cuda" and there.device.type == "cpu":
        return there.pin_memory().to(device, non_blocking=True)
    return there.to(device)


def with_folded_batch_norms(model: FeatureNetwork, side: int) -> FeatureNetwork:
    """A copy in which batch norms after convolutions are folded into them, or the model itself.

    Folding takes modules that stand side by side to follow one another, so the copy has to prove itself: it is
    used only if its features of a random image agree with the model's.
    """
    folded = copy.deepcopy(model)
    _fold(folded)
    generator = torch.Generator().manual_seed(0)
    probe = torch.rand(1, 1, side, side, generator=generator)
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
