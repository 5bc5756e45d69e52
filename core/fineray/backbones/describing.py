"""Describing a timm CNN by its name: stages, features, normalisation, as the manifest describes the others."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

import timm
import torch

from fineray.backbones.catalogue import (
    TIMM,
    Backbone,
    Stage,
    WeightPack,
)
from fineray.backbones.cutting import cut
from fineray.backbones.layout import NotACnn, refused
from fineray.backbones.surgery import feature_network, freeze, widths_of
from fineray.errors import device_error

HUB = "https://huggingface.co"
HEADS = {"global_pool", "avgpool", "head", "head_drop", "fc", "classifier", "flatten"}


def describe(name: str) -> Backbone:
    """`timm:NAME` as a backbone whose weights are still to be added. Raises NotACnn."""
    architecture = name.removeprefix(TIMM)
    model = _built(architecture)
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
        chosen = replace(chosen, features=sum(widths_of(network)))
        cut(network, chosen, max(1, len(stages) - 2))
    except NotACnn:
        raise
    except Exception as error:  # a foreign network, which was not written to be taken apart
        raise device_error(error) or _not_in_stages(name, model) from error
    return chosen


def _built(architecture: str) -> torch.nn.Module:
    known, (plain, _, tag) = timm.list_models(), architecture.partition(".")
    if plain not in known:
        raise _unknown(f"timm has no network named “{plain}”", plain, known)
    weights = timm.list_pretrained(f"{plain}.*")
    if tag and architecture not in weights:
        raise _unknown(f"timm knows no weights “{tag}” of {plain}", architecture, weights)
    try:
        model: torch.nn.Module = timm.create_model(architecture, pretrained=False)
    except Exception as error:  # some need a package of their own, or a size that they do not name
        raise device_error(error) or refused(f"{TIMM}{architecture}", f"cannot be built ({error})") from error
    return model


def _unknown(what: str, asked: str, known: list[str]) -> NotACnn:
    near = difflib.get_close_matches(asked, known, 5, 0.5)
    listed = ", ".join(f"{TIMM}{each}" for each in near)
    return NotACnn(what, todo=f"Did you mean {listed}?" if listed else f"Name a CNN of timm, such as {TIMM}resnet26.")


def _stages(model: torch.nn.Module, name: str) -> tuple[Stage, ...]:
    """Runs of modules, each ending where timm says that a level of features ends."""
    try:
        ends = [info["module"] for info in model.feature_info]  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError) as error:
        raise _not_in_stages(name, model) from error
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
        raise _not_in_stages(name, model)

    def parameters(run: list[str]) -> int:
        return sum(p.numel() for unit in run for p in model.get_submodule(unit).parameters())

    return tuple(Stage(f"Stage {number}", tuple(run), parameters(run)) for number, run in enumerate(runs, start=1))


def _not_in_stages(name: str, model: torch.nn.Module) -> NotACnn:
    parameters = sum(each.numel() for each in model.parameters())
    return refused(name, "cannot be cut into stages of convolutions", parameters)


def _url(facts: dict[str, Any]) -> str:
    if facts.get("hf_hub_id"):
        return f"{HUB}/{facts['hf_hub_id']}/resolve/main/model.safetensors"
    return str(facts.get("url") or "")
