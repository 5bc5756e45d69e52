"""What the learning part of a network reads: activations at the freeze boundary, worked out once an image and view.

They lie in a flat file that is mapped and not read as a whole, so that memory stays flat in the number of images; it
goes when the training ends. Where every stage learns, the views themselves are kept, as shades.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones.catalogue import Backbone
from core.backbones.cutting import FrozenPart
from core.progress import Monitor, Progress
from core.project.catalogue import LabelledImage
from core.project.project import Project
from core.training.augmentation import Augmentation
from core.training.preprocessing import to_input
from core.training.recipe import Tuning

STAGE_VIEWS = "Looking at augmented views"
BATCH = 16


class Views:
    """View 0 of an image is itself, views 1 to n its augmented ones. Close it to free the disk."""

    def __init__(self, project: Project, chosen: Backbone, frozen: FrozenPart | None, device: torch.device) -> None:
        self._project, self._chosen, self._frozen, self._device = project, chosen, frozen, device
        self._folder = tempfile.TemporaryDirectory(prefix=".views-", dir=project.root)
        self._values: NDArray[Any] | None = None
        self._tapped: NDArray[np.float32] | None = None
        self._mean = torch.tensor(chosen.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(chosen.std, device=device).view(1, 3, 1, 1)

    def fill(self, images: Sequence[LabelledImage], tuning: Tuning, seed: int, monitor: Monitor) -> None:
        """Work out all views of these images. May raise Cancelled or OSError."""
        augment = Augmentation(self._chosen.input_size, seed, tuning.flip)
        count = len(images) * (1 + tuning.views)
        monitor.report(Progress(STAGE_VIEWS, 0, count, "views"))
        for view in range(1 + tuning.views):
            for start in range(0, len(images), BATCH):
                monitor.check()
                shades = self._shades(images[start : start + BATCH])
                if view:
                    shades = np.stack([augment(image) for image in shades])
                self._keep(view, start, shades, (1 + tuning.views, len(images)))
                done = view * len(images) + start + len(shades)
                monitor.report(Progress(STAGE_VIEWS, done, count, "views"))

    def batch(self, views: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the learning part reads for these views of these rows."""
        assert self._values is not None and self._tapped is not None
        values = np.stack([self._values[view, row] for view, row in zip(views, rows, strict=True)])
        tapped = torch.from_numpy(self._tapped[views, rows]).to(self._device)
        if self._frozen is None:
            return self._colour(values), tapped
        activations = torch.from_numpy(values).to(self._device).float()
        return activations.contiguous(memory_format=torch.channels_last), tapped

    def __enter__(self) -> Views:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._values = None
        self._folder.cleanup()

    def _shades(self, images: Sequence[LabelledImage]) -> NDArray[np.uint8]:
        side = self._chosen.input_size
        return np.stack([to_input(self._project.pixels.read(image.stored_at), side) for image in images])

    def _colour(self, shades: NDArray[np.uint8]) -> torch.Tensor:
        gray = torch.from_numpy(shades).to(self._device).float().div_(255).unsqueeze(1)
        colour = gray.expand(-1, 3, -1, -1).sub(self._mean).div_(self._std)
        return colour.contiguous(memory_format=torch.channels_last)

    def _keep(self, view: int, start: int, shades: NDArray[np.uint8], size: tuple[int, int]) -> None:
        values: NDArray[Any] = shades
        tapped = np.zeros((len(shades), 0), dtype=np.float32)
        if self._frozen is not None:
            with torch.inference_mode():
                activations, means = self._frozen(self._colour(shades))
            values, tapped = activations.half().cpu().numpy(), means.float().cpu().numpy()
        if self._values is None or self._tapped is None:
            path = Path(self._folder.name) / "views"
            self._values = np.memmap(path, dtype=values.dtype, mode="w+", shape=(*size, *values.shape[1:]))
            self._tapped = np.zeros((*size, tapped.shape[1]), dtype=np.float32)
        self._values[view, start : start + len(values)] = values
        self._tapped[view, start : start + len(values)] = tapped
