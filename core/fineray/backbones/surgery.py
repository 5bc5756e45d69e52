"""Building a backbone: its architecture, one gray channel to begin with, the last layer taken off, the rest frozen."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Literal

import timm
import torch
import torchvision

from fineray.backbones.catalogue import Backbone, UnknownBackbone
from fineray.backbones.layout import channel_axes, channels_first
from fineray.backbones.weights import load_weights, with_names_of

Pooling = Literal["mean", "max", "mean and deviation"]
LAST_LAYERS = ("classifier", "fc")
TORCHVISION_HEADS = ("avgpool", *LAST_LAYERS)
LAST = ""  # stands for what the whole network gives, among the names of stages' last modules


def architecture(chosen: Backbone) -> torch.nn.Module:
    """The whole network with random weights, last layer included. Raises UnknownBackbone.

    Only names of classifiers that the library itself has are asked for: others could make timm look into files, and
    torchvision's detectors and segmenters ask for the weights of their backbone over the network.
    """
    classifiers = torchvision.models.list_models(torchvision.models)  # not those of detection, segmentation, video
    known = timm.list_models() if chosen.library == "timm" else classifiers
    if chosen.architecture.split(".")[0] not in known:
        raise UnknownBackbone(
            f"{chosen.library} has no network named “{chosen.architecture}”",
            todo="Choose another backbone, or use the version of Fineray that the model comes from.",
        )
    if chosen.library == "timm":
        model: torch.nn.Module = timm.create_model(chosen.architecture, pretrained=False)
        return model
    return torchvision.models.get_model(chosen.architecture, weights=None)  # type: ignore[no-any-return]


class FeatureNetwork(torch.nn.Module):
    """A network without its last layer: shades in 0..1 [images, 1, side, side] -> features [images, n].

    The features are the pooled maps of every stage, the first stage first. Nets for photographs end in what photographs
    show; images differ, and the earlier stages keep more of them: on real chest images the frozen cross-validated AUC
    went from 0.865 with the last map alone to 0.92, at no cost in time (docs/benchmarks.md). ends: the last module of
    each stage but the last one; mean and std: the normalisation of shades that the network was trained with.
    """

    def __init__(
        self, network: torch.nn.Module, ends: Sequence[str], mean: float, std: float, pooling: Pooling = "mean"
    ) -> None:
        super().__init__()
        self.network = network
        self.ends = tuple(ends)
        self.mean, self.std, self.pooling = mean, std, pooling
        self.axes: dict[str, int] = {}  # of the channels in a stage's output, where it is not 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of a batch."""
        return torch.cat(self.by_stage(images), dim=1)

    def by_stage(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Features of a batch, [images, n] a stage."""
        return self._at_ends(images, lambda output: pooled(output, self.pooling))

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """What by_stage() pools, [images, channels, rows, columns] a stage, each a copy of its own."""
        return self._at_ends(images, torch.Tensor.clone)

    def map_of(self, end: str, output: torch.Tensor) -> torch.Tensor:
        """What that module gave, as [images, channels, rows, columns]."""
        return channels_first(output, self.axes.get(end, 1))

    def find_axes(self, name: str, side: int) -> None:
        """Find out where each stage keeps its channels. Raises NotACnn where a stage gives no maps.

        name: of the backbone; side: of its own input.
        """
        ends, parameters = (*self.ends, LAST), sum(each.numel() for each in self.parameters())
        was = self.network.training
        self.eval()  # an image without anything on it must not move statistics
        self.axes = {}
        try:
            found = channel_axes(name, parameters, side, lambda images: self._at_ends(images, lambda output: output))
        finally:
            self.train(was)
        self.axes = {end: axis for end, axis in zip(ends, found, strict=True) if axis != 1}

    def _at_ends(self, images: torch.Tensor, take: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
        found: dict[str, torch.Tensor] = {}

        def keep(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
            # At once: what follows may change it in place.
            return lambda module, inputs, output: found.__setitem__(name, take(self.map_of(name, output)))

        hooks = [self.network.get_submodule(name).register_forward_hook(keep(name)) for name in self.ends]
        try:
            last = last_map(self.network, (images - self.mean) / self.std)
        finally:
            for hook in hooks:
                hook.remove()
        return [*(found[name] for name in self.ends), take(self.map_of(LAST, last))]


def pooled(maps: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """[images, channels, rows, columns] -> [images, channels], or twice as many for two kinds of pooling."""
    ways = {
        "mean": lambda: maps.mean(dim=(2, 3)),
        "max": lambda: maps.amax(dim=(2, 3)),
        "deviation": lambda: maps.var(dim=(2, 3), correction=0).clamp_min(1e-8).sqrt(),
    }
    return torch.cat([ways[name]() for name in pooling.split(" and ")], dim=1)


def last_map(network: torch.nn.Module, normalised: torch.Tensor) -> torch.Tensor:
    """The map of the last convolution [images, channels, rows, columns], before it is pooled."""
    if hasattr(network, "forward_features"):  # timm's networks
        found: torch.Tensor = network.forward_features(normalised)  # type: ignore[operator]
        return found
    for name, child in network.named_children():  # torchvision's stand in their order
        if name in TORCHVISION_HEADS:
            break
        normalised = child(normalised)
    dense = isinstance(network, torchvision.models.DenseNet)
    return torch.nn.functional.relu(normalised) if dense else normalised


def feature_network(model: torch.nn.Module, chosen: Backbone, pooling: Pooling = "mean") -> FeatureNetwork:
    """The network made ready for images: no last layer, one channel in, channels found. Raises NotACnn."""
    name = next((name for name in LAST_LAYERS if hasattr(model, name)), "")
    if not name and not hasattr(model, "reset_classifier"):
        raise ValueError(f"{type(model).__name__} has no last layer that is known")
    if name:
        setattr(model, name, torch.nn.Identity())
    else:
        model.reset_classifier(0)  # type: ignore[operator]
    mean, std = with_gray_input(model, chosen.mean, chosen.std)
    ends = [stage.modules[-1] for stage in chosen.stages[:-1]]
    network = FeatureNetwork(model, ends, mean, std, pooling)
    network.find_axes(chosen.name, chosen.input_size)
    return network


def with_gray_input(model: torch.nn.Module, mean: Sequence[float], std: Sequence[float]) -> tuple[float, float]:
    """Sum the first convolution over its colours, in place; returns the normalisation of shades that goes with it.

    It gives what the network would give for the shade in all three colours, at a third of that layer's work; where the
    colours have means of their own, the outermost pixels differ a little, since padding is then another shade. A layer
    that makes something else of its weights, as weight standardisation does, keeps its three colours.
    """
    name, first = next(
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Conv2d) and module.in_channels == 3
    )
    gray_mean, gray_std = sum(mean) / 3, sum(std) / 3
    scales = torch.tensor([gray_std / own for own in std]).view(1, 3, 1, 1)
    shifts = torch.tensor([(gray_mean - own_mean) / own for own_mean, own in zip(mean, std, strict=True)])
    summed = copy.deepcopy(first)
    summed.in_channels = 1
    with torch.no_grad():
        summed.weight = torch.nn.Parameter((first.weight * scales).sum(dim=1, keepdim=True))
        offset = (first.weight * shifts.view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
        if bool(shifts.abs().max() > 0):
            summed.bias = torch.nn.Parameter(offset + (first.bias if first.bias is not None else 0))
    coloured = Coloured(first, scales, shifts.view(1, 3, 1, 1))
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, summed if _alike(summed, coloured) else coloured)
    return gray_mean, gray_std


class Coloured(torch.nn.Module):
    """A first layer that is given gray images in all of its three colours, each normalised as it wants them."""

    scales: torch.Tensor
    shifts: torch.Tensor

    def __init__(self, first: torch.nn.Module, scales: torch.Tensor, shifts: torch.Tensor) -> None:
        super().__init__()
        self.first = first
        self.register_buffer("scales", scales, persistent=False)
        self.register_buffer("shifts", shifts, persistent=False)

    def forward(self, gray: torch.Tensor) -> torch.Tensor:
        """Normalised shades [images, 1, rows, columns] -> what the layer makes of them."""
        found: torch.Tensor = self.first(gray * self.scales + self.shifts)
        return found


def _alike(summed: torch.nn.Module, coloured: torch.nn.Module) -> bool:
    """Whether both make the same of an image, its edges apart."""
    image = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, two = summed(image), coloured(image)
    rows, columns = (side // 4 for side in one.shape[2:])
    one, two = (each[:, :, rows:-rows, columns:-columns] for each in (one, two))
    return torch.allclose(one, two, rtol=0, atol=1e-4 * (float(two.abs().max()) or 1.0))


def freeze(model: FeatureNetwork) -> FeatureNetwork:
    """No parameter is trained and batch norms keep their statistics (inference mode)."""
    model.eval().requires_grad_(False)
    return model


def pretrained(chosen: Backbone, pooling: Pooling = "mean") -> tuple[FeatureNetwork, str]:
    """(the frozen backbone with its pretrained weights and without its last layer, SHA-256 of the weights).

    Raises WeightsNotInstalled or WeightsDamaged.
    """
    state, digest = load_weights(chosen)
    model = architecture(chosen)
    model.load_state_dict(with_names_of(model, chosen, state))
    return freeze(feature_network(model, chosen, pooling)), digest


def widths_of(network: FeatureNetwork) -> tuple[int, ...]:
    """How many features each stage gives."""
    with torch.inference_mode():
        return tuple(int(each.shape[1]) for each in network.by_stage(torch.zeros(1, 1, 64, 64)))
