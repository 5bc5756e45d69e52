"""Label sets: the columns of labels that a project keeps, one of them in use."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fineray.errors import nearest
from fineray.label_values import UNCERTAIN, Kind, LabelSetUnusable, check_class, classes_in, findings_of
from fineray.project.history import remember
from fineray.project.project import Project


@dataclass(frozen=True)
class LabelSet:
    """kind: `single` gives an image one class, `multi` any number of findings; classes: in the order of their keys.

    Values are text. Single: the class, or `uncertain`. Multi: findings in alphabetical order between bars, a doubtful
    one with a question mark (`effusion|nodule?`), or `none`.
    """

    id: int
    name: str
    kind: Kind
    classes: tuple[str, ...]


def label_sets(project: Project) -> list[LabelSet]:
    """Every label set, in the order in which they were made."""
    found = []
    for number, name, kind, declared in project.db.execute("SELECT id, name, kind, classes FROM label_set ORDER BY id"):
        values = project.db.execute("SELECT DISTINCT value FROM label WHERE label_set_id = ?", (number,))
        used = {each for (value,) in values for each in classes_in(kind, value)}
        classes = json.loads(declared)
        found.append(LabelSet(number, name, kind, (*classes, *sorted(used - set(classes)))))
    return found


def label_set(project: Project, name: str) -> LabelSet:
    """The set of that name. Raises LabelSetUnusable."""
    for each in label_sets(project):
        if each.name == name:
            return each
    names = (each.name for each in label_sets(project))
    raise LabelSetUnusable(f"There is no label set “{name}”", todo=nearest(name, names, "Make one first."))


def active_id(project: Project) -> int:
    """The id of the set in use: what splits, training and review go by."""
    return int(project.db.execute("SELECT value FROM setting WHERE name = 'label_set'").fetchone()[0])


def active_label_set(project: Project) -> LabelSet:
    """The set in use."""
    number = active_id(project)
    return next(each for each in label_sets(project) if each.id == number)


def use_label_set(project: Project, name: str) -> LabelSet:
    """Let splits, training and review go by that set. Raises LabelSetUnusable."""
    chosen = label_set(project, name)
    with project.db as db:
        remember(db, f"Using the labels “{name}”", [("setting", "label_set", str(active_id(project)))])
        db.execute("UPDATE setting SET value = ? WHERE name = 'label_set'", (str(chosen.id),))
    return chosen


def add_label_set(project: Project, name: str, kind: Kind = "single", classes: Iterable[str] = ()) -> LabelSet:
    """Make an empty set. Raises LabelSetUnusable where the name is empty or taken, or a class has a forbidden name."""
    name, declared = name.strip(), [each.strip() for each in classes if each.strip()]
    if not name or any(each.name == name for each in label_sets(project)):
        raise LabelSetUnusable(
            f"A label set “{name}” exists already" if name else "A label set needs a name", todo="Choose another name."
        )
    for each in declared:
        check_class(kind, each)
    with project.db as db:
        values = (name, kind, json.dumps(declared))
        made = db.execute("INSERT INTO label_set (name, kind, classes) VALUES (?, ?, ?)", values).lastrowid
        remember(db, f"Making the label set “{name}”", [("label_set", made)])
    return label_set(project, name)


def values_of(project: Project, chosen: LabelSet) -> dict[int, str]:
    """Image id -> its value in a set."""
    return dict(project.db.execute("SELECT image_id, value FROM label WHERE label_set_id = ?", (chosen.id,)))


def class_counts(project: Project, chosen: LabelSet) -> tuple[dict[str, int], int]:
    """(images by class in the order of the classes, images left open or with a doubtful finding)."""
    counted: Counter[str] = Counter()
    uncertain = 0
    rows = project.db.execute(
        "SELECT value, count(*) FROM label WHERE label_set_id = ? GROUP BY value ORDER BY value", (chosen.id,)
    )
    for value, images in rows:
        if chosen.kind == "single":
            uncertain += images if value == UNCERTAIN else 0
            counted.update(dict.fromkeys(classes_in("single", value), images))
        else:
            findings = findings_of(value)
            counted.update({name: images for name, certain in findings.items() if certain})
            uncertain += images if not all(findings.values()) else 0
    return {name: counted[name] for name in chosen.classes if counted[name]}, uncertain
