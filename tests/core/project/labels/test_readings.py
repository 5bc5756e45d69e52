"""Readings are blinded in order, signed, and never changed; labels keep their history."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fineray.project.catalogue import image_rows
from fineray.project.changes import set_labels, undo
from fineray.project.labels.readings import (
    ReadingRefused,
    adjudicate,
    decisions,
    next_unread,
    readers,
    reading_order,
    readings,
    save_reading,
)
from fineray.project.labels.revisions import notes, revisions, set_note
from fineray.project.project import Project
from tests.support.studies import Zoo


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    return lent(zoo.labelled(6, 2))


def test_each_reader_reads_every_image_once_in_an_order_of_chance(study: Project) -> None:
    images = [row.id for row in image_rows(study)]
    one, two = reading_order(images, "run-001", "AB"), reading_order(images, "run-001", "CD")
    assert sorted(one) == sorted(images) and one != two and one == reading_order(reversed(images), "run-001", " AB ")
    seen = []
    while (image := next_unread(study, images, "run-001", "AB")) is not None:
        seen.append(image)
        save_reading(study, "run-001", "AB", image, "bright", 2.5)
    assert seen == one
    assert next_unread(study, images, "run-001", "CD") == two[0]
    assert readers(study, "run-001") == ["AB"] and len(readings(study, "run-001")) == len(images)
    with pytest.raises(ReadingRefused, match="already"):
        save_reading(study, "run-001", "AB", images[0], "dark", 1)
    with pytest.raises(ReadingRefused, match="signed"):
        save_reading(study, "run-001", "  ", images[0], "dark", 1)


def test_nobody_changes_a_saved_reading_or_decision(study: Project) -> None:
    image = image_rows(study)[0].id
    save_reading(study, "run-001", "AB", image, "dark", 1.0)
    adjudicate(study, "run-001", "AB", image, "dark", "CD", "cavity seen in the lateral view")
    for statement in (
        "UPDATE reading SET value = 'bright'",
        "DELETE FROM reading",
        "UPDATE adjudication SET reason = ''",
        "DELETE FROM adjudication",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="kept"), study.db as db:
            db.execute(statement)


def test_a_decision_changes_the_label_and_leaves_its_trace(study: Project) -> None:
    row = next(each for each in image_rows(study) if each.label == "bright")
    with pytest.raises(ReadingRefused, match="needs a reading"):
        adjudicate(study, "run-001", "AB", row.id, "dark", "CD", "why")
    save_reading(study, "run-001", "AB", row.id, "dark", 1.0)
    with pytest.raises(ReadingRefused, match="needs a reason"):
        adjudicate(study, "run-001", "AB", row.id, "dark", "CD", " ")
    adjudicate(study, "run-001", "AB", row.id, "dark", "CD", "clear consolidation")
    (decision,) = decisions(study)
    assert (decision.label, decision.reading, decision.decided, decision.decided_by) == ("bright", "dark", "dark", "CD")
    assert next(each for each in image_rows(study) if each.id == row.id).label == "dark"
    (revision,) = revisions(study, row.id)
    assert (revision.before, revision.after) == ("bright", "dark") and revision.changed.endswith("Z")


def test_every_way_of_changing_a_label_is_kept(study: Project) -> None:
    image = image_rows(study)[0].id
    before = image_rows(study)[0].label
    other = "dark" if before == "bright" else "bright"
    assert revisions(study) == [], "the first label is no change"
    set_labels(study, {image: before}, "the same again")
    assert revisions(study) == []
    set_labels(study, {image: other}, "x")
    set_labels(study, {image: None}, "x")
    undo(study)
    assert [(each.before, each.after) for each in revisions(study, image)] == [(other, None), (before, other)]


def test_notes_are_written_and_taken_away(study: Project) -> None:
    one, two = (row.id for row in image_rows(study)[:2])
    set_note(study, one, "  rotated; repeat?  ")
    assert notes(study) == {one: "rotated; repeat?"} == notes(study, [one, two])
    set_note(study, one, " ")
    assert notes(study) == {}
