"""Cutting a backbone at the freeze boundary: the frozen part runs once an image and view, the rest learns."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from core.backbones.catalogue import Backbone
from core.backbones.surgery import FeatureNetwork
from core.errors import FinerayError


class CannotCut(FinerayError):
    """The network cannot be cut where it was asked for."""


class FrozenPart(torch.nn.Module):
    """[images, 3, side, side] -> (activations at the boundary, mean activations of the taps before it [images, n])."""

    def __init__(self, whole: FeatureNetwork, last: str, taps: tuple[str, ...]) -> None:
        super().__init__()
        self._whole, self._last, self._taps = whole, last, taps

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both for a batch; the network behind the boundary is not run."""
        found: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
            def hook(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
                found[name] = output
                if name == self._last:
                    raise _Reached

            return hook

        names = {*self._taps, self._last}
        hooks = [self._whole.network.get_submodule(name).register_forward_hook(keep(name)) for name in names]
        try:
            self._whole.network(images)
        except _Reached:
            pass
        finally:
            for each in hooks:
                each.remove()
        means = [found[name].mean(dim=(2, 3)) for name in self._taps]
        tapped = torch.cat(means, dim=1) if means else images.new_zeros((len(images), 0))
        return found[self._last], tapped


class LearningPart(torch.nn.Module):
    """(activations at the boundary, means of the taps before it) -> features, as the whole network gives them."""

    def __init__(self, whole: FeatureNetwork, removed: tuple[str, ...], taps_before: int, last_width: int) -> None:
        super().__init__()
        self.rest = copy.deepcopy(whole)
        self.rest.taps = whole.taps[taps_before:]
        self._last_width = last_width  # features of the last convolution come first, then those of the taps
        for name in removed:
            parent, _, child = name.rpartition(".")
            setattr(self.rest.network.get_submodule(parent), child, torch.nn.Identity())

    @staticmethod
    def whole(network: FeatureNetwork) -> LearningPart:
        """All of a network: nothing is frozen, and what it reads are images."""
        return LearningPart(network, (), 0, 0)

    def forward(self, activations: torch.Tensor, tapped: torch.Tensor) -> torch.Tensor:
        """Features [images, n]."""
        features: torch.Tensor = self.rest(activations)
        return torch.cat([features[:, : self._last_width], tapped, features[:, self._last_width :]], dim=1)


class _Reached(Exception):
    """The boundary has given its activations; the rest of the network has nothing to add."""


def cut(whole: FeatureNetwork, chosen: Backbone, frozen_stages: int) -> tuple[FrozenPart | None, LearningPart]:
    """(the frozen part, or None where all stages learn; the part that learns).

    The cut has to prove itself: both parts together give the features of the whole network. Raises CannotCut.
    """
    if not 0 <= frozen_stages < len(chosen.stages):
        raise CannotCut(
            f"{chosen.title} has {len(chosen.stages)} stages; {frozen_stages} cannot be frozen",
            todo=f"Freeze 0 to {len(chosen.stages) - 1} of them, or train the last layer alone (mode frozen).",
        )
    removed = tuple(name for stage in chosen.stages[:frozen_stages] for name in stage.modules)
    before = tuple(tap for tap in whole.taps if any(tap == name or tap.startswith(f"{name}.") for name in removed))
    probe = torch.randn(2, 3, chosen.input_size, chosen.input_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = whole(probe)
        last_width = expected.shape[1] - _width_of_taps(whole, probe)
    second = LearningPart(whole, removed, len(before), last_width)  # outside: tensors made in there cannot learn
    if not removed:
        return None, second
    first = FrozenPart(whole, removed[-1], before)
    with torch.inference_mode():
        got = second(*first(probe))
    tolerance = 1e-4 * float(expected.abs().max())
    if expected.shape != got.shape or not torch.allclose(got, expected, atol=tolerance, rtol=0):
        raise CannotCut(
            f"{chosen.title} cannot be cut after {chosen.stages[frozen_stages - 1].name}",
            todo="Freeze fewer stages, or none.",
        )
    return first, second


def _width_of_taps(whole: FeatureNetwork, images: torch.Tensor) -> int:
    """How many of the features come from the taps."""
    plain = copy.copy(whole)
    plain.taps = ()
    return int(whole(images).shape[1] - plain(images).shape[1])
