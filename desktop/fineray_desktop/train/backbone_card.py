"""What a backbone knows: source task and data, result, licence, weights, and its stages."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QGridLayout, QVBoxLayout

from fineray.backbones.catalogue import Backbone, weights_file
from fineray_desktop.widgets.basics import label


class BackboneCard(QFrame):
    """Facts of one backbone, and which of its stages learn."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._facts = QFormLayout()
        self._facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._facts.setHorizontalSpacing(14)
        self._stages = QGridLayout()
        self._stages.setVerticalSpacing(3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("About the backbone", "heading"))
        layout.addLayout(self._facts)
        layout.addWidget(label("Stages", "heading"))
        layout.addLayout(self._stages)

    def show_backbone(self, chosen: Backbone) -> None:
        """Its facts."""
        while self._facts.rowCount():
            self._facts.removeRow(0)
        installed = weights_file(chosen) is not None
        weights = f"on this computer (SHA-256 {chosen.weights.sha256[:8]}…)" if installed else "not on this computer"
        for name, value in (
            ("Trained for", chosen.source_task),
            ("Trained on", chosen.source_data),
            ("Result there", chosen.source_result),
            ("Input", f"{chosen.input_size} × {chosen.input_size} pixels, whole image with a black border"),
            ("Parameters", f"{chosen.parameters:,}"),
            ("Licence", chosen.licence),
            ("Weights", weights),
        ):
            shown = label(value, "" if installed or name != "Weights" else "warning", wrap=True)
            self._facts.addRow(label(name, "muted"), shown)

    def show_stages(self, chosen: Backbone, frozen: int, classes: int) -> None:
        """Its stages, the first `frozen` of them frozen, and the new last layer for so many classes."""
        while (item := self._stages.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        lines = [
            (stage.name, f"{stage.parameters:,}", *(("frozen", "muted") if number < frozen else ("learns", "good")))
            for number, stage in enumerate(chosen.stages)
        ]
        weights = f"{(chosen.features + 1) * classes:,}" if classes else ""
        lines.append(("New last layer", weights, "learns", "good"))
        for line, (name, parameters, state, role) in enumerate(lines):
            self._stages.addWidget(label(name), line, 0)
            number = label(parameters, "muted", tip="Parameters")
            number.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._stages.addWidget(number, line, 1)
            self._stages.addWidget(label(state, role), line, 2)
        self._stages.setColumnStretch(0, 1)
        self._stages.setHorizontalSpacing(16)
