"""What tells the sides of a split apart: chance, the date, or the values of an attribute."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from fineray.project.attributes import DATE, LABELS, attribute_values
from fineray_desktop.loading import Loading
from fineray_desktop.session import Session
from fineray_desktop.widgets.eliding import ChoiceBox

APART = ("site_hash", "station_hash", "manufacturer", "model")
MOST_VALUES = 60


class ApartBy(QWidget):
    """A chooser of the attribute and, below it, of the values that go to the test side."""

    def __init__(self, session: Session, chance: str) -> None:
        super().__init__()
        self._session = session
        self._chance = chance
        self._loading = Loading(session.fail, self)
        self._names: list[str] = []
        self.box = ChoiceBox()
        self.box.setAccessibleName("Sides apart by")
        self.values = QListWidget()
        self.values.setAccessibleName("Values of the test side")
        self.values.setToolTip("Tick what is tested on; the rest is learned from")
        self.values.setFixedHeight(36)
        self.values.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.values.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.box)
        layout.addWidget(self.values)
        self.box.currentIndexChanged.connect(self._load)
        session.state_changed.connect(self.refresh)
        session.project_closed.connect(self._loading.forget)
        self.refresh()

    @property
    def by(self) -> str:
        """The attribute, empty for chance."""
        return str(self.box.currentData() or "")

    @property
    def test_values(self) -> tuple[str, ...]:
        """The values ticked."""
        items = [self.values.item(number) for number in range(self.values.count())]
        return tuple(
            str(item.data(Qt.ItemDataRole.UserRole)) for item in items if item.checkState() == Qt.CheckState.Checked
        )

    def refresh(self) -> None:
        """Offer what the project has."""
        state = self._session.state
        if state is None:
            return
        sets = [name for name in state.attributes if name.startswith(LABELS) and name != LABELS + state.label_set.name]
        names = ["", DATE, *APART, *sets]
        if names == self._names:
            return
        self._names = names
        chosen = self.by
        self.box.blockSignals(True)
        self.box.clear()
        for name in names:
            self.box.addItem(
                {"": self._chance, DATE: "Study date: test on patients seen last"}.get(name) or state.attributes[name],
                name,
            )
        self.box.setCurrentIndex(max(self.box.findData(chosen), 0))
        self.box.blockSignals(False)
        self._load()

    def show_values(self, wanted: bool) -> None:
        """Whether values are to be chosen at all (folds take each value in turn)."""
        self._wanted = wanted
        self.values.setVisible(wanted and self.by not in ("", DATE))

    _wanted = True

    def _load(self) -> None:
        project, by = self._session.project, self.by
        self.show_values(self._wanted)
        self.values.clear()
        if project is not None and by not in ("", DATE):
            self._loading.ask(project.root, lambda opened: attribute_values(opened, by), self._fill)

    def _fill(self, values: dict[int, str]) -> None:
        counted: dict[str, int] = {}
        for value in values.values():
            counted[value] = counted.get(value, 0) + 1
        for value, number in sorted(counted.items(), key=lambda each: -each[1])[:MOST_VALUES]:
            item = QListWidgetItem(f"{value} ({number:,})")
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setToolTip(item.text())
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.values.addItem(item)
        row = max(self.values.sizeHintForRow(0), 20)
        self.values.setFixedHeight(min(max(len(counted), 1), 4) * row + 16)
