"""Building a backbone: its architecture, its weights, the last layer taken off, the rest frozen."""

from __future__ import annotations

from collections.abc import Callable

import timm
import torch
import torchvision

from core.backbones.catalogue import Backbone
from core.backbones.weights import load_weights, with_names_of


def architecture(chosen: Backbone) -> torch.nn.Module:
    """The whole network with random weights, last layer included."""
    if chosen.library == "timm":
        model: torch.nn.Module = timm.create_model(chosen.architecture, pretrained=False)
        return model
    return torchvision.models.get_model(chosen.architecture, weights=None)  # type: ignore[no-any-return]


class FeatureNetwork(torch.nn.Module):
    """A network without its last layer: [images, 3, side, side] -> features [images, n].

    The features are the pooled output of the last convolution and, beside it, the mean activations of the tapped
    stages. What X-rays show differs from photographs, and the earlier stages keep more of it: on real chest films
    this raised the frozen cross-validated AUC from 0.865 to 0.889 at no cost in time (docs/benchmarks.md).
    """

    def __init__(self, network: torch.nn.Module, taps: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.taps = taps

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of a batch."""
        means: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
            return lambda module, inputs, output: means.__setitem__(name, output.mean(dim=(2, 3)))

        hooks = [self.network.get_submodule(name).register_forward_hook(keep(name)) for name in self.taps]
        try:
            last = self.network(images)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.cat([last, *(means[name] for name in self.taps)], dim=1)


def without_last_layer(model: torch.nn.Module, taps: tuple[str, ...]) -> FeatureNetwork:
    """Take the classifier off, so that the network gives features."""
    for name in ("fc", "classifier"):
        if hasattr(model, name):
            setattr(model, name, torch.nn.Identity())
            return FeatureNetwork(model, taps)
    raise ValueError(f"{type(model).__name__} has no last layer that is known")


def freeze(model: torch.nn.Module) -> torch.nn.Module:
    """No parameter is trained and batch norms keep their statistics (inference mode)."""
    return model.eval().requires_grad_(False)


def pretrained(chosen: Backbone) -> tuple[torch.nn.Module, str]:
    """(the frozen backbone with its pretrained weights and without its last layer, SHA-256 of the weights).

    Raises WeightsNotInstalled or WeightsDamaged.
    """
    state, digest = load_weights(chosen)
    model = architecture(chosen)
    model.load_state_dict(with_names_of(model, chosen, state))
    return freeze(without_last_layer(model, chosen.taps)), digest
