"""Where unfinished work stands: what it is, with which settings, and how far it is kept.

`standing.json` lies beside the checkpoints, so that whoever opens the project is told and can go on by those settings.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fineray.progress import Progress
from fineray.project.project import Project
from fineray.system.durable import sync_file
from fineray.training.recipe import Recipe, RecipeUnusable

Kind = Literal["training", "controls", "learning curve"]
UNFINISHED = ".unfinished-"  # before the names of their folders
FILE = "standing.json"


@dataclass(frozen=True)
class Standing:
    """progress: the last that is kept, None where nothing is yet; seconds: of work, over all starts; paused: it was
    stopped in order, and not by a fault, a kill or a power cut."""

    kind: Kind
    recipe: Recipe
    split_hash: str
    progress: Progress | None = None
    seconds: float = 0.0
    paused: bool = False

    def save(self, folder: Path) -> None:
        """Write it in one step."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {**asdict(self), "recipe": json.loads(self.recipe.to_json())}
        partial = folder / f".{FILE}.partial"
        partial.write_text(json.dumps({"format": 1, **facts}, indent=2), "utf-8")
        sync_file(partial)
        partial.replace(folder / FILE)

    @staticmethod
    def load(folder: Path) -> Standing | None:
        """What save() wrote, or None where nothing can be read."""
        try:
            facts: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
            if facts.pop("format") != 1:
                return None
            recipe = Recipe.from_json(json.dumps(facts.pop("recipe")))
            progress = facts.pop("progress")
            return Standing(recipe=recipe, progress=Progress(**progress) if progress else None, **facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecipeUnusable):
            return None

    def in_words(self) -> str:
        """Paused in fold 2 of 5, at step 12 of 180: 43 minutes of work are kept."""
        how = "Paused" if self.paused else "Interrupted"
        what = "" if self.kind == "training" else f" among the {self.kind}"
        return f"{how}{what} {self._place()}: {in_time(self.seconds)} of work {_are(self.seconds)} kept."

    def _place(self) -> str:
        at = self.progress
        if at is None:
            return "at the start"
        if not at.fit:
            count = f" ({at.done:,} of {at.total:,} {at.unit})" if at.total else ""
            return f"while {at.stage[0].lower()}{at.stage[1:]}{count}"
        each = at.total // at.fits
        step = f"at step {at.done - (at.fit - 1) * each:,} of {each:,}" if at.unit == "steps" else ""
        if at.fits == 1:
            return step or "while the head was fitted"
        fold = f"in fold {at.fit} of {at.fits - 1}" if at.fit < at.fits else "in the final model"
        return f"{fold}, {step}" if step else fold


@dataclass(frozen=True)
class LeftOff:
    """Unfinished work of a project, in its folder."""

    folder: Path
    standing: Standing


def left_off(project: Project) -> list[LeftOff]:
    """The trainings and controls that can go on, the latest first."""
    return sorted(_found(project), key=lambda each: -(each.folder / FILE).stat().st_mtime)


def forgotten(left: LeftOff, project: Project) -> list[LeftOff]:
    """Give up what is kept of one; the others."""
    shutil.rmtree(left.folder, ignore_errors=True)
    return left_off(project)


def _found(project: Project) -> Iterator[LeftOff]:
    for folder in project.runs_folder.glob(f"{UNFINISHED}*"):
        standing = Standing.load(folder)
        if standing is not None and standing.kind != "learning curve":
            yield LeftOff(folder, standing)


def in_time(seconds: float) -> str:
    """A span of work: 38 seconds, 1 minute, 43 minutes, 2 hours 5 minutes."""
    if seconds < 60:
        return _many(int(seconds), "second")
    if seconds < 3600:
        return _many(int(seconds // 60), "minute")
    rest = int(seconds % 3600 // 60)
    return _many(int(seconds // 3600), "hour") + (f" {_many(rest, 'minute')}" if rest else "")


def _many(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _are(seconds: float) -> str:
    return "is" if in_time(seconds) in ("1 second", "1 minute", "1 hour") else "are"
