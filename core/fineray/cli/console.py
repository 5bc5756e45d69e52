"""The command line's ear and voice: progress on standard error, answers in words."""

from __future__ import annotations

import sys
import time
from typing import Any

from fineray import RESEARCH_USE
from fineray.evaluation.operating_point import OperatingPoint
from fineray.progress import (
    FileResult,
    FoldDone,
    Loading,
    Monitor,
    Pace,
    Progress,
    Report,
    Resumed,
    Tried,
)


class ConsoleMonitor(Monitor):
    """Progress as lines on standard error."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._last = ("", 0.0)

    def report(self, what: Report) -> None:
        """Print what a person waiting wants to know, at most a line a second for each stage."""
        if isinstance(what, FileResult) and what.status == "failed":
            print(f"failed: {what.path}: {what.reason}", file=sys.stderr)
        elif isinstance(what, FoldDone) and what.auc is not None:
            print(f"fold {what.fold} of {what.folds}: AUC {what.auc:.3f} on {what.images} images", file=sys.stderr)
        elif isinstance(what, Tried):
            print(
                f"search in fold {what.fold}: {what.trials} trials, least log loss {what.log_loss:.3f}", file=sys.stderr
            )
        elif isinstance(what, Resumed):
            print(f"goes on from where it was kept; folds done before: {what.folds_done}", file=sys.stderr)
        elif isinstance(what, Loading):
            if what.library:
                print(f"Loading {what.library}", file=sys.stderr)
        elif isinstance(what, Progress):
            rate, left = self._pace.update(what)
            stage, printed = self._last
            finished = what.total > 0 and what.done == what.total
            if what.stage != stage or finished or time.monotonic() - printed > 1:
                self._last = (what.stage, time.monotonic())
                print(_progress_line(what, rate, left), file=sys.stderr)


def _progress_line(progress: Progress, rate: float | None, left: float | None) -> str:
    text = progress.stage
    if progress.unit:
        text += f": {progress.done}" + (f" of {progress.total}" if progress.total else "") + f" {progress.unit}"
    if rate is not None:
        text += f", {rate:.0f} a second"
    if left:
        text += f", {left:.0f} s left"
    return text


def in_words(answer: dict[str, Any]) -> str:
    if "codecs" in answer:
        lines = [f"decodes {each['transfer_syntax']} ({each['library']})" for each in answer["codecs"]]
        for kind in answer.get("kinds", []):
            told = [str(value or "-") for name, value in kind.items() if name not in ("images", "example")]
            lines.append(f"{kind['images']:>7} images: {', '.join(told)}")
        return "\n".join(lines)
    if "checks" in answer:
        return "\n".join("{severity:<8}{title} ({evidence})".format(**finding) for finding in answer["checks"])
    if "backbones" in answer:
        here = {True: "here", False: "not here"}
        lines = [f"{each['name']:<22} {here[each['installed']]:<9} {each['licence']}" for each in answer["backbones"]]
        return "\n".join([*lines, *(f"cannot be read: {path}" for path in answer["unreadable"])])
    if "ranking" in answer:
        return "\n".join([_ranked_line(each) for each in answer["ranking"]] + ["more is better in each figure"])
    if "controls" in answer:
        return "\n".join(_control_line(each) for each in answer["controls"])
    if "found" in answer:
        return "\n".join(f"{each['what']} ({each['how']})" for each in answer["found"])
    if "run" not in answer or "intervals" not in answer:
        lines = [f"{name}: {value}" for name, value in answer.items() if name != "drift" and value not in (None, "")]
        return "\n".join([*lines, *(_drift_line(each) for each in answer.get("drift", []) if each["differs"])])
    lines = [f"run: {answer['run']}" + (f" in {answer['project']}" if "project" in answer else "")]
    for name in ("auc", "accuracy"):
        interval = answer["intervals"][name]
        shown = (
            "undefined"
            if interval["value"] is None
            else "{value:.3f} (95 % {low:.3f} to {high:.3f})".format(**interval)
        )
        lines.append(f"{name}: {shown}, {interval['method']}")
    lines.append(f"images: {answer['images']} of {answer['patients']} patients, each predicted out of sample")
    width = max(len(name) for name in answer["classes"])
    for name, finding in answer.get("findings", {}).items():
        area = finding["auc"]
        shown = "undefined" if area["value"] is None else "{value:.3f} (95 % {low:.3f} to {high:.3f})".format(**area)
        lines.append(f"  {name:<{width}} AUC {shown}, {finding['per_class'][1]['images']} images show it")
    if not answer["confusion_matrix"]:
        return "\n".join([*lines, *_called_lines(answer), RESEARCH_USE])
    lines.append("confusion matrix, rows true, columns most probable as " + ", ".join(answer["classes"]) + ":")
    for name, row in zip(answer["classes"], answer["confusion_matrix"], strict=True):
        lines.append(f"  {name:<{width}} " + " ".join(f"{count:>6}" for count in row))
    lines += _called_lines(answer)
    if test := answer.get("test"):
        area, opened = test["auc"], test["opening"]
        lines.append(f"sealed test set, opening {opened}: AUC {area['value']:.3f}, {test['images']} images")
    return "\n".join([*lines, RESEARCH_USE])


def _called_lines(answer: dict[str, Any]) -> list[str]:
    """At which operating point the review calls, and which one the run has."""
    if "review" not in answer:
        return []
    judged, own = answer["review"], OperatingPoint.from_json(answer["point"])
    figures = judged["figures"]
    shown = ", ".join(f"{name} {_rate(figures[name])}" for name in ("sensitivity", "specificity"))
    asked = OperatingPoint.from_json(judged["point"])
    return [
        f"called: {asked.in_words()} “{judged['positive']}”: {shown}",
        f"the run's own operating point: {own.in_words(bool(answer.get('findings')))}",
    ]


def _rate(found: dict[str, Any]) -> str:
    return "undefined" if found["value"] is None else "{value:.3f} (95 % {low:.3f} to {high:.3f})".format(**found)


def _ranked_line(each: dict[str, Any]) -> str:
    area = "undefined" if each["auc"] is None else "{auc:.3f} (95 % {auc_low:.3f} to {auc_high:.3f})".format(**each)
    return "{title}: AUC {area}, LogME {logme:.3f}, H-score {h_score:.3f}, {seconds:.0f} s".format(area=area, **each)


def _drift_line(each: dict[str, Any]) -> str:
    return "unlike the training films: {what} (difference {size:.2f}, p {p:.1g})".format(**each)


def _control_line(each: dict[str, Any]) -> str:
    area = "undefined" if each["auc"] is None else "{auc:.3f} (95 % {low:.3f} to {high:.3f})".format(**each)
    warning = "" if each["sound"] else "; its interval should cover 0.5: look for copies across the split"
    return f"{each['what']}: AUC {area}, {each['run']}{warning}"
