"""What the engine makes of a GPU: `python -m tests.bench.bench_gpu [--seconds N] [--images N] [--on cpu]`.

Needs torch 2.11 or newer, torchvision, timm and scikit-learn; no window, no DICOM. Weights are random where none are
installed: how quick a network is does not depend on what it knows. One JSON goes to stdout, progress to stderr.

- ceilings: a large matrix multiplication (arithmetic) and a large copy (memory), measured first.
- networks: features and steps of fine-tuning in bfloat16, channels last, from images that are on the device already;
  the share of the ceiling that binds: FLOPs of the convolutions and linear layers over the arithmetic ceiling, or the
  bytes of their inputs and outputs over the memory ceiling, whichever takes longer.
- loading: what the pixel store and the views give by themselves, apart from any network.
- stall: a step of fine-tuning from the store against the same step from images that are on the device.
- whole: a study of 100,000 images of 512 x 512 from the pixel store to a frozen model.

With `--on cpu` every line is gone through with small numbers; those figures say nothing of a GPU.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone
from fineray.backbones.cutting import LearningPart
from fineray.backbones.runtime import Runtime, device_title, shades
from fineray.backbones.surgery import (
    FeatureNetwork,
    architecture,
    feature_network,
    pretrained,
)
from fineray.progress import Monitor, Progress, ProgressEvent
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project, open_project
from fineray.project.splits import SplitPlan, latest_split
from fineray.training import devices
from fineray.training.ahead import prepared_ahead
from fineray.training.head.head import Head, Standardisation
from fineray.training.preprocessing import to_input
from fineray.training.recipe import (
    AugmentSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.train import train
from fineray.training.tuning.augmentation import Augmentation
from fineray.training.tuning.finetuning import Tuner, TuningData
from fineray.training.tuning.network import TunedNetwork
from fineray.training.tuning.views import AugmentedViews
from tests.support.one_device import stand_in_for_fabric
from tests.support.synthetic import random_backbone, write_study

SIDE, STORE_SIDE, WHOLE = 224, 512, 100_000
WANTED = {
    "resnet50 share of the ceiling that binds": 0.6,
    "whole seconds": 300,
    "stall share of a step": 0.1,
}
TRY_SECONDS = 0.6  # of each thing that is timed


class Checkpoints:
    """The device, how large everything is, what was found, and how much time is left."""

    def __init__(self, device: torch.device, seconds: float, images: int, into: Path | None) -> None:
        self.device, self.images, self._into = device, images, into
        self.small = device.type != "cuda"
        self.until = time.monotonic() + seconds
        self.found: dict[str, Any] = {"skipped": {}}
        self.sizes = (2, 2) if self.small else (256, 128)  # images at once: for features, for a step

    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()

    def part(self, name: str, least: float, run: Callable[[Checkpoints], Any]) -> None:
        """One part, if its least time is left; what is found so far is written after each. Never raises: a part that
        fails says so in its place, and the others still have their turn."""
        if self.left() < least:
            self.found["skipped"][name] = f"{self.left():.0f} s were left of the {least:.0f} that it needs"
        else:
            say(f"{name} ({self.left():.0f} s left)")
            self._write({name: "was under way when no time was left"})
            started = time.monotonic()
            try:
                self.found[name] = run(self)
            except Exception as error:
                self.found[name] = {"failed": f"{type(error).__name__}: {error}"[:500]}
            self.found.setdefault("seconds", {})[name] = round(time.monotonic() - started, 1)
        self._write({})

    def _write(self, besides: dict[str, str]) -> None:
        if self._into is not None:
            self._into.write_text(json.dumps(self.found | besides), "utf-8")

    def seconds_of(self, run: Callable[[], object]) -> float:
        """How long one call takes, warm, the device's work included."""
        for _ in range(1 if self.small else 5):
            run()
        self.wait()
        rounds, started = 0, time.perf_counter()
        while rounds < 2 or time.perf_counter() - started < TRY_SECONDS:
            for _ in range(1 if self.small else 5):
                run()
                rounds += 1
            self.wait()
        return (time.perf_counter() - started) / rounds

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def main() -> None:
    """Print one JSON."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=420)
    asked.add_argument("--images", type=int, default=0, help="of the whole; 0 for 100,000, or 48 on a CPU")
    asked.add_argument("--on", choices=("cuda", "cpu"), default="cuda")
    asked.add_argument("--into", type=Path)
    given = asked.parse_args()
    if given.on == "cuda" and not torch.cuda.is_available():
        print(json.dumps({"skipped": {"all": "no CUDA GPU here"}}))
        return
    images = given.images or (WHOLE if given.on == "cuda" else 48)
    with tempfile.TemporaryDirectory(prefix="fineray-bench-") as scratch:
        os.environ["FINERAY_HOME"], os.environ["FINERAY_DEVICE"] = f"{scratch}/home", given.on
        bench = Checkpoints(torch.device(given.on), given.seconds, images, given.into)
        bench.found["stood in for Lightning Fabric"] = stand_in_for_fabric()
        bench.found["device"] = machine(bench.device)
        bench.found["wanted"] = WANTED
        bench.part("ceilings", 5, ceilings)
        bench.part("networks", 40, networks)
        bench.part("loading", 20, lambda bench: loading(bench, Path(scratch)))
        bench.part("stall", 20, lambda bench: stall(bench, Path(scratch)))
        bench.part("whole", 60, lambda bench: whole(bench, Path(scratch)))
        bench.part("compiled", 60, compiled)
    print(json.dumps(bench.found, indent=1))


def say(text: str) -> None:
    """Progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures belong to."""
    found: dict[str, Any] = {"name": device_title(device), "torch": torch.__version__, "cores": os.cpu_count()}
    found["python"] = platform.python_version()
    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        found |= {"memory GB": round(facts.total_memory / 1e9, 1), "multiprocessors": facts.multi_processor_count}
        found |= {"bfloat16": torch.cuda.is_bf16_supported(), "cuda": torch.version.cuda}
    return found


def ceilings(bench: Checkpoints) -> dict[str, float]:
    """FLOP/s of a matrix multiplication in bfloat16, bytes/s of a copy."""
    side, size = (256, 1 << 24) if bench.small else (8192, 1 << 30)
    one, two = (torch.randn(side, side, device=bench.device).to(torch.bfloat16) for _ in range(2))
    source = torch.zeros(size, dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    arithmetic = 2 * side**3 / bench.seconds_of(lambda: one @ two)
    return {"FLOP/s": arithmetic, "bytes/s": 2 * size / bench.seconds_of(lambda: target.copy_(source))}


def networks(bench: Checkpoints) -> dict[str, Any]:
    """Images a second, and the share of the ceiling that binds."""
    found = {}
    for name in ("resnet50", "efficientnet_lite0"):
        say(f"  {name}")
        found[name] = network(bench, random_backbone(name))
        if bench.device.type == "cuda":
            torch.cuda.empty_cache()
    return found


def network(bench: Checkpoints, chosen: Backbone) -> dict[str, Any]:
    """The figures of one network."""
    flops, moved = work_of(feature_network(architecture(chosen), chosen))
    runtime, (many, batch) = Runtime(chosen, bench.device), bench.sizes
    images = images_of(many)
    there = torch.from_numpy(images).to(bench.device)
    on_device = many / bench.seconds_of(lambda: runtime.start(there))
    from_host = many / bench.seconds_of(lambda: runtime.start(images))
    tuner, rows = tuner_on_device(chosen, bench, batch)
    step = batch / bench.seconds_of(lambda: tuner.step(rows, 0, 1.0))
    return {
        "GFLOP an image": round(flops / 1e9, 2),
        "MB an image": round(moved / 1e6, 1),
        "features": share(bench, on_device, flops, moved, 1)
        | {"images/s": round(on_device, 1), "images/s from the host": round(from_host, 1), "batch": many},
        # the forward pass, and the gradients of the inputs and of the weights
        "tuning step": share(bench, step, flops, moved, 3) | {"images/s": round(step, 1), "batch": batch},
    }


def share(bench: Checkpoints, rate: float, flops: float, moved: float, times: int) -> dict[str, Any]:
    """How much of the ceiling that binds `rate` images a second are, at `times` forward passes an image."""
    most = bench.found["ceilings"]
    need = {"arithmetic": times * flops / most["FLOP/s"], "memory": times * moved / most["bytes/s"]}
    binds = max(need, key=lambda each: need[each])
    return {"binds": binds, "share": round(need[binds] * rate, 3)}


def compiled(bench: Checkpoints) -> dict[str, Any]:
    """Whether torch.compile would pay: images a second with it and without, and the seconds that compiling takes."""
    if bench.small:
        return {"skipped": "needs a GPU"}
    chosen = random_backbone("resnet50")
    runtime, many = Runtime(chosen, bench.device), bench.sizes[0]
    images = shades(images_of(many), bench.device).to(runtime.precision)
    with torch.inference_mode():
        plain = many / bench.seconds_of(lambda: runtime._model(images))
        started = time.perf_counter()
        quick = torch.compile(runtime._model)
        quick(images)
        bench.wait()
        took = time.perf_counter() - started
        rate = many / bench.seconds_of(lambda: quick(images))
    pays = took / max(1e-9, 1 / plain - 1 / rate) if rate > plain else float("inf")
    return {"images/s": plain, "compiled images/s": rate, "seconds to compile": took, "pays from images": pays}


def loading(bench: Checkpoints, scratch: Path) -> dict[str, float]:
    """Images a second that the store, the resizing and the views give, without a network."""
    count = 32 if bench.small else 4000
    write_study(scratch / "loading", count, STORE_SIDE, SplitPlan("holdout"))
    found: dict[str, float] = {}
    with open_project(scratch / "loading") as project:
        images = labelled_images(project)
        for threads in sorted({1, 4, min(16, os.cpu_count() or 1)}):
            started = time.perf_counter()
            batches = [images[start : start + 64] for start in range(0, len(images), 64)]
            for _ in prepared_ahead(batches, lambda batch: inputs_of(project, batch), threads):
                pass
            found[f"store to {SIDE} pixels, {threads} threads"] = len(images) / (time.perf_counter() - started)
    images, batch = images_of(bench.sizes[1]), bench.sizes[1]
    augmentation, keys = Augmentation(SIDE, AugmentSettings()), [(str(row), 1) for row in range(batch)]
    found["augmented views"] = batch / bench.seconds_of(lambda: augmentation.batch(images, keys, bench.device))
    return found


def stall(bench: Checkpoints, scratch: Path) -> dict[str, Any]:
    """How much longer a step of fine-tuning takes from the store than from images that are on the device."""
    found: dict[str, Any] = {}
    count = 32 if bench.small else bench.sizes[1] * 8
    root = scratch / "stall"
    write_study(root, count, 256, SplitPlan("holdout"))
    tried = (("resnet50", 0), ("resnet50", 3), ("efficientnet_lite0", 0))
    for name, frozen in tried[-1:] if bench.small else tried:
        chosen, batch = random_backbone(name), bench.sizes[1]
        tuner, _ = tuner_on_device(chosen, bench, batch, frozen)
        with open_project(root) as project:
            views, tuning_data = views_of(project, chosen, frozen, bench), tuner.tuning_data
            order = np.arange(count)
            with views:
                views.fill(labelled_images(project), Monitor())
                targets = np.eye(2)[order % 2]
                turns = 2 if bench.small else 24
                reached = {}
                for way, source in (("device", tuning_data.views), ("store", views)):
                    tuner.tuning_data = replace(tuning_data, views=source, targets=targets)
                    tuner._weights = np.ones_like(targets) / 2
                    run = epoch_of(tuner, order, batch, turns)
                    run()
                    bench.wait()
                    started = time.perf_counter()
                    run()
                    bench.wait()
                    reached[way] = (time.perf_counter() - started) / turns
        title = f"{name}, {frozen} stages frozen"
        found[title] = {
            "ms a step from the store": round(reached["store"] * 1e3, 2),
            "ms a step from the device": round(reached["device"] * 1e3, 2),
            "images/s": round(batch / reached["store"], 1),
            "stall": round(max(0.0, 1 - reached["device"] / reached["store"]), 3),
        }
        del tuner
    return found


def epoch_of(tuner: Tuner, order: NDArray[np.int64], batch: int, turns: int) -> Callable[[], None]:
    """So many steps over these rows."""

    def run() -> None:
        for turn in range(turns):
            start = turn * batch % len(order)
            tuner.step(order[start : start + batch], turn, 1.0)

    return run


def views_of(project: Project, chosen: Backbone, frozen: int, bench: Checkpoints) -> AugmentedViews:
    """Augmented views as a training reads them."""
    from fineray.training.learners import parts_of

    recipe = Recipe(mode="finetune", backbone=chosen.name, tuning=Tuning(frozen_stages=frozen))
    part, _ = parts_of(chosen, recipe, bench.device)
    return AugmentedViews(project, part, SIDE, AugmentSettings(), bench.device, 0, passes=1)


def whole(bench: Checkpoints, scratch: Path) -> dict[str, Any]:
    """Store -> features -> frozen model, as `fineray train` does it, with the time of each part."""
    room = shutil.disk_usage(scratch).free * 0.8 / STORE_SIDE**2
    count = int(min(bench.images, room))
    started = time.monotonic()
    written = write_study(scratch / "whole", count, STORE_SIDE, SplitPlan("holdout"), 0.4 * bench.left())
    say(f"  {written} images in the store after {time.monotonic() - started:.0f} s ({bench.left():.0f} s left)")
    found: dict[str, Any] = {"images": written, "asked for": bench.images}
    found["seconds to write the store, not counted"] = round(time.monotonic() - started, 1)
    chosen = random_backbone("resnet50" if not bench.small else "efficientnet_lite0")
    with open_project(scratch / "whole") as project:
        split = latest_split(project)
        assert split is not None
        clock = Clock(bench.until)
        begun = time.monotonic()
        recipe = Recipe(backbone=chosen.name, bootstrap=2000 if not bench.small else 100)
        metrics = train(project, split, recipe, monitor=clock).metrics()
    seconds = time.monotonic() - begun
    found |= {"backbone": chosen.title, "seconds": round(seconds, 1), "parts": clock.parts | metrics.seconds}
    found["seconds for 100,000 at this rate"] = round(seconds * WHOLE / written, 1)
    return found


class Clock(Monitor):
    """How long each stage took; stops the work where no time is left."""

    def __init__(self, until: float) -> None:
        self.parts: dict[str, float] = {}
        self._stage, self._since, self._until = "", time.monotonic(), until

    def report(self, what: ProgressEvent) -> None:
        if isinstance(what, Progress) and what.stage != self._stage:
            now = time.monotonic()
            if self._stage:
                self.parts[self._stage] = round(now - self._since, 1)
            self._stage, self._since = what.stage, now
            say(f"  {what.stage}")

    def check(self) -> None:
        if time.monotonic() > self._until:
            raise TimeoutError(f"no time was left during “{self._stage}”; before it {self.parts}")


def inputs_of(project: Project, images: Any) -> NDArray[np.uint8]:
    """As fineray.training.features reads them."""
    return np.stack([to_input(project.pixels.read(image.stored_at), SIDE) for image in images])


def images_of(count: int) -> NDArray[np.uint8]:
    """Noise."""
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE), np.uint8)


def tuner_on_device(
    chosen: Backbone, bench: Checkpoints, batch: int, frozen: int = 0
) -> tuple[Tuner, NDArray[np.int64]]:
    """The engine's own steps, on images (or activations) that are on the device already."""
    from fineray.backbones.cutting import cut

    network = pretrained(chosen)[0]
    first, part = cut(network, chosen, frozen) if frozen else (None, LearningPart.whole(copy.deepcopy(network)))
    part = part.requires_grad_(True)
    plain = Standardisation(np.zeros(chosen.features), np.ones(chosen.features))
    head = Head(plain, "linear", {"weight": np.zeros((2, chosen.features)), "bias": np.zeros(2)})
    tuned = TunedNetwork(part, head, 0.0).to(memory_format=torch.channels_last)
    rows = np.arange(batch)
    inputs = shades(images_of(batch), bench.device)
    if first is not None:
        first.to(bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tuning_data = TuningData(OnDevice(inputs, first), rows, np.eye(2)[rows % 2], False)  # type: ignore[arg-type]
    tuning = Tuning(frozen_stages=frozen, batch=batch, learning_rate=1e-5)
    tuner = Tuner(tuning_data, tuned, chosen, tuning, LossSettings(), devices.fabric())
    tuner.train_mode()
    return tuner, rows


class OnDevice:
    """Views that are on the device already; what is frozen runs each time, as it does in a training on a GPU."""

    def __init__(self, inputs: torch.Tensor, frozen: torch.nn.Module | None) -> None:
        self._inputs, self._frozen = inputs, frozen

    def learning(self, rows: NDArray[np.int64], epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs = self._inputs[: len(rows)]
        if self._frozen is None:
            return inputs, inputs.new_zeros((len(inputs), 0))
        half = inputs.device.type == "cuda" and torch.cuda.is_bf16_supported()
        with torch.no_grad(), torch.autocast(inputs.device.type, torch.bfloat16, enabled=half):
            activations, before = self._frozen(inputs)
        return activations.float(), before.float()


def work_of(network: FeatureNetwork) -> tuple[float, float]:
    """(FLOPs, bytes moved in bfloat16) of the convolutions and linear layers for one image."""
    flops = moved = 0.0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal flops, moved
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        flops += 2 * output.numel() * weight[0].numel()
        moved += 2 * (inputs[0].numel() + output.numel())  # weights are shared by the images of a batch

    for module in network.eval().modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 1, SIDE, SIDE))
    return flops, moved


if __name__ == "__main__":
    main()
