"""On a GPU the engine gives what it gives on a CPU, keeps what was done, and makes do with the memory there is."""

from __future__ import annotations

import copy
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from fineray.backbones.catalogue import Backbone
from fineray.backbones.cutting import LearningPart
from fineray.backbones.runtime import Runtime
from fineray.backbones.surgery import pretrained
from fineray.evaluation.roc_area import auc
from fineray.explaining.saliency import grad_cam
from fineray.progress import (
    Cancelled,
    HeadStep,
    Monitor,
    ProgressEvent,
    Resumed,
)
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.project.splits import Split
from fineray.training import devices
from fineray.training.head.head import Head, Standardisation
from fineray.training.head.selection import Examples, fit_head
from fineray.training.model import trained_model
from fineray.training.recipe import (
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.train import train
from fineray.training.tuning.augmentation import Augmentation
from fineray.training.tuning.finetuning import Tuner, TuningData
from fineray.training.tuning.network import TunedNetwork
from tests.support.device_in_use import forget, use

pytestmark = [pytest.mark.gpu, pytest.mark.xdist_group("gpu")]
CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
QUICK = Tuning(frozen_stages=6, epochs=2, batch=8)
FLOAT32, BFLOAT16 = 1e-3, 3e-2  # of the largest feature: how far a GPU's may lie from a CPU's


@contextmanager
def single_precision() -> Iterator[None]:
    """A GPU computes in whole float32: neither in bfloat16 nor in the shortened numbers of its matrix units."""
    kinds = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [kind.allow_tf32 for kind in kinds]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.cuda.is_bf16_supported", lambda *given: False)
        for kind in kinds:
            kind.allow_tf32 = False
        forget()
        try:
            yield
        finally:
            for kind, allowed in zip(kinds, before, strict=True):
                kind.allow_tf32 = allowed
            forget()


@pytest.fixture
def recipe(chosen: Backbone) -> Recipe:
    head = HeadSettings(strengths=(1.0,), inner_folds=2)
    return Recipe(mode="finetune", backbone=chosen.name, head=head, bootstrap=100, tuning=QUICK)


def shades_of(images: int, side: int = 224) -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    coarse = random.normal(120, 50, (images, 14, 14))
    return np.clip(np.kron(coarse, np.ones((side // 14, side // 14))), 0, 255).astype(np.uint8)


def area(run: RunFolder) -> float:
    found = run.predictions()
    value = auc(found.probabilities[:, 1], found.true == 1, np.array(found.patients)).value
    assert value is not None
    return float(value)


class Ear(Monitor):
    """Hears everything, and cancels once it has heard of so many steps."""

    def __init__(self, after: int = 10**9) -> None:
        self.heard: list[ProgressEvent] = []
        self.after = after

    def report(self, what: ProgressEvent) -> None:
        self.heard.append(what)

    def check(self) -> None:
        if sum(isinstance(what, HeadStep) for what in self.heard) > self.after:
            raise Cancelled


def test_frozen_features_are_the_cpus_in_single_precision(gpu: torch.device, chosen: Backbone) -> None:
    images = shades_of(24)
    expected = Runtime(chosen, CPU).features(images)
    with single_precision():
        runtime = Runtime(chosen, gpu)
        got = runtime.features(images)
        assert runtime.precision == torch.float32
    assert np.abs(got - expected).max() <= FLOAT32 * np.abs(expected).max()


def test_bfloat16_keeps_to_its_own_precision(cuda: torch.device, chosen: Backbone) -> None:
    images = shades_of(24)
    expected, runtime = Runtime(chosen, CPU).features(images), Runtime(chosen, cuda)
    if runtime.precision != torch.bfloat16:
        pytest.skip("this GPU has no bfloat16")
    got = runtime.features(images)
    assert np.abs(got - expected).max() <= BFLOAT16 * np.abs(expected).max()
    np.testing.assert_array_equal(got, runtime.features(images))


def test_features_come_in_order_while_others_are_under_way(gpu: torch.device, chosen: Backbone) -> None:
    images, runtime = shades_of(40), Runtime(chosen, gpu)
    waiting = [runtime.start(images[start : start + 8]) for start in range(0, 40, 8)]
    together = np.concatenate([each() for each in waiting])
    np.testing.assert_allclose(together, runtime.features(images), atol=2e-2 * np.abs(together).max())


def test_features_of_a_batch_that_does_not_fit_come_in_halves(gpu: torch.device, chosen: Backbone) -> None:
    images, runtime, seen = shades_of(13), Runtime(chosen, gpu), []

    def full(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        seen.append(len(given[0]))
        if len(given[0]) > 4:
            raise torch.OutOfMemoryError("no room")

    expected = runtime.features(images)
    runtime._model.register_forward_pre_hook(full)
    np.testing.assert_allclose(runtime.features(images), expected, atol=2e-2 * np.abs(expected).max())
    assert sum(number for number in seen if number <= 4) == 13 and max(seen) == 13


def test_the_frozen_auc_is_the_cpus(gpu: torch.device, on, study: Project, split: Split, recipe: Recipe) -> None:  # type: ignore[no-untyped-def]
    frozen = replace(recipe, mode="frozen")
    there = area(train(study, split, frozen))
    with single_precision():
        single = area(train(study, split, frozen))
    use(CPU, on)
    here = area(train(study, split, frozen))
    assert 0.5 < here < 1.0, "a study in which an AUC can move"
    assert abs(there - here) <= 0.002 and abs(single - here) <= 0.002


def test_a_large_head_is_fitted_on_the_gpu_as_on_the_cpu(gpu: torch.device, on) -> None:  # type: ignore[no-untyped-def]
    random, labels = np.random.default_rng(0), np.arange(300) % 2
    features = random.normal(size=(1, 300, 120)).astype(np.float32) + labels[None, :, None] * 0.1
    examples = Examples(features.astype(np.float32), np.eye(2)[labels], np.arange(300) // 2, labels, False)
    for kind in ("linear", "mlp", "cosine"):
        recipe = Recipe(head=HeadSettings(kind=kind, strengths=(1.0, 0.3), inner_folds=3))  # type: ignore[arg-type]
        on.setattr(devices, "WORTH_MOVING", 0)
        there = fit_head(examples, (60, 60), recipe)
        on.setattr(devices, "WORTH_MOVING", 1 << 60)
        here = fit_head(examples, (60, 60), recipe)
        assert there.strength == here.strength
        got, expected = there.head.probabilities(features[0]), here.head.probabilities(features[0])
        np.testing.assert_allclose(got, expected, atol=2e-3)


def test_views_are_the_cpus_to_one_shade(gpu: torch.device) -> None:
    settings = AugmentSettings(crop=0.2, flip=True, noise=0.05)
    augmentation, images = Augmentation(224, settings), shades_of(16)
    keys = [(f"image {number}", 3) for number in range(16)]
    here, there = (augmentation.batch(images, keys, device).cpu().int() for device in (CPU, gpu))
    assert int((here - there).abs().max()) <= 1


def tuner(chosen: Backbone, gpu: torch.device, images: int) -> tuple[Tuner, NDArray[np.int64]]:
    """A tuner of a whole network, and the rows to learn from."""
    torch.manual_seed(0)
    network = pretrained(chosen)[0]
    plain = Standardisation(np.zeros(chosen.features), np.ones(chosen.features))
    weight = np.random.default_rng(0).normal(0, 0.01, (2, chosen.features))
    head = Head(plain, "linear", {"weight": weight, "bias": np.zeros(2)})
    part = LearningPart.whole(copy.deepcopy(network)).requires_grad_(True)
    tuned = TunedNetwork(part, head, 0.0).to(memory_format=torch.channels_last)
    rows = np.arange(images)
    lesson = TuningData(_Shown(shades_of(images), gpu), rows, np.eye(2)[rows % 2], False)  # type: ignore[arg-type]
    settings = Tuning(frozen_stages=0, batch=images, learning_rate=1e-5, head_rate=1e-4)
    return Tuner(lesson, tuned, chosen, settings, LossSettings(), devices.fabric()), rows


class _Shown:
    """Views that are on the device already."""

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        self._images = torch.from_numpy(images)[:, None].to(device).float() / 255

    def learning(self, rows: NDArray[np.int64], epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._images[rows], self._images.new_zeros((len(rows), 0))


def losses(tuning: Tuner, rows: NDArray[np.int64], steps: int) -> list[float]:
    tuning.train_mode()
    return [tuning.step(rows, 0, 1.0) for _ in range(steps)]


def test_bfloat16_learns_as_single_precision_does(gpu: torch.device, chosen: Backbone) -> None:
    images = 32 if gpu.type == "cuda" else 8
    half = losses(*tuner(chosen, gpu, images), 3)
    with single_precision():
        single = losses(*tuner(chosen, gpu, images), 3)
    assert single[-1] < single[0], "something is learned"
    np.testing.assert_allclose(half, single, rtol=0.05)


def test_a_batch_that_does_not_fit_is_halved_and_learns_the_same(gpu: torch.device, chosen: Backbone) -> None:
    images = 64 if gpu.type == "cuda" else 8
    expected = losses(*tuner(chosen, gpu, images), 2)
    tuning, rows = tuner(chosen, gpu, images)
    with little_memory(chosen, tuning, gpu, rows):
        got = losses(tuning, rows, 2)
    assert tuning.pieces in (2, 4), "what does not fit is cut, and not more than it has to be"
    np.testing.assert_allclose(got, expected, rtol=0.05)


@contextmanager
def little_memory(chosen: Backbone, tuning: Tuner, gpu: torch.device, rows: NDArray[np.int64]) -> Iterator[None]:
    """Within, the GPU has memory for about six tenths of the batch; without a GPU, torch's own error says so."""
    if gpu.type != "cuda":

        def full(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            if len(given[0]) > 0.6 * len(rows):
                raise torch.OutOfMemoryError("no room")

        tuning.network.part.register_forward_pre_hook(full)
        yield
        return
    forget_memory()
    resting = torch.cuda.memory_reserved(gpu)
    torch.cuda.reset_peak_memory_stats(gpu)
    probe, same = tuner(chosen, gpu, len(rows))
    losses(probe, same, 1)
    peak = torch.cuda.max_memory_reserved(gpu) - resting
    del probe
    forget_memory()
    total = torch.cuda.get_device_properties(gpu).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(gpu) + 0.6 * peak) / total, gpu)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, gpu)


def forget_memory() -> None:
    gc.collect()
    torch.cuda.empty_cache()


def test_a_cancelled_tuning_leaves_nothing_on_the_device_and_goes_on(
    gpu: torch.device, study: Project, split: Split, recipe: Recipe
) -> None:
    before = torch.cuda.memory_allocated(gpu) if gpu.type == "cuda" else 0
    with pytest.raises(Cancelled):
        train(study, split, recipe, monitor=Ear(after=4))
    gc.collect()
    after = torch.cuda.memory_allocated(gpu) if gpu.type == "cuda" else 0
    assert after - before < 64 << 20
    ear = Ear()
    run = train(study, split, recipe, monitor=ear)
    assert any(isinstance(what, Resumed) for what in ear.heard)
    assert len(run.predictions().images) == len(labelled_images(study))


_KILLED = """
import os, signal, sys
from pathlib import Path
from fineray.progress import HeadStep, Monitor
from fineray.project.project import open_project
from fineray.project.splits import latest_split
from fineray.training.recipe import Recipe
from fineray.training.train import train
from tests.support.one_device import stand_in_for_fabric

class Bomb(Monitor):
    left = int(sys.argv[3])
    def report(self, what):
        self.left -= isinstance(what, HeadStep)
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

stand_in_for_fabric()
with open_project(Path(sys.argv[1])) as project:
    train(project, latest_split(project), Recipe.from_json(Path(sys.argv[2]).read_text()), Bomb())
"""


def test_a_killed_tuning_goes_on_where_it_was(
    gpu: torch.device, study: Project, split: Split, recipe: Recipe, tmp_path: Path
) -> None:
    undisturbed = train(study, split, recipe, monitor=(ear := Ear()))
    steps = sum(isinstance(what, HeadStep) for what in ear.heard)
    (tmp_path / "recipe.json").write_text(recipe.to_json(), "utf-8")
    command = [sys.executable, "-c", _KILLED, str(study.root), str(tmp_path / "recipe.json"), str(steps // 2)]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": _path()}, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    ear = Ear()
    resumed = train(study, split, recipe, monitor=ear)
    assert any(isinstance(what, Resumed) for what in ear.heard)
    assert sum(isinstance(what, HeadStep) for what in ear.heard) < steps, "what was done is not done again"
    one, two = (load_file(run.path / "network.safetensors") for run in (undisturbed, resumed))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-2, atol=1e-3 if gpu.type == "cuda" else 0)
    assert abs(area(resumed) - area(undisturbed)) <= (0.01 if gpu.type == "cuda" else 0)


def _path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def test_an_explanation_is_the_cpus(gpu: torch.device, on, study: Project, split: Split, recipe: Recipe) -> None:  # type: ignore[no-untyped-def]
    run = train(study, split, recipe)
    images = [study.pixels.read(image.stored_at) for image in labelled_images(study)[:4]]
    maps = []
    for device in (gpu, CPU):
        use(device, on)
        model = trained_model(run)
        assert model.device.type == device.type
        maps.append(grad_cam(model, model.inputs(images), 1))
    assert maps[0].std() > 0
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] > 0.995
