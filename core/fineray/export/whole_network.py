"""A run's model as one network, for other programs: shades in, probabilities out."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.project.files.preparation import REDUCING_GAP
from fineray.project.project import STORE_SIDE
from fineray.project.runs import RunFolder
from fineray.training.model import TrainedModel, trained_model

SMALLEST = 1e-30  # float32 holds hardly less


class WholeNetwork(torch.nn.Module):
    """Shades in 0..1 [images, 1, side, side] -> probabilities [images, classes], temperature included; on the CPU."""

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.frozen, self.tuned = copy.deepcopy(model.frozen), copy.deepcopy(model.tuned)
        self.cpu().to(memory_format=torch.contiguous_format)
        self._model = replace(model, frozen=self.frozen, tuned=self.tuned, device=torch.device("cpu"))

    @property
    def side(self) -> int:
        """Of the input, in pixels."""
        return self._model.input_size

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities of a batch."""
        logits = self.logits(images)
        return torch.sigmoid(logits) if self._model.multilabel else torch.softmax(logits, dim=1)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """What the probabilities are made of, [images, classes]."""
        return self._model.logits(self._model.maps(images)) / self._model.temperature


def probe() -> list[NDArray[np.uint8]]:
    """Four pictures made by formula, on which sender and receiver of a model compare what it says."""
    y, x = np.mgrid[0:384, 0:320] / 384.0
    waves = [0.5 + 0.5 * np.sin((3 + 5 * n) * x + (2 + 3 * n) * y * y + n) * np.cos((1 + 2 * n) * y) for n in range(4)]
    return [np.round(wave * 255).astype(np.uint8) for wave in waves]


def probe_logits(folder: RunFolder) -> NDArray[np.float64]:
    """What a run says of these pictures, [4, classes], computed on the CPU: far from the images that it learned from
    its probabilities are all but 0 and 1, and would hide a difference."""
    model = trained_model(folder)
    with torch.no_grad():
        found: NDArray[np.float64] = WholeNetwork(model).logits(model.inputs(probe()).cpu()).double().numpy()
    return found


def difference(found: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """The largest difference of a probability, or relative one of its logarithm: where probabilities are all but 0 and
    1, these alone tell networks apart."""
    logs = [np.log(np.clip(each.astype(np.float64), SMALLEST, 1)) for each in (found, expected)]
    relative = np.abs(logs[0] - logs[1]) / np.maximum(1, np.abs(logs[1]))
    return float(max(np.abs(found - expected).max(), relative.max()))


def description(facts: dict[str, Any]) -> dict[str, Any]:
    """What another program has to know of input and output."""
    side, stored = facts["preprocessing"]["input_size"], facts["preprocessing"].get("stored_side", STORE_SIDE)
    return {
        "use": "For research use only, not for diagnosis.",
        "input": f"float32 [images, 1, {side}, {side}]: shades in 0..1, 0 black; normalisation happens inside",
        "preparation": [
            "decode the stored values of the DICOM file",
            "apply modality LUT (or rescale), VOI LUT (or the first window) and presentation LUT; MONOCHROME1 inverted",
            "scale to 8 bits, 0 black and 255 white",
            f"shrink with Pillow's Lanczos filter (reducing_gap {REDUCING_GAP:g}) until the longest side is at most"
            f" {stored} pixels",
            f"resize with Pillow's bicubic filter until the longest side is {side}, aspect kept",
            f"put it in the middle of a black square of {side} x {side} pixels; divide by 255",
        ],
        "output": "float32 [images, classes]: "
        + ("a probability for each finding of its own" if facts["multilabel"] else "probabilities that sum to 1"),
        "classes": facts["classes"],
        "point": facts["point"],
        "abstain": facts["abstain"],
        "made_by": f"Fineray {facts['fineray']}, {facts['run']}",
        "auc": facts["auc"],
    }
