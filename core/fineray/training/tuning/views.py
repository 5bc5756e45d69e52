"""What the learning part of a network reads: images, or their activations at the freeze boundary, in augmented views.

Activations that are needed often are worked out once an image and view; they lie in a flat file that is mapped and not
read as a whole, so that memory stays flat in the number of images. The file lies with the checkpoints of the training,
and goes with them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.cutting import FrozenPart
from fineray.backbones.runtime import (
    OpenVino,
    agree,
    openvino_wanted,
    shades,
)
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import LabelledImage
from fineray.project.project import Project
from fineray.training.checkpoint import Checkpoints, Keeping, State
from fineray.training.preprocessing import to_input
from fineray.training.recipe import AugmentSettings
from fineray.training.tuning.augmentation import Augmentation

STAGE_VIEWS = "Looking at augmented views"
BATCH = 16
Batch = tuple[torch.Tensor, torch.Tensor]  # activations (or shades), features of the frozen stages


class AugmentedViews:
    """Some images in views: view 0 is the image itself, others are augmented. Close it to free the disk.

    passes: how often each image will be learned from, over all epochs and folds; where the frozen part would run more
    often than there are views to keep, its activations are kept. bench: where they outlive this process, if anywhere;
    they go with it then.
    """

    def __init__(
        self,
        project: Project,
        frozen: FrozenPart | None,
        side: int,
        augment: AugmentSettings,
        device: torch.device,
        seed: int,
        passes: int,
        checkpoints_of: Checkpoints | None = None,
    ) -> None:
        self._project, self._frozen, self._side, self._device = project, frozen, side, device
        self._augment, self._augmentation, self._seed = augment, Augmentation(side, augment), seed
        self._bench, self._passing = checkpoints_of, None
        if checkpoints_of is not None:
            self._folder = checkpoints_of.folder / "views"
        else:
            self._passing = tempfile.TemporaryDirectory(prefix=".views-", dir=project.root)
            self._folder = Path(self._passing.name)
        self._kept = 1 + max(augment.views, augment.test_views)
        # A GPU runs the frozen part anew before a disk could give back what it kept.
        keeps = device.type != "cuda" and self._kept <= passes
        self._cached = frozen is not None and augment.views > 0 and keeps
        self._images: NDArray[np.uint8] | None = None
        self._values: NDArray[Any] | None = None
        self._before: NDArray[np.float32] | None = None
        self._keys: list[str] = []

    def fill(self, images: Sequence[LabelledImage], monitor: Monitor) -> None:
        """Read the images, and keep their views where that pays; goes on where an earlier start was stopped.

        May raise Cancelled or OSError.
        """
        self._keys = [image.content_hash for image in images]
        count = len(images) * (self._kept if self._cached else 1)
        keeping = Keeping(self._bench, "views", monitor.check)
        done = self._go_on(keeping.load(), count)
        monitor.report(Progress(STAGE_VIEWS, done, count, "views"))
        if done == count:
            return
        run = self._runner(count)
        while done < count:
            view, start = divmod(done, len(images))
            rows = np.arange(start, min(start + BATCH, len(images)))
            if view == 0:
                self._read(images, rows)
            if self._cached:
                self._keep(view, rows, *run(self._view(view, rows)))
            done += len(rows)
            monitor.report(Progress(STAGE_VIEWS, done, count, "views"))
            keeping.point(partial(self._state, done))
        keeping.save(self._state(done))

    def learning(self, rows: NDArray[np.int64], epoch: int) -> Batch:
        """A view of each of these rows to learn from; the same epoch shows the same."""
        if self._cached:
            drawn = np.random.default_rng((self._seed, epoch)).integers(0, 1 + self._augment.views, len(self._keys))
            return self._from_kept(drawn[rows], rows)
        assert self._images is not None
        keys = [(self._keys[row], self._seed, epoch) for row in rows]
        return self._now(self._augmentation.batch(self._images[rows], keys, self._device))

    def showing(self, rows: NDArray[np.int64], view: int) -> Batch:
        """A view of each of these rows to predict from: 0 is the image itself, 1 and on are test views."""
        if self._cached:
            return self._from_kept(np.full(len(rows), view), rows)
        return self._now(self._view(view, rows))

    def __enter__(self) -> AugmentedViews:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._images = self._values = self._before = None
        if self._passing is not None:
            self._passing.cleanup()

    def _read(self, images: Sequence[LabelledImage], rows: NDArray[np.int64]) -> None:
        assert self._images is not None
        stored = (images[row].stored_at for row in rows.tolist())
        self._images[rows] = np.stack([to_input(self._project.pixels.read(each), self._side) for each in stored])

    def _view(self, view: int, rows: NDArray[np.int64]) -> torch.Tensor:
        assert self._images is not None
        keys = [(self._keys[row], view) if view else None for row in rows]
        return self._augmentation.batch(self._images[rows], keys, self._device)

    def _now(self, pixels: NDArray[np.uint8] | torch.Tensor) -> Batch:
        inputs = shades(pixels, self._device)
        if self._frozen is None:
            return inputs, inputs.new_zeros((len(inputs), 0))
        half = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        with torch.no_grad(), torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            activations, before = self._frozen(inputs)
        return activations.float(), before.float()

    def _from_kept(self, views: NDArray[np.int64], rows: NDArray[np.int64]) -> Batch:
        assert self._values is not None and self._before is not None
        values = np.stack([self._values[view, row] for view, row in zip(views, rows, strict=True)])
        before = torch.from_numpy(np.asarray(self._before[views, rows])).to(self._device)
        activations = torch.from_numpy(values).to(self._device).float()
        return activations.contiguous(memory_format=torch.channels_last), before

    def _runner(self, views: int) -> Any:
        """The frozen part as a function of shades, by OpenVINO where that is worth it and gives the same."""
        if not self._cached or self._frozen is None:
            return None

        def by_torch(pixels: NDArray[np.uint8] | torch.Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            activations, before = self._now(pixels)
            return activations.float().cpu().numpy(), before.float().cpu().numpy()

        if not openvino_wanted(self._device, views):
            return by_torch
        compiled = OpenVino(self._frozen, self._side)
        probe = np.random.default_rng(0).integers(0, 256, (2, self._side, self._side), np.uint8)
        same = all(agree(got, expected) for got, expected in zip(compiled.outputs(probe), by_torch(probe), strict=True))
        return (lambda pixels: compiled.outputs(pixels.numpy())) if same else by_torch

    def _keep(
        self, view: int, rows: NDArray[np.int64], activations: NDArray[np.float32], before: NDArray[np.float32]
    ) -> None:
        if self._values is None or self._before is None:
            shape = (self._kept, len(self._keys))
            self._values = self._map("activations", np.float16, (*shape, *activations.shape[1:]))
            self._before = self._map("before", np.float32, (*shape, before.shape[1]))
        self._values[view, rows] = activations
        self._before[view, rows] = before

    def _go_on(self, kept: State | None, count: int) -> int:
        """Take up what an earlier start kept, if anything; how many views of images are done."""
        pixels = (len(self._keys), self._side, self._side)
        try:
            if kept is not None and kept.facts["of"] == count:
                self._images = self._map("images", np.uint8, pixels, "r+")
                if self._cached:
                    self._values = self._map("activations", np.float16, tuple(kept.facts["activations"]), "r+")
                    self._before = self._map("before", np.float32, tuple(kept.facts["before"]), "r+")
                return int(kept.facts["done"])
        except (OSError, ValueError):  # it lacks a file, or one is too short: all is looked at anew
            self._values = self._before = None
        self._images = self._map("images", np.uint8, pixels)
        return 0

    def _state(self, done: int) -> State:
        """How much is on the disk; waits until it is."""
        shapes = {}
        for name, mapped in (("images", self._images), ("activations", self._values), ("before", self._before)):
            if isinstance(mapped, np.memmap):
                mapped.flush()
                shapes[name] = list(mapped.shape)
        of = len(self._keys) * (self._kept if self._cached else 1)
        return State({}, {"done": done, "of": of, **shapes})

    def _map(self, name: str, kind: Any, shape: tuple[int, ...], mode: Literal["w+", "r+"] = "w+") -> NDArray[Any]:
        if not all(shape):
            return np.zeros(shape, kind)  # nothing cannot be mapped
        self._folder.mkdir(parents=True, exist_ok=True)
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        free = shutil.disk_usage(self._folder).free
        if mode == "w+" and size > 0.8 * free:
            raise OSError(28, f"{size / 1e9:.1f} GB are needed for a while", str(self._folder))
        if mode == "r+" and (self._folder / name).stat().st_size != size:
            raise ValueError(name)
        return np.memmap(self._folder / name, dtype=kind, mode=mode, shape=shape)
