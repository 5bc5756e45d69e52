"""The new last layer as a module: linear, one hidden layer, or cosine similarity."""

from __future__ import annotations

import torch

from fineray.training.recipe import HeadKind

COSINE_SCALE = 8.0  # where the logits of the cosine start
MLP_SHARE = 0.03  # of the penalty of two layers, so that one range of strengths suits them and a single one


class CosineLayer(torch.nn.Module):
    """Logits are the cosine of the angle to one direction a class, times a scale that is learned."""

    start: torch.Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(classes, width))
        self.log_scale = torch.nn.Parameter(torch.tensor(COSINE_SCALE).log())
        self.register_buffer("start", torch.zeros(classes, width), persistent=False)

    def start_at(self, directions: torch.Tensor) -> None:
        """Begin with these directions [classes, width] and be drawn to them."""
        with torch.no_grad():
            self.start = torch.nn.functional.normalize(directions, dim=1)
            self.weight.copy_(self.start)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[images, width] -> [images, classes]."""
        directions = torch.nn.functional.normalize(self.weight, dim=1)
        return self.log_scale.exp() * torch.nn.functional.normalize(features, dim=1) @ directions.T


def last_layer(kind: HeadKind, width: int, classes: int, hidden: int) -> torch.nn.Module:
    """A layer for standardised features, [images, width] -> logits [images, classes]."""
    if kind == "cosine":
        return CosineLayer(width, classes)
    if kind == "mlp":
        return torch.nn.Sequential(torch.nn.Linear(width, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, classes))
    linear = torch.nn.Linear(width, classes)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    return linear


def penalty(layer: torch.nn.Module) -> torch.Tensor:
    """What regularisation keeps small: squared weights without biases, or a cosine's way from where it began."""
    if isinstance(layer, CosineLayer):
        scale = layer.log_scale - torch.tensor(COSINE_SCALE).log()
        return ((layer.weight - layer.start) ** 2).sum() + scale**2
    squares = [(parameter**2).sum() for parameter in layer.parameters() if parameter.dim() == 2]
    return torch.stack(squares).sum() * (1.0 if isinstance(layer, torch.nn.Linear) else MLP_SHARE)
