"""Greying what belongs to the choice before, while what belongs to this one is being worked out."""

from __future__ import annotations

from PySide6.QtWidgets import QGraphicsOpacityEffect, QWidget

OPACITY = 0.3


def fade(widget: QWidget, old: bool) -> None:
    """Grey a widget that shows what belongs to the choice before, or show it as it is; never one inside another."""
    if old == is_faded(widget):
        return
    effect = QGraphicsOpacityEffect(widget, opacity=OPACITY) if old else None
    widget.setGraphicsEffect(effect)  # type: ignore[arg-type]


def is_faded(widget: QWidget) -> bool:
    """Whether it shows what belongs to the choice before."""
    return isinstance(widget.graphicsEffect(), QGraphicsOpacityEffect)
