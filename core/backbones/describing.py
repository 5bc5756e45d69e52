"""Describing a timm CNN by its name: stages, features, normalisation, as the manifest describes the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import timm
import torch

from core.backbones.catalogue import TIMM, Backbone, Stage, WeightPack
from core.backbones.cutting import CannotCut, cut
from core.backbones.surgery import feature_network, freeze, widths_of
from core.errors import FinerayError

HUB = "https://huggingface.co"
HEADS = {"global_pool", "avgpool", "head", "head_drop", "fc", "classifier", "flatten"}


class NotACnn(FinerayError):
    """The network cannot be cut into stages of convolutions."""


def describe(name: str) -> Backbone:
    """`timm:NAME` as a backbone whose weights are still to be added. Raises NotACnn."""
    architecture = name.removeprefix(TIMM)
    if architecture.split(".")[0] not in timm.list_models():
        alike = ", ".join(timm.list_models(f"*{architecture[:6]}*")[:5])
        raise NotACnn(
            f"timm has no network named “{architecture}”", todo=f"Choose one that it has{alike and ': '}{alike}."
        )
    model = timm.create_model(architecture, pretrained=False)
    facts: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
    stages = _stages(model, name)
    chosen = Backbone(
        name=name,
        title=f"{architecture} (timm)",
        library="timm",
        architecture=architecture,
        source_task="Naming the object in a colour photograph" if facts.get("num_classes") == 1000 else "",
        source_data=", ".join(facts["tags"]) if facts.get("tags") else str(facts.get("tag") or "as its weights say"),
        source_result="not stated",
        licence=str(facts.get("license") or "not stated by timm"),
        input_size=max(224, int(facts["input_size"][-1])),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        features=0,
        parameters=sum(stage.parameters for stage in stages),
        stages=stages,
        weights=WeightPack(file="", sha256="", url=_url(facts)),
    )
    try:
        network = freeze(feature_network(model, chosen))
        features = sum(widths_of(network))
    except (RuntimeError, ValueError, KeyError, AssertionError, StopIteration) as error:
        raise _refused(name) from error
    chosen = replace(chosen, features=features)
    try:
        cut(network, chosen, max(1, len(stages) - 2))
    except (CannotCut, RuntimeError, KeyError) as error:
        raise _refused(name) from error
    return chosen


def _stages(model: torch.nn.Module, name: str) -> tuple[Stage, ...]:
    """Runs of modules, each ending where timm says that a level of features ends."""
    try:
        ends = [info["module"] for info in model.feature_info]  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError) as error:
        raise _refused(name) from error
    last = getattr(model, "pretrained_cfg", {}).get("classifier")
    heads = {last} if isinstance(last, str) else set(last or ())
    units: list[str] = []
    for child, module in model.named_children():
        if child in HEADS or child in heads:
            continue
        inside = [f"{child}.{each}" for each, _ in module.named_children()]
        units += inside if any(end in inside for end in ends) else [child]
    runs: list[list[str]] = [[]]
    for unit in units:
        runs[-1].append(unit)
        if unit in ends:
            runs.append([])
    runs = [run for run in runs if run]
    if len(runs) < 2 or not set(ends) <= set(units):
        raise _refused(name)

    def parameters(run: list[str]) -> int:
        return sum(p.numel() for unit in run for p in model.get_submodule(unit).parameters())

    return tuple(Stage(f"Stage {number}", tuple(run), parameters(run)) for number, run in enumerate(runs, start=1))


def _refused(name: str) -> NotACnn:
    return NotACnn(f"{name} cannot be cut into stages of convolutions", todo="Choose a CNN, such as timm:resnet26.")


def _url(facts: dict[str, Any]) -> str:
    if facts.get("hf_hub_id"):
        return f"{HUB}/{facts['hf_hub_id']}/resolve/main/model.safetensors"
    return str(facts.get("url") or "")
