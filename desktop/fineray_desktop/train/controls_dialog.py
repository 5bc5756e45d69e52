"""Controls: a recipe beside the same split, seed and budget without its parts."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from fineray.training.results import Control
from fineray_desktop.widgets.basics import label, open_at
from fineray_desktop.widgets.small_table import SmallTable

ABOUT = (
    "The same images, split, seed and budget. What transfer is worth is the way from scratch to unfrozen; what tuning "
    "adds is the way from frozen to unfrozen. Shuffled labels teach nothing: their interval has to cover 0.5."
)
SOUND = "Shuffled labels gave nothing away, as it should be."
UNSOUND = (
    "Shuffled labels gave an AUC whose interval does not cover 0.5. By chance this happens once in twenty times; run "
    "the controls again with another seed, and if it stays look for copies of images across the split (Curate, Checks)."
)
NAMES = {
    "frozen": "Frozen: the last layer alone",
    "unfrozen": "Unfrozen: every stage, from the pretrained weights",
    "from scratch": "From scratch: every stage, from random weights",
    "shuffled labels": "Shuffled labels",
}


class ControlsDialog(QDialog):
    """Shows the four runs."""

    def __init__(self, controls: tuple[Control, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Controls")
        open_at(self, 680, 330)
        self.table = SmallTable("Controls", ("What learned", "AUC", "95 % interval", "Run"))
        rows = []
        for each in controls:
            auc = "not defined" if each.auc is None else f"{each.auc:.3f}"
            interval = "" if each.low is None or each.high is None else f"{each.low:.3f} to {each.high:.3f}"
            rows.append((NAMES[each.what], auc, interval, each.run))
        self.table.show_rows(rows, [each.run for each in controls])
        sound = all(each.sound for each in controls)
        self.verdict = label(SOUND if sound else UNSOUND, "good" if sound else "warning", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(label(ABOUT, "muted", wrap=True))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.verdict)
        layout.addWidget(buttons)
