"""Page Predict: what is still to come."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.session import Session
from desktop.widgets.basics import card, label


class PredictPage(QWidget):
    """Says plainly that this page cannot do anything yet."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Predict", "title"))
        layout.addWidget(
            card(
                label("This version does not predict on new films yet.", "heading"),
                label(
                    "A later version will apply a trained run to new folders, flag films unlike those it learned from, "
                    "and write a table. Until then, Review shows how a run does on films it did not learn from.",
                    "muted",
                    wrap=True,
                ),
                margin=24,
            )
        )
        layout.addStretch(1)
