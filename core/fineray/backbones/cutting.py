"""Cutting a backbone at the freeze boundary: the frozen part runs once an image and view, the rest learns."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from fineray.backbones.catalogue import Backbone
from fineray.backbones.surgery import FeatureNetwork, last_map, pooled
from fineray.errors import FinerayError


class CannotCut(FinerayError):
    """The network cannot be cut where it was asked for."""


class FrozenPart(torch.nn.Module):
    """Shades [images, 1, side, side] -> (activations at the boundary, features of the stages before it [images, n])."""

    def __init__(self, whole: FeatureNetwork, stages: int) -> None:
        super().__init__()
        self._whole, self._ends = whole, whole.ends[:stages]

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both for a batch; the network behind the boundary is not run."""
        boundary, features = self._to_boundary(images, lambda output: pooled(output, self._whole.pooling))
        return boundary, torch.cat(features, dim=1)

    def maps(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(activations at the boundary, the map of each stage before it, each a copy of its own)."""
        return self._to_boundary(images, torch.Tensor.clone)

    def _to_boundary(
        self, images: torch.Tensor, take: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        features: dict[str, torch.Tensor] = {}
        boundary: list[torch.Tensor] = []

        def keep(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
            def hook(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
                features[name] = take(self._whole.map_of(name, output))  # at once: what follows may change it in place
                if name == self._ends[-1]:
                    boundary.append(output)
                    if not _tracing():  # a trace leaves out by itself what no output needs
                        raise _Reached

            return hook

        hooks = [self._whole.network.get_submodule(name).register_forward_hook(keep(name)) for name in self._ends]
        try:
            last_map(self._whole.network, (images - self._whole.mean) / self._whole.std)
        except _Reached:
            pass
        finally:
            for each in hooks:
                each.remove()
        return boundary[0], [features[name] for name in self._ends]


class LearningPart(torch.nn.Module):
    """(activations at the boundary, features of the stages before it) -> features, as the whole network gives them."""

    def __init__(self, whole: FeatureNetwork, stages: int, removed: tuple[str, ...]) -> None:
        super().__init__()
        self.rest = copy.deepcopy(whole)
        self.rest.ends = whole.ends[stages:]
        if removed:
            self.rest.mean, self.rest.std = 0.0, 1.0  # what comes from the boundary is normal as it is
        for name in removed:
            parent, _, child = name.rpartition(".")
            setattr(self.rest.network.get_submodule(parent), child, torch.nn.Identity())

    @staticmethod
    def whole(network: FeatureNetwork) -> LearningPart:
        """All of a network: nothing is frozen, and what it reads are images."""
        return LearningPart(network, 0, ())

    def forward(self, activations: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Features [images, n]."""
        return torch.cat([before, self.rest(activations)], dim=1)


def _tracing() -> bool:
    traced = bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
    return traced or torch.compiler.is_exporting()


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
    second = LearningPart(whole, frozen_stages, removed)
    if not removed:
        return None, second
    first = FrozenPart(whole, frozen_stages)
    probe = torch.rand(2, 1, chosen.input_size, chosen.input_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, got = whole(probe), second(*first(probe))
    tolerance = 1e-4 * float(expected.abs().max())
    if expected.shape != got.shape or not torch.allclose(got, expected, atol=tolerance, rtol=0):
        raise CannotCut(
            f"{chosen.title} cannot be cut after {chosen.stages[frozen_stages - 1].name}",
            todo="Freeze fewer stages, or none.",
        )
    return first, second
