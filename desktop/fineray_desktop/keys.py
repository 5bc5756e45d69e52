"""The keys of the window and what each does: tooltips, Help > Keys and the tests read the same lines."""

from __future__ import annotations

from collections.abc import Sequence

Key = tuple[str, str]  # as it is written, what it does

MAIN_WINDOW: tuple[Key, ...] = (
    ("Ctrl+1 to Ctrl+5", "the pages, from Import to Predict"),
    ("Ctrl+Z", "take the last change back; in a field with edits, the last edit first"),
    ("Ctrl+N", "new project"),
    ("Ctrl+O", "open a project"),
    ("Ctrl+Q", "quit"),
    ("F1", "this list"),
)
ANYWHERE: tuple[Key, ...] = (
    ("Tab, Shift+Tab", "to the next or previous part"),
    ("Enter or Space", "press the button with the focus"),
    ("Esc", "close a dialog"),
)
CLASSES: Key = ("1 to 9", "the class of that number; of several findings, a step on: absent, present, doubtful")
UNCERTAIN: Key = ("U", "uncertain")
LABELLING: tuple[Key, ...] = (
    ("Delete", "take the label away"),
    ("X", "leave out"),
    ("B", "put back"),
    ("Enter", "look at it"),
    ("Ctrl+A", "select all"),
)
PRESETS_BY_NUMBER: Key = ("1 to 4", "windows")
STEPS: Key = ("← →", "previous and next")
IMAGE: tuple[Key, ...] = (
    ("I", "invert"),
    ("R", "reset"),
    ("F", "fit"),
    ("Z", "one to one"),
    ("T", "turn"),
    ("H", "mirror"),
    ("M", "magnifier"),
    ("L", "ruler"),
    ("W", "next window"),
    ("+ −", "zoom"),
)
MATRIX: tuple[Key, ...] = (
    ("↑ ↓ ← →", "to another cell"),
    ("Enter", "list the images of the cell"),
    ("Esc", "list all images"),
)
SUBGROUPS: tuple[Key, ...] = (("↑ ↓", "to another subgroup"), ("Enter", "look at the subgroup"))
DESK: tuple[Key, ...] = (("1 to 9", "save the reading of that number"), ("Enter", "next image"))

SECTIONS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    ("Main window", MAIN_WINDOW),
    ("Everywhere", ANYWHERE),
    ("Images on page Curate", (CLASSES, UNCERTAIN, *LABELLING)),
    ("An image, or the list beside it", (*IMAGE, PRESETS_BY_NUMBER, STEPS)),
    ("Confusion matrix", MATRIX),
    ("Subgroups", SUBGROUPS),
    ("Reader desk", DESK),
)


def in_a_line(keys: Sequence[Key]) -> str:
    """Keys as a tooltip says them."""
    return " · ".join(f"{key} {does}" for key, does in keys)
