"""The DICOM doctor: what kinds of files came, how one of each looks before and after, and whether decoders work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from fineray.dicom.shades import shades_8bit
from fineray.engine.requests.project import CheckCodecs, ReadImage
from fineray.project.files.file_kinds import FileKind, file_kinds
from fineray.project.shown_image import ShownImage
from fineray_desktop.engine_client import Job
from fineray_desktop.loading import Loading
from fineray_desktop.models.file_kinds_model import FileKindsModel
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row
from fineray_desktop.widgets.tables import set_widths, table_view

SIDE = 124


class DoctorPanel(QWidget):
    """A table of kinds; below it the chosen kind's example, and the self-test of the decoders."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reading: Job | None = None
        self._loading = Loading(session.fail, self)
        session.project_closed.connect(self._loading.forget)
        self.table = FileKindsModel(self)
        self.view = table_view(self.table, "Kinds of files")
        self.before, self.after = QLabel(), QLabel()
        self.test_button = button("Test the decoders", tip="Decodes a small built-in picture of every transfer syntax")
        self.result = label(role="muted", wrap=True)
        pictures = QHBoxLayout()
        pictures.setSpacing(14)
        self.before.setToolTip("The stored values as they stand")
        self.after.setToolTip("Modality LUT, window and polarity applied")
        for picture, text in (
            (self.before, "As stored"),
            (self.after, "As Fineray reads it"),
        ):
            picture.setFixedSize(SIDE, SIDE)
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
            picture.setStyleSheet("background: #000000;")
            column = QVBoxLayout()
            column.addWidget(picture)
            column.addWidget(label(text, "muted"))
            pictures.addLayout(column)
        side = QVBoxLayout()
        side.addLayout(row(self.test_button, None))
        side.addWidget(self.result)
        side.addStretch(1)
        pictures.addLayout(side, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.view, 1)
        layout.addLayout(pictures)
        set_widths(self.view, (110, 70, 230, 110, 46, 100, 80, 90, 120))
        self.view.horizontalHeader().setStretchLastSection(True)
        self.view.selectionModel().currentRowChanged.connect(self._chosen)
        self.test_button.clicked.connect(self.test_codecs)

    def refresh(self) -> None:
        """Show the open project's kinds."""
        project = self._session.project
        if project is not None:
            self._loading.ask(project.root, file_kinds, self._fill)

    def _fill(self, kinds: list[FileKind]) -> None:
        self.table.set_rows(kinds)
        if self.table.rowCount():
            self.view.selectRow(0)

    def test_codecs(self) -> None:
        """Decode the built-in pictures in the worker process."""
        self.result.setText("Testing …")
        job = self._session.reader.start(CheckCodecs())
        job.finished.connect(self._tested)
        job.failed.connect(lambda failed: self.result.setText(f"{failed.what}. {failed.todo}"))

    def _tested(self, results: tuple[object, ...]) -> None:
        broken = [each for each in results if each.problem]  # type: ignore[attr-defined]
        if broken:
            names = "; ".join(f"{each.transfer_syntax}: {each.problem}" for each in broken)  # type: ignore[attr-defined]
            self.result.setText(f"{len(broken)} of {len(results)} transfer syntaxes cannot be read here: {names}")
        else:
            self.result.setText(f"All {len(results)} compressed transfer syntaxes come out right on this computer.")

    def _chosen(self, current: QModelIndex) -> None:
        project = self._session.project
        if project is None or not current.isValid():
            return
        if self._reading is not None:
            self._reading.cancel()
        job = self._session.reader.start(ReadImage(project.root, self.table.example(current.row())))
        self._reading = job
        job.finished.connect(lambda shown: self._show(job, shown))

    def _show(self, job: Job, shown: ShownImage) -> None:
        if job is not self._reading:
            return
        self._reading = None
        values = shown.gray.values
        low, high = float(values.min()), float(values.max())
        raw = ((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
        self.before.setPixmap(_pixmap(raw))
        self.after.setPixmap(_pixmap(shades_8bit(shown.gray)))


def _pixmap(gray: NDArray[np.uint8]) -> QPixmap:
    rows, columns = gray.shape
    image = QImage(np.ascontiguousarray(gray).tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    small = image.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return QPixmap.fromImage(small)
