"""A run's figures, each with its 95 % interval."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.widgets.basics import label

TIPS = {
    "Precision": "Of the images called this class, the share that truly is (positive predictive value)",
    "Sensitivity": "Of the images truly of this class, the share that is called so",
    "Specificity": "Of the images of other classes, the share that is not called this class",
    "F1": "The harmonic mean of precision and sensitivity",
    "AUC": "The chance that an image of this class scores higher than one of another class",
}


class Headline(QWidget):
    """AUC and accuracy, and what they rest on."""

    def __init__(self) -> None:
        super().__init__()
        self.auc, self.accuracy = label(role="figure"), label(role="figure")
        self._auc_range, self._accuracy_range = label(role="muted"), label(role="muted")
        self._basis = label(role="muted", wrap=True)
        pairs = QHBoxLayout()
        pairs.setSpacing(24)
        for name, tip, figure, interval in (
            ("AUC", "Area under the ROC curve: 0.5 is chance, 1 is perfect", self.auc, self._auc_range),
            (
                "Accuracy",
                "The share of images whose predicted class is the true one",
                self.accuracy,
                self._accuracy_range,
            ),
        ):
            column = QVBoxLayout()
            column.setSpacing(0)
            for part in (label(name, "muted", tip=tip), figure, interval):
                column.addWidget(part)
            pairs.addLayout(column)
        pairs.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(pairs)
        layout.addWidget(self._basis)

    def show_metrics(self, metrics: dict[str, Any]) -> None:
        """Fill in from metrics.json."""
        for figure, interval, estimate in (
            (self.auc, self._auc_range, metrics["auc"]),
            (self.accuracy, self._accuracy_range, metrics["accuracy"]),
        ):
            figure.setText(number(estimate["value"]))
            interval.setText(f"95 %: {span(estimate)}")
            interval.setToolTip(f"95 % interval by {estimate['method']}, n = {estimate['n']:,} images")
        split = metrics["split"]
        how = f"{split['folds']} folds by patient" if split["kind"] == "folds" else "test part, split by patient"
        if split.get("by"):
            how += f" and apart by {split['by'].removesuffix('_hash').replace('_', ' ')}"
        if "opening" in metrics:
            how = f"sealed test set, opening {metrics['opening']}"
            changed = metrics["labels_changed"]
            how += f", {changed} labels changed since it was sealed" if changed else ""
        counted = f"{metrics['images']:,} images of {metrics['patients']:,} patients"
        basis = f"{counted}, none of whom the model had seen ({how})."
        shared = " AUC is the mean over classes." if len(metrics["classes"]) > 2 else ""
        self._basis.setText(f"{basis}{shared} {metrics['backbone']['title']}, {metrics['device']}.")


class ClassFigures(QWidget):
    """Precision, sensitivity, specificity, F1 and AUC of each class."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(5)

    def show_metrics(self, metrics: dict[str, Any]) -> None:
        """Fill in from metrics.json: a block of lines a class."""
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        line = 0
        for entry in metrics["per_class"]:
            count = f"{entry['images']:,} images, {entry['patients']:,} patients"
            name = label(entry["name"], "heading")
            name.setWordWrap(True)
            self._grid.addWidget(name, line, 0, 1, 2)
            self._grid.addWidget(label(count, "muted"), line, 2, alignment=Qt.AlignmentFlag.AlignRight)
            for title, tip in TIPS.items():
                line += 1
                estimate = entry[title.lower()]
                how = f"95 % interval by {estimate['method']}, n = {estimate['n']:,} images"
                self._grid.addWidget(label(title, "muted", tip=tip), line, 0)
                self._grid.addWidget(label(number(estimate["value"]), tip=tip), line, 1)
                interval = label(span(estimate), "muted", tip=how)
                self._grid.addWidget(interval, line, 2, alignment=Qt.AlignmentFlag.AlignRight)
            line += 1
            self._grid.setRowMinimumHeight(line, 6)
            line += 1
        self._grid.setColumnStretch(1, 1)


def number(value: float | None) -> str:
    """Three decimals, or that the figure is not defined."""
    return "not defined" if value is None else f"{value:.3f}"


def span(estimate: dict[str, Any]) -> str:
    """An interval in words."""
    if estimate["low"] is None or estimate["high"] is None:
        return "not defined"
    return f"{estimate['low']:.3f} to {estimate['high']:.3f}"
