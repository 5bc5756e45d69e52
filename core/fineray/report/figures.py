"""The report's figures, by matplotlib: one look, told apart with any colour vision and in print."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fineray.evaluation.calibration import Calibration
from fineray.evaluation.curves import Curve, Curves
from fineray.evaluation.subgroups import AttributeSubgroups

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#7a8794"  # Okabe and Ito (2008)
WIDTH, HEIGHT = 4.4, 3.4  # inches
WIDEST = 48  # letters of a line beside the flow


def curve_figures(found: Curves, calibrated: Calibration | None, positive: str) -> dict[str, tuple[str, Figure, str]]:
    """Name -> (title, figure, what it shows)."""
    figures = {
        "roc": (
            "ROC curve",
            _line(found.roc, "1 − specificity", "Sensitivity", diagonal=True),
            f"Sensitivity against 1 minus specificity for {positive}, with a pointwise 95 % band",
        ),
        "precision-recall": (
            "Precision-recall curve",
            _line(found.precision_recall, "Sensitivity (recall)", "PPV (precision)", level=found.prevalence),
            f"Positive predictive value against sensitivity for {positive}; the dotted line is the prevalence",
        ),
        "histogram": (
            "Scores by class",
            _histogram(found, positive),
            f"How many images have which score for {positive}",
        ),
        "decision": (
            "Decision curve",
            _decision(found),
            "Net benefit against the threshold, beside treating all and treating none",
        ),
    }
    if calibrated is not None:
        figures["calibration"] = (
            "Calibration",
            _calibration(calibrated),
            "Observed share against predicted probability; on the dotted diagonal probabilities mean what they say",
        )
    return figures


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    """Counts with row percentages."""
    side = max(2.6, 1.0 + 0.85 * len(classes))
    figure, axes = _axes(side + 0.8, side)
    table = np.array(counts, dtype=float)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    for row in range(len(classes)):
        for column in range(len(classes)):
            dark = shares[row, column] > 0.55
            text = f"{int(table[row, column]):,}\n{shares[row, column]:.0%}"
            axes.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", color="white" if dark else "black", fontsize=9
            )
    middles = np.arange(len(classes)) + 0.5
    axes.set_xticks(middles, [_short(name) for name in classes], rotation=20 if len(classes) > 3 else 0)
    axes.set_yticks(middles, [_short(name) for name in classes])
    axes.set_xlabel("Predicted")
    axes.set_ylabel("True")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def forest(splits: Sequence[AttributeSubgroups], overall: float | None) -> Figure:
    """The AUC of each subgroup with its interval; grey where a subgroup is small."""
    lines: list[tuple[str, float | None, float | None, float | None, bool | None]] = []
    for split in splits:
        lines.append((split.title, None, None, None, None))
        lines += [
            (
                f"{_short(each.value, 26)}  (n = {each.images:,})",
                each.auc.value,
                each.auc.low,
                each.auc.high,
                each.small,
            )
            for each in split.subgroups
        ]
    figure, axes = _axes(6.4, max(1.6, 0.5 + 0.2 * len(lines)))
    for number, (_, value, low, high, small) in enumerate(lines):
        if value is not None and low is not None and high is not None:
            colour = GREY if small else BLUE
            axes.plot([low, high], [number, number], color=colour, linewidth=1.4)
            axes.plot(value, number, "o", color=colour, markersize=4, markerfacecolor="white" if small else colour)
    if overall is not None:
        axes.axvline(overall, color=ORANGE, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(lines)), [text for text, *_ in lines], fontsize=7.5)
    for label, (_, value, *_rest) in zip(axes.get_yticklabels(), lines, strict=True):
        if value is None and _rest[-1] is None:
            label.set_fontweight("bold")
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("AUC with 95 % interval")
    axes.tick_params(axis="y", length=0)
    return figure


def flow(steps: Sequence[tuple[str, str]]) -> Figure:
    """What became of the files: boxes from top to bottom, (what is left, what went out at this step)."""
    figure = Figure(figsize=(6.4, 0.86 * len(steps)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(0, 10)
    axes.set_ylim(-len(steps) + 0.45, 0.55)
    for number, (kept, out) in enumerate(steps):
        frame = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": BLUE}
        axes.text(2.6, -number, kept, ha="center", va="center", fontsize=8.5, bbox=frame)
        if number + 1 < len(steps):
            arrow = {"arrowstyle": "->", "color": GREY}
            axes.annotate("", (2.6, -number - 0.72), (2.6, -number - 0.28), arrowprops=arrow)
        if out:
            axes.annotate(
                "", (5.6, -number + 0.5), (2.6, -number + 0.5), arrowprops={"arrowstyle": "->", "color": GREY}
            )
            frame = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": GREY}
            axes.text(5.75, -number + 0.5, fill(out, WIDEST), ha="left", va="center", fontsize=7.5, bbox=frame)
    return figure


def _axes(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors="black", labelsize=8, color=GREY)
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)
    return figure, axes


def _band(axes: Axes, line: Curve, name: str = "") -> None:
    if line.low:
        axes.fill_between(line.x, line.low, line.high, color=BLUE, alpha=0.16, linewidth=0)
    axes.plot(line.x, line.y, color=BLUE, linewidth=1.6, label=name)


def _line(line: Curve, x: str, y: str, *, diagonal: bool = False, level: float | None = None) -> Figure:
    figure, axes = _axes()
    _band(axes, line)
    if diagonal:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    if level is not None:
        axes.axhline(level, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure


def _calibration(found: Calibration) -> Figure:
    figure, axes = _axes()
    _band(axes, found.curve)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for each in found.bins:
        share = each.observed
        if share.value is not None and share.low is not None and share.high is not None:
            axes.plot([each.mean, each.mean], [share.low, share.high], color=ORANGE, linewidth=1)
            axes.plot(each.mean, share.value, "o", color=ORANGE, markersize=3.5)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel("Predicted probability")
    axes.set_ylabel("Observed share")
    return figure


def _decision(found: Curves) -> Figure:
    figure, axes = _axes()
    _band(axes, found.net_benefit, "This model")
    axes.plot(found.treat_all.x, found.treat_all.y, color=ORANGE, linewidth=1.1, linestyle="--", label="Treat all")
    axes.axhline(0, color=GREY, linewidth=0.9, label="Treat none")
    axes.set_xlim(0, 1)
    axes.set_ylim(min(-0.05, min(found.net_benefit.y)), max(found.prevalence * 1.15, 0.05))
    axes.set_xlabel("Threshold")
    axes.set_ylabel("Net benefit")
    axes.legend(frameon=False, fontsize=7.5)
    return figure


def _histogram(found: Curves, positive: str) -> Figure:
    figure, axes = _axes()
    edges = np.array(found.histogram.edges)
    width = edges[1] - edges[0]
    axes.bar(edges[:-1] + width / 2, found.histogram.negative, width * 0.92, color=GREEN, alpha=0.75, label="others")
    below = [-count for count in found.histogram.positive]
    axes.bar(edges[:-1] + width / 2, below, width * 0.92, color=BLUE, alpha=0.85, label=_short(positive))
    axes.axhline(0, color="black", linewidth=0.6)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"Score for {_short(positive)}")
    axes.set_ylabel("Images")
    axes.legend(frameon=False, fontsize=7.5)
    return figure


def _short(text: str, most: int = 16) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
