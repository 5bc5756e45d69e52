"""The network that is tuned: the learning part of a backbone with its last layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.cutting import LearningPart
from fineray.training.head.head import Head, Standardisation
from fineray.training.head.last_layer import CosineLayer

LEAST_SCALE = 0.1  # of a feature, as a share of the median one of its stage


class TunedNetwork(torch.nn.Module):
    """(activations at the boundary, features of the frozen stages) -> logits [images, classes], from a fitted head."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, part: LearningPart, head: Head, dropout: float) -> None:
        super().__init__()
        self.part = part
        self.kind, self.multilabel = head.kind, head.multilabel
        self.register_buffer("mean", torch.from_numpy(head.standardisation.mean).float())
        self.register_buffer("scale", torch.from_numpy(head.standardisation.scale).float())
        self.dropout = torch.nn.Dropout(dropout)
        self.last = head.layer().float()
        if isinstance(self.last, CosineLayer):
            self.last.start_at(self.last.weight.detach().clone())

    def head(self, temperature: float) -> Head:
        """The last layer as it is now."""
        standardisation = Standardisation(_doubles(self.mean), _doubles(self.scale))
        state = {name: _doubles(tensor) for name, tensor in self.last.state_dict().items()}
        return Head(standardisation, self.kind, state, self.multilabel, temperature)

    def forward(self, activations: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        return self.logits(self.part(activations, before))

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """What the last layer makes of features [images, n]."""
        found: torch.Tensor = self.last(self.dropout((features - self.mean) / self.scale))
        return found


def with_floor_on_scale(head: Head, widths: tuple[int, ...]) -> Head:
    """The head as tuning begins with it: a feature that hardly varied would turn every small change of the stages into
    a large one, and gets the least scale of its stage. widths: features of each stage."""
    stages = np.split(head.standardisation.scale, np.cumsum(widths)[:-1])
    scale = np.concatenate([np.maximum(stage, LEAST_SCALE * np.median(stage)) for stage in stages])
    return replace(head, standardisation=replace(head.standardisation, scale=scale))


def _doubles(tensor: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return found
