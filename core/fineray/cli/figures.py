"""The figures of a run, as an answer and in words; several groups of commands end in them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fineray import RESEARCH_USE
from fineray.cli.running import Answer, Reply
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import with_interval
from fineray.project.project import open_project
from fineray.project.runs import run


def figures_of(root: Path, name: str, seconds: float | None = None) -> Answer:
    """Worked out anew from the run's predictions. seconds: that the command took, else what the training took."""
    from fineray.evaluation.metrics import evaluate

    with open_project(root) as project:
        folder = run(project, name)
        recipe = folder.recipe()
        found = evaluate(folder.predictions(), resamples=recipe["bootstrap"], seed=recipe["seed"])
        stored, frozen, test = folder.metrics(), folder.frozen(), folder.test()
    return {
        "run": name,
        "auc": found.auc.value,
        "accuracy": found.accuracy.value,
        "confusion_matrix": found.confusion,
        "classes": found.classes,
        "seconds": round(stored.seconds["total"] if seconds is None else seconds, 3),
        "intervals": {"auc": asdict(found.auc), "accuracy": asdict(found.accuracy)},
        "per_class": [asdict(each) for each in found.per_class],
        **({"findings": {name: asdict(each) for name, each in found.findings.items()}} if found.multilabel else {}),
        "images": found.images,
        "patients": found.patients,
        "out_of_sample": True,
        "split": asdict(stored.split),
        **({"frozen": frozen.to_json()} if frozen else {}),
        **({"test": test.to_json()} if test else {}),
    }


def with_figures(answer: Answer, *more: str) -> Reply:
    """A reply that ends in the figures of a run; answer: what figures_of() gives, and whatever stands beside it; more:
    lines that follow the figures."""
    return Reply(answer, in_words(answer, *more))


def in_words(answer: Answer, *more: str) -> str:
    """The figures for a person."""
    lines = [f"run: {answer['run']}" + (f" in {answer['project']}" if "project" in answer else "")]
    for name in ("auc", "accuracy"):
        interval = answer["intervals"][name]
        lines.append(f"{name}: {with_interval(Estimate(**interval))}, {interval['method']}")
    lines.append(f"images: {answer['images']} of {answer['patients']} patients, each predicted out of sample")
    width = max(len(name) for name in answer["classes"])
    for name, finding in answer.get("findings", {}).items():
        showing = finding["per_class"][1]["figures"]["positives"]
        lines.append(f"  {name:<{width}} AUC {with_interval(Estimate(**finding['auc']))}, {showing} images show it")
    if answer["confusion_matrix"]:
        lines.append("confusion matrix, rows true, columns most probable as " + ", ".join(answer["classes"]) + ":")
        for name, row in zip(answer["classes"], answer["confusion_matrix"], strict=True):
            lines.append(f"  {name:<{width}} " + " ".join(f"{count:>6}" for count in row))
    lines += more
    if test := answer.get("test"):
        lines.append(
            f"sealed test set, opening {test['opening']}: AUC {test['auc']['value']:.3f}, {test['images']} images"
        )
    return "\n".join([*lines, RESEARCH_USE])
