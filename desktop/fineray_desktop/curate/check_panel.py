"""Data checks: run them, read each finding, see its images, leave them out."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from fineray.checks.check_result import CheckResult, last_checks
from fineray.engine.requests.project import CheckData
from fineray.project.changes import leave_out
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row

ROLES = {"serious": "warning", "look": "", "fine": "muted"}


class CheckPanel(QFrame):
    """A card with the findings, the serious ones first."""

    show_images = Signal(object)  # tuple of image ids

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self.run_button = button("Check the data", tip="Copies, confounders, faulty images, doubtful labels")
        self.state = label(role="muted", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Data checks", "heading"))
        layout.addWidget(self.state)
        layout.addLayout(row(self.run_button, None))
        layout.addLayout(self._list)
        self.run_button.clicked.connect(self.run)
        session.busy_changed.connect(self._allow)
        session.state_changed.connect(self._allow)

    def refresh(self) -> None:
        """Show what the last checks found."""
        project = self._session.project
        if project is not None:
            self._allow()
            self._show(last_checks(project.root))

    def run(self) -> None:
        """Run all checks."""
        project = self._session.project
        if project is not None:
            self._session.run(CheckData(project.root), "Data checks", lambda found: self._session.data_changed.emit())

    def _allow(self) -> None:
        state = self._session.state
        self.run_button.setEnabled(state is not None and state.counts.labelled > 0 and self._session.may_change)

    def _show(self, findings: list[CheckResult]) -> None:
        while (item := self._list.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        open_ones = sum(finding.severity != "fine" for finding in findings)
        if not findings:
            self.state.setText("Not checked yet. Fineray looks for what would make the figures wrong.")
        else:
            fine = len(findings) - open_ones
            self.state.setText(f"{open_ones} finding{'s' * (open_ones != 1)} to look at, {fine} checks without any.")
        for finding in findings:
            self._list.addWidget(self._entry(finding))

    def _entry(self, finding: CheckResult) -> QWidget:
        entry = QWidget()
        lines = QVBoxLayout(entry)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(1)
        lines.addWidget(label(finding.title, ROLES[finding.severity], wrap=True))
        if finding.severity == "fine":
            entry.setToolTip(finding.evidence)
            return entry
        lines.addWidget(label(finding.evidence, "muted", wrap=True))
        if finding.images:
            number = len(finding.images)
            show = button(f"Show {number:,} image{'s' * (number > 1)}", "link")
            show.clicked.connect(lambda: self.show_images.emit(finding.images))
            buttons = [show]
            if finding.leave_out:
                tip = "They stay in the project but take no part in splits and training; Ctrl+Z takes it back"
                out = button("Leave out", "link", tip)
                out.clicked.connect(lambda: self._leave_out(finding))
                buttons.append(out)
            lines.addLayout(row(*buttons, None, spacing=14))
        return entry

    def _leave_out(self, finding: CheckResult) -> None:
        project = self._session.project
        if project is not None and self._session.may_change:
            leave_out(project, finding.images, finding.title)
            self._session.images_changed.emit(finding.images)
