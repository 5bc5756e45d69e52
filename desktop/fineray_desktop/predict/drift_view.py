"""New images beside those that the run learned from."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from fineray.prediction.results import Drift, DriftLine
from fineray_desktop.widgets.basics import label, set_role

COLUMNS = ("", "Training", "New (95 %)", "Apart", "p")
TIPS = (
    "",
    "Share of the images that the run learned from",
    "Share of the new images, with its 95 % interval",
    "Half the summed difference of shares, or the largest distance of the two distributions: 0 alike, 1 wholly unlike",
    "How seldom chance alone would do as much, were the images of the same kind",
)


class DriftView(QWidget):
    """One line a comparison, with its shares below it."""

    def __init__(self) -> None:
        super().__init__()
        self.summary = label(wrap=True)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("New images beside the training images")
        self.tree.setColumnCount(len(COLUMNS))
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.setAlternatingRowColors(True)
        self.tree.setRootIsDecorated(True)
        for number, tip in enumerate(TIPS):
            self.tree.headerItem().setToolTip(number, tip)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for number, width in ((1, 72), (2, 136), (3, 56), (4, 64)):
            self.tree.setColumnWidth(number, width)
        self.note = label(
            "Attributes by a chi-squared test, distances and scores by Kolmogorov and Smirnov's, images counted as"
            " independent. A line stands out if it is sure beside all the others (0.01 over all of them) and its"
            " difference is 0.1 or more.",
            "muted",
            wrap=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.summary)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.note)
        self.show_drift(None)

    def show_drift(self, drift: Drift | None) -> None:
        """Show this comparison, or say that there is none."""
        self.tree.clear()
        for part in (self.tree, self.note):
            part.setVisible(drift is not None)
        if drift is None:
            set_role(self.summary, "muted")
            self.summary.setText("Ten images or more can be compared with those that the run learned from.")
            return
        apart = [line.what for line in drift.lines if line.differs]
        set_role(self.summary, "warning" if apart else "good")
        told = f"unlike in: {', '.join(apart)}" if apart else "of the same kind, as far as these figures tell"
        self.summary.setText(f"{drift.images:,} new images and {drift.learned:,} training images are {told}.")
        for line in sorted(drift.lines, key=lambda each: (not each.differs, each.p)):
            self.tree.addTopLevelItem(_item(line))


def _item(line: DriftLine) -> QTreeWidgetItem:
    top = QTreeWidgetItem([line.what, "", "", f"{line.size:.2f}", "< 0.001" if line.p < 0.001 else f"{line.p:.3f}"])
    if line.differs:
        bold = QFont()
        bold.setBold(True)
        for column in range(len(COLUMNS)):
            top.setFont(column, bold)
    for share in line.shares:
        interval = f"{share.now:.0%} ({share.low:.0%} to {share.high:.0%})"
        QTreeWidgetItem(top, [share.value, f"{share.before:.0%}", interval])
    for item in (top, *(top.child(number) for number in range(top.childCount()))):
        for column in range(1, len(COLUMNS)):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return top
