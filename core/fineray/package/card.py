"""The model card: what a person should know before using a model (Mitchell 2019)."""

from __future__ import annotations

from typing import Any

from fineray import RESEARCH_USE
from fineray.evaluation.operating_point import OperatingPoint
from fineray.evaluation.wording import with_interval
from fineray.prediction.training_set import TrainingSet
from fineray.project.runs import RunFolder

MOST_VALUES = 8


def model_card(facts: dict[str, Any], known: TrainingSet, folder: RunFolder) -> str:
    """In Markdown."""
    metrics = folder.metrics()
    lines = [
        f"# {facts['backbone']['title']} for {', '.join(facts['classes'])}",
        "",
        f"**{RESEARCH_USE}**",
        "",
        "## What it does",
        "",
        f"It gives each X-ray image a probability for {_listed(facts)}. {_how(facts)} "
        f"Backbone: {backbone_words(facts)}.",
        "",
        f"Operating point: {_point(facts)}",
        "",
        "## What it learned from",
        "",
        f"{known.images:,} images, labels “{facts['label_set']}”. Values that fewer than five patients had are"
        " counted as not stated.",
        "",
        "| attribute | images |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {_counts(counts)} |" for name, counts in known.attributes.items()),
        "",
        "## How good it was",
        "",
        f"On {facts['images']:,} images of {facts['patients']:,} patients that it had not learned from"
        f" ({'folds' if metrics.split.kind == 'folds' else 'a part held out'}, by patient):",
        "",
        "| figure | value (95 % interval) |",
        "|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {with_interval(getattr(metrics.figures, name))} |"
            for name in ("auc", "accuracy", "balanced_accuracy", "mcc")
        ),
        *(f"| AUC of {name} | {with_interval(found.auc)} |" for name, found in metrics.figures.findings.items()),
        *(
            f"| {each.name}: sensitivity, specificity | {with_interval(each.figures.sensitivity)}, "
            f"{with_interval(each.figures.specificity)} |"
            for each in metrics.figures.per_class
        ),
        "",
        "These figures hold for images like those above. Elsewhere, judge it on images of your own with labels first.",
        "",
        "## What it does not do",
        "",
        "It is no diagnosis and no medical device. It was not tried on other hospitals' images unless this card says"
        " so; it flags images unlike those it learned from, but not every one of them. Age, sex and device may carry"
        " over into its scores; look at the subgroups.",
        "",
    ]
    return "\n".join(lines)


def backbone_words(facts: dict[str, Any]) -> str:
    """What the model began from, as far as that is known."""
    network = facts["backbone"]
    if facts["mode"] == "scratch":
        return f"{network['title']}, from random weights"
    if not network["source_task"]:
        return f"{network['title']}, pretrained; what for is not recorded"
    return (
        f"{network['title']}, pretrained for: {network['source_task'].lower()} (licence of its weights:"
        f" {network['licence']})"
    )


def _listed(facts: dict[str, Any]) -> str:
    names = ", ".join(f"“{name}”" for name in facts["classes"])
    return f"each of {names}, which may stand side by side" if facts["multilabel"] else f"one of {names}"


def _how(facts: dict[str, Any]) -> str:
    ways = {
        "frozen": "A new last layer was fitted to the frozen backbone.",
        "finetune": "Later stages of the backbone were tuned too.",
        "scratch": "The whole network learned from random weights.",
    }
    return ways[facts["mode"]]


def _point(facts: dict[str, Any]) -> str:
    point, band = facts["point"], facts["abstain"]
    said = f" Between {band[0]:g} and {band[1]:g} it says nothing." if band else ""
    return OperatingPoint.from_json(point).in_words(facts["multilabel"]) + said


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{value} {number:,}" for value, number in list(counts.items())[:MOST_VALUES]]
    return ", ".join(shown) + (", …" if len(counts) > MOST_VALUES else "")
