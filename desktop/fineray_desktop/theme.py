"""One visual language, light and dark. Reading rooms are dark; Qt's own dark palette is incomplete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb. The two series colours are told apart with any colour vision (Okabe and Ito 2008)."""

    dark: bool
    window: str
    surface: str
    raised: str
    text: str
    muted: str
    border: str
    accent: str
    accent_text: str
    selection: str
    warning: str
    error: str
    error_surface: str
    good: str


LIGHT = Theme(
    dark=False,
    window="#f3f5f8",
    surface="#ffffff",
    raised="#e9edf2",
    text="#18212c",
    muted="#566373",
    border="#d3dae2",
    accent="#0b63a8",
    accent_text="#ffffff",
    selection="#d5e6f5",
    warning="#8a5a00",
    error="#a3261b",
    error_surface="#fdecea",
    good="#1b6e4b",
)
DARK = Theme(
    dark=True,
    window="#12161b",
    surface="#1a2027",
    raised="#252d36",
    text="#e5eaf0",
    muted="#9cabbb",
    border="#323c47",
    accent="#56b4e9",
    accent_text="#08121b",
    selection="#1f4661",
    warning="#e8b04b",
    error="#ff9d92",
    error_surface="#3a1f1d",
    good="#6fcf9f",
)


def current_theme() -> Theme:
    """The theme that the application wears now."""
    return DARK if QApplication.palette().window().color().lightness() < 128 else LIGHT


def wanted_theme(choice: str) -> Theme:
    """The theme for a choice of `light`, `dark` or `system`."""
    if choice == "system":
        scheme = QApplication.styleHints().colorScheme()
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Dress the application: Fusion, an explicit palette, the style sheet."""
    app.setStyle("Fusion")
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.window,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.surface,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.error,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Mid: theme.border,
        QPalette.ColorRole.Dark: theme.border,
        QPalette.ColorRole.Light: theme.raised,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    app.setPalette(palette)
    folder = resources.files("fineray_resources")
    sheet = folder.joinpath("style.qss").read_text("utf-8")
    app.setStyleSheet(Template(sheet).substitute(asdict(theme), icons=Path(str(folder.joinpath("icons"))).as_posix()))
